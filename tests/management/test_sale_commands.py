"""The commands about a sale: what they do, what they print, how they refuse, and their exit codes."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError

from sales.domain.states import SaleState
from sales.live import connection, ledger
from sales.management.commands import sale_status
from sales.models import DeadLetter, LedgerServer, Sale, TrailEntry
from tests.conftest import MakeSale

BEFORE = {
    "publish_sale": SaleState.DRAFT,
    "pause_sale": SaleState.PUBLISHED,
    "resume_sale": SaleState.PAUSED,
    "close_sale": SaleState.PUBLISHED,
}
AFTER = {
    "publish_sale": (SaleState.PUBLISHED, "night is published."),
    "pause_sale": (SaleState.PAUSED, "night is paused."),
    "resume_sale": (SaleState.PUBLISHED, "night sells on."),
    "close_sale": (SaleState.CLOSED, "night is closed."),
}
READS = ("list_sales", "sale_status")


def run(*words: str) -> str:
    """Run a command as a terminal would and return what it printed."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refusal(*words: str) -> CommandError:
    """Run a command that fails, and return how."""
    with pytest.raises(CommandError) as caught:
        run(*words)
    return caught.value


def buy(sale: Sale, *shoppers: str) -> None:
    for shopper in shoppers:
        connection.run(ledger.purchase(sale=sale.pk, epoch=1, shopper=shopper, order_id=uuid4()))


@pytest.fixture
def no_ledger(settings: Any, tmp_path: Path, db: None) -> None:
    """A ledger server that nobody can reach."""
    nowhere = {**settings.CACHES["ledger"], "LOCATION": f"unix://{tmp_path}/nobody.sock?db=0"}
    settings.CACHES = {**settings.CACHES, "ledger": nowhere}


@pytest.fixture
def ready_for(proven: LedgerServer, make_sale: MakeSale) -> Callable[[str], Sale]:
    """Make the sale `night`, to which this command may be applied, in record and ledger."""

    def make(command: str) -> Sale:
        sale = make_sale(slug="night", published=BEFORE[command] != SaleState.DRAFT)
        if BEFORE[command] == SaleState.PAUSED:
            run("pause_sale", "night")
            TrailEntry.objects.all().delete()
        return sale

    return make


@pytest.mark.parametrize("command", BEFORE)
class TestEachAct:
    def test_is_done_and_said(self, ready_for: Callable[[str], Sale], command: str) -> None:
        sale = ready_for(command)

        printed = run(command, "night", "--why", "The posters are wrong.")

        sale.refresh_from_db()
        assert (sale.state, printed.strip()) == AFTER[command]
        entry = TrailEntry.objects.get()
        assert entry.why == "The posters are wrong."
        assert entry.who.startswith(f"manage.py {command}")

    def test_is_refused_in_a_sentence_the_second_time(self, ready_for: Callable[[str], Sale], command: str) -> None:
        ready_for(command)
        run(command, "night", "--why", "Because.")

        error = refusal(command, "night", "--why", "Because.")

        assert str(error).startswith("night: This sale is")
        assert error.returncode == 1

    def test_says_that_the_ledger_follows_when_it_was_not_reached(
        self, no_ledger: None, make_sale: MakeSale, command: str
    ) -> None:
        sale = make_sale(slug="night", state=BEFORE[command])

        error = refusal(command, "night", "--why", "Because.")

        assert error.returncode == 3
        assert str(error) == (
            f"{AFTER[command][1]} That is on record; the ledger was not reached. It follows once the keeper reaches it."
        )
        sale.refresh_from_db()
        assert sale.state == AFTER[command][0]

    def test_names_what_looks_like_a_slug_that_is_none(self, make_sale: MakeSale, command: str) -> None:
        for slug in ("sample-sale-1", "sample-sale-2", "winter-print"):
            make_sale(slug=slug)

        error = refusal(command, "sampel-sale-1", "--why", "Because.")

        assert error.returncode == 2
        assert str(error) == "There is no sale sampel-sale-1. Did you mean sample-sale-1 or sample-sale-2?"

    def test_refuses_a_reason_that_is_too_long(self, ready_for: Callable[[str], Sale], command: str) -> None:
        ready_for(command)

        error = refusal(command, "night", "--why", "x" * 501)

        assert str(error) == "night: Say why in at most 500 characters."
        assert error.returncode == 1


class TestUnknown:
    def test_points_to_the_list_where_nothing_looks_like_it(self, make_sale: MakeSale) -> None:
        make_sale(slug="winter-print")

        assert str(refusal("pause_sale", "zzz")) == "There is no sale zzz. See list_sales for those there are."

    def test_says_that_there_are_none_at_all(self, db: None) -> None:
        sentence = "There are no sales at all: make one in the admin, or start the demo."

        assert str(refusal("sale_status", "night")) == f"There is no sale night. {sentence}"


class TestCloseSale:
    def test_needs_a_reason(self, ready_for: Callable[[str], Sale]) -> None:
        ready_for("close_sale")

        assert "--why" in str(refusal("close_sale", "night"))


class TestHelp:
    @pytest.mark.parametrize("command", [*BEFORE, *READS])
    def test_says_what_a_command_does(self, command: str) -> None:
        made = load_command_class(get_commands()[command], command)

        text = made.create_parser("manage.py", command).format_help()

        assert made.help
        assert "show this help message" in text

    def test_lists_the_exit_codes_of_a_status(self) -> None:
        made = load_command_class("sales", "sale_status")

        assert "0: it adds up; 1: it does not; 2: no such sale; 3: the ledger was not reached" in made.help


class TestSaleStatus:
    def test_shows_window_state_numbers_and_that_they_add_up(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", stock=5, published=True)
        buy(sale, "u:1", "u:2")

        printed = [line.split() for line in run("sale_status", "night").splitlines() if line.strip()]
        lines = {words[0]: " ".join(words[1:]) for words in printed}

        assert (lines["left"], lines["held"], lines["sold"], lines["stock"]) == ("3", "0", "2", "5")
        assert lines["state"] == "published"
        assert lines["ledger"] == "open, epoch 1"
        assert lines["window"].endswith("Europe/Berlin")
        assert lines["backlog"].startswith("3 events, the oldest ")
        assert lines["It"] == "adds up. 0 of 2 sold are on record, 2 on their way."

    def test_prints_json_for_scripts(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", stock=5, published=True)
        buy(sale, "u:1")

        said = json.loads(run("sale_status", "night", "--json"))

        assert (said["slug"], said["state"], said["stock"], said["recorded"]) == ("night", "published", 5, 0)
        assert (said["left"], said["sold"], said["ledger"]["state"]) == (4, 1, "open")
        assert (said["adds_up"], said["backlog"]) == (True, 2)
        assert said["record_lag_ms"] >= 0

    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_exits_with_3_where_the_ledger_is_not_reached(
        self, no_ledger: None, make_sale: MakeSale, options: tuple[str, ...]
    ) -> None:
        make_sale(slug="night", state=SaleState.PUBLISHED)
        out = StringIO()

        with pytest.raises(CommandError) as caught:
            call_command("sale_status", "night", *options, stdout=out)

        assert caught.value.returncode == 3
        assert "The ledger is not reachable. 0 orders are on record." in out.getvalue()

    def test_exits_with_1_and_says_by_how_much_where_it_does_not_add_up(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", stock=5, published=True)
        buy(sale, "u:1", "u:2")
        Sale.objects.filter(pk=sale.pk).update(stream_offset=3)  # all is recorded, it says, but no order is there
        out = StringIO()

        with pytest.raises(CommandError) as caught:
            call_command("sale_status", "night", stdout=out)

        assert caught.value.returncode == 1
        assert "It does not add up. 2 are sold and 0 on record; nothing explains the other 2." in out.getvalue()

    def test_explains_what_the_record_refused(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", stock=5, published=True)
        buy(sale, "u:1", "u:2")
        Sale.objects.filter(pk=sale.pk).update(stream_offset=3, recorded=1)
        DeadLetter.objects.create(sale=sale, epoch=1, seq=3, event={}, reason="Torn.")

        assert "1 of 2 sold are on record, 0 on their way. The record refused 1: see the dead letters." in run(
            "sale_status", "night"
        )

    def test_finds_a_ledger_of_another_epoch(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="night", published=True)
        LedgerServer.objects.update(epoch=2)

        said = refusal("sale_status", "night")

        assert said.returncode == 1

    @pytest.mark.parametrize("state", [SaleState.DRAFT, SaleState.SETTLED])
    def test_asks_no_ledger_about_a_sale_that_is_not_live(
        self, no_ledger: None, make_sale: MakeSale, state: SaleState
    ) -> None:
        make_sale(slug="night", state=state, recorded=2)

        said = json.loads(run("sale_status", "night", "--json"))

        assert (said["ledger"], said["adds_up"], said["why_no_ledger"]) == (None, None, None)

    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_watches_until_ctrl_c(
        self,
        proven: LedgerServer,
        make_sale: MakeSale,
        monkeypatch: pytest.MonkeyPatch,
        options: tuple[str, ...],
    ) -> None:
        sale = make_sale(slug="night", stock=5, published=True)
        looks: list[int] = []

        def somebody_buys_or_stops() -> None:
            looks.append(1)
            if len(looks) == 3:
                raise KeyboardInterrupt
            buy(sale, f"u:{len(looks)}")

        monkeypatch.setattr(sale_status, "wait", somebody_buys_or_stops)

        printed = run("sale_status", "night", "--watch", *options)

        assert len(looks) == 3
        if options:
            lefts = [json.loads(line)["left"] for line in printed.splitlines() if line]
            assert lefts == [5, 4, 3]
        else:
            assert "It adds up." in printed


class TestListSales:
    def test_shows_every_sale_with_live_numbers(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", stock=5, published=True)
        make_sale(slug="a-draft")
        buy(sale, "u:1")

        printed = run("list_sales")

        row = next(line.split() for line in printed.splitlines() if line.startswith("night"))
        assert row[1] == "published"
        assert row[-8:] == ["5", "4", "0", "1", "0", "open,", "epoch", "1"]
        assert "a-draft" in printed

    def test_shows_those_in_a_state(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="night", published=True)
        make_sale(slug="a-draft")

        slugs = [each["slug"] for each in json.loads(run("list_sales", "--state", "draft", "--json"))]

        assert slugs == ["a-draft"]

    def test_says_so_where_there_are_none(self, db: None) -> None:
        assert run("list_sales").strip() == "There are no sales."
        assert run("list_sales", "--state", "paused").strip() == "There is no sale in this state."
        assert json.loads(run("list_sales", "--json")) == []

    def test_refuses_a_state_that_is_none(self, db: None) -> None:
        assert "invalid choice" in str(refusal("list_sales", "--state", "gone"))

    def test_works_without_the_ledger(self, no_ledger: None, make_sale: MakeSale) -> None:
        make_sale(slug="night", state=SaleState.PUBLISHED)

        assert "no numbers (UNREACHABLE)" in run("list_sales")

"""Restock, move and cancel from a terminal: what is done, printed and refused, and the exit codes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import get_commands, load_command_class

from sales.domain import references
from sales.domain.states import OrderState, SaleState
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from tests.conftest import MakeOrder, MakeSale
from tests.management.test_sale_commands import refusal, run
from tests.selling import buy, drain, in_ledger

WHY = ("--why", "Because.")
CHANGES = {
    "restock_sale": ("night", "--by", "1"),
    "move_sale": ("night", "--closes", "2099-01-01T18:00"),
}


@pytest.fixture
def no_ledger(settings: Any, tmp_path: Path, db: None) -> None:
    """A ledger server that nobody can reach."""
    nowhere = {**settings.CACHES["ledger"], "LOCATION": f"unix://{tmp_path}/nobody.sock?db=0"}
    settings.CACHES = {**settings.CACHES, "ledger": nowhere}


@pytest.fixture
def order(proven: LedgerServer, make_sale: MakeSale) -> Order:
    """The first of two orders in the sale `night`, which has five units."""
    sale = make_sale(slug="night", published=True, stock=5)
    buy(sale, "u:1", "u:2")
    drain(sale)
    found: Order = Order.objects.get(unit=1)
    return found


class TestRestockSale:
    @pytest.mark.parametrize(
        ("words", "stock"), [(("--by", "10"), 15), (("--by", "-2"), 3), (("--by=+1",), 6), (("--to", "9"), 9)]
    )
    def test_is_done_and_said(
        self, proven: LedgerServer, make_sale: MakeSale, words: tuple[str, ...], stock: int
    ) -> None:
        sale = make_sale(slug="night", published=True, stock=5)

        assert run("restock_sale", "night", *words, *WHY).strip() == f"night: stock is {stock} now."

        sale.refresh_from_db()
        assert sale.stock == in_ledger(sale).stock == stock
        entry = TrailEntry.objects.get()
        assert (entry.act, entry.why) == ("restock", "Because.")
        assert entry.who.startswith("manage.py restock_sale")

    def test_is_refused_with_the_number_that_stands_in_the_way(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", published=True, stock=5)
        buy(sale, "u:1", "u:2")

        error = refusal("restock_sale", "night", "--to", "1", *WHY)

        assert str(error) == "night: 2 are sold and 0 held; stock cannot go below 2."
        assert error.returncode == 1

    @pytest.mark.parametrize(
        "words", [(*WHY,), ("--by", "1", "--to", "2", *WHY), ("--by", "many", *WHY), ("--by", "1")], ids=len
    )
    def test_refuses_wrong_usage(self, proven: LedgerServer, make_sale: MakeSale, words: tuple[str, ...]) -> None:
        make_sale(slug="night", published=True)

        refusal("restock_sale", "night", *words)

        assert not StockChange.objects.exists()


class TestMoveSale:
    def test_reads_times_by_the_clocks_of_the_sale(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="night", published=True, opens_in=600)

        printed = run("move_sale", "night", "--opens", "2098-07-01T18:00", "--closes", "2098-07-01T20:00:30", *WHY)

        sale = Sale.objects.get()
        assert sale.opens_at == datetime(2098, 7, 1, 16, tzinfo=UTC)
        assert sale.closes_at == datetime(2098, 7, 1, 18, 0, 30, tzinfo=UTC)
        assert printed.strip() == "night: on from 2098-07-01 18:00:00 to 2098-07-01 20:00:30, Europe/Berlin."

    def test_reads_an_offset_where_there_is_one(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="night", published=True)

        run("move_sale", "night", "--closes", "2098-07-01T18:00Z", *WHY)
        run("move_sale", "night", "--closes", "2028-10-29T02:30+01:00", *WHY)

        assert Sale.objects.get().closes_at == datetime(2028, 10, 29, 1, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("time", "sentence"),
        [
            ("2028-03-26T02:30", "clocks in Europe/Berlin go forward over it. Write 01:30 or 03:30,"),
            ("2028-10-29T02:30", "it comes twice in Europe/Berlin: clocks go back over it. Add the offset"),
            ("tomorrow", "this is no date and time between 2000 and 2199."),
            ("0001-01-01T00:00", "this is no date and time between 2000 and 2199."),
        ],
    )
    def test_refuses_a_time_that_is_none_or_two(
        self, proven: LedgerServer, make_sale: MakeSale, time: str, sentence: str
    ) -> None:
        make_sale(slug="night", published=True)

        error = refusal("move_sale", "night", "--closes", time, *WHY)

        assert str(error).startswith(f"--closes {time}: {sentence}")
        assert error.returncode == 2
        assert not StockChange.objects.exists()

    def test_says_that_an_open_sale_keeps_its_opening(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="night", published=True)

        error = refusal("move_sale", "night", "--opens", (datetime.now(UTC) + timedelta(minutes=9)).isoformat(), *WHY)

        assert "its opening cannot be moved any more." in str(error)
        assert error.returncode == 1

    def test_wants_to_know_what_to_move(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="night", published=True)

        error = refusal("move_sale", "night", *WHY)

        assert (str(error), error.returncode) == ("Say what to move: --opens, --closes, or both.", 2)


@pytest.mark.parametrize("command", CHANGES)
class TestBothChanges:
    def test_print_json_for_scripts(self, proven: LedgerServer, make_sale: MakeSale, command: str) -> None:
        make_sale(slug="night", published=True)

        said = json.loads(run(command, *CHANGES[command], *WHY, "--json"))

        sale = Sale.objects.get()
        assert said["closes_at"] == sale.closes_at.isoformat()
        assert (said["slug"], said["stock"], said["done"]) == ("night", sale.stock, True)

    def test_say_that_it_is_done_later_where_the_ledger_was_not_reached(
        self, no_ledger: None, make_sale: MakeSale, command: str
    ) -> None:
        make_sale(slug="night", state=SaleState.PUBLISHED)

        error = refusal(command, *CHANGES[command], *WHY)

        assert error.returncode == 3
        assert str(error) == (
            "night: asked, and on record; the ledger was not reached. It is done once the keeper reaches it."
        )
        assert StockChange.objects.get().state == "asked"

    def test_refuse_closed_sales_and_sales_that_are_none(
        self, proven: LedgerServer, make_sale: MakeSale, command: str
    ) -> None:
        make_sale(slug="night", state=SaleState.CLOSED)

        assert refusal(command, *CHANGES[command], *WHY).returncode == 1
        assert refusal(command, "nihgt", *CHANGES[command][1:], *WHY).returncode == 2

    def test_edit_drafts(self, db: None, make_sale: MakeSale, command: str) -> None:
        make_sale(slug="night")

        run(command, *CHANGES[command], *WHY)

        assert not StockChange.objects.exists()


class TestCancelOrder:
    def test_finds_it_by_reference_or_order_id(self, order: Order) -> None:
        other = Order.objects.get(unit=2)

        printed = [
            run("cancel_order", references.spaced(order.reference).lower(), *WHY),
            run("cancel_order", str(other.order_id), "--keep-back", *WHY),
        ]

        assert [each.strip() for each in printed] == [
            f"The order {order} is cancelled: unit 1 of night is back on sale.",
            f"The order {other} is cancelled: unit 2 of night is kept back.",
        ]
        sale = Sale.objects.get()
        assert (sale.stock, sale.recorded, in_ledger(sale).stock, in_ledger(sale).sold) == (4, 0, 4, 0)
        entry = TrailEntry.objects.filter(act="cancel").last()
        assert entry
        assert entry.who.startswith("manage.py cancel_order")

    def test_prints_json_for_scripts(self, order: Order) -> None:
        said = json.loads(run("cancel_order", order.reference, "--keep-back", *WHY, "--json"))

        assert said == {
            "order_id": str(order.order_id),
            "reference": order.reference,
            "sale": "night",
            "unit": 1,
            "kept_back": True,
            "stock": 4,
            "recorded": 1,
            "reached_ledger": True,
        }

    def test_is_refused_the_second_time(self, order: Order) -> None:
        run("cancel_order", order.reference, *WHY)

        error = refusal("cancel_order", order.reference, *WHY)

        assert str(error).startswith(f"The order {order} was cancelled ")
        assert error.returncode == 1

    @pytest.mark.parametrize("text", ["K7QF2M9D", str(UUID(int=7)), "night", ""])
    def test_knows_no_order_that_is_not_on_record(self, order: Order, text: str) -> None:
        error = refusal("cancel_order", text, *WHY)

        assert str(error).startswith(f"There is no order {text} on record.")
        assert error.returncode == 2

    def test_asks_which_one_where_two_share_a_reference(self, order: Order, make_order: MakeOrder) -> None:
        alike = UUID(int=order.order_id.int ^ 1)
        twin = make_order(order.sale, unit=3, shopper="u:3", order_id=alike, reference=references.of(alike))

        error = refusal("cancel_order", order.reference, *WHY)

        assert str(order.order_id) in str(error)
        assert str(twin.order_id) in str(error)
        assert error.returncode == 2
        assert not Order.objects.filter(state=OrderState.CANCELLED).exists()

    def test_says_that_the_ledger_follows(self, order: Order, no_ledger: None) -> None:
        error = refusal("cancel_order", order.reference, *WHY)

        assert error.returncode == 3
        assert str(error) == (
            f"The order {order} is cancelled on record; the ledger was not reached. "
            "It follows once the keeper reaches it."
        )

    def test_needs_a_reason(self, order: Order) -> None:
        assert "--why" in str(refusal("cancel_order", order.reference))
        assert refusal("cancel_order", order.reference, "--why", " ").returncode == 1


class TestHelp:
    @pytest.mark.parametrize("command", [*CHANGES, "cancel_order"])
    def test_lists_the_exit_codes(self, command: str) -> None:
        made = load_command_class(get_commands()[command], command)

        assert "show this help message" in made.create_parser("manage.py", command).format_help()
        assert all(f"{code}: " in made.help for code in range(4))

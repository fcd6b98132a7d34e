"""Settling: what stands in the way, what is kept, and that every question is answered from the record as before."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from sales.domain import shoppers
from sales.domain.states import SaleState
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import Account, LedgerServer, Order, Sale, TrailEntry
from sales.services import cancelling, deciding, lifecycle, settling
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.api.conftest import Api, Said, at_once
from tests.conftest import EPOCH, MakeSale
from tests.management.keeper_time import Turns, clock, keeper, turns
from tests.management.test_sale_commands import refusal, run
from tests.selling import buy, drain, hold, raw

__all__ = ["at_once", "clock", "keeper", "turns"]
BY = Actor(who="operator")
SIX = ("meta", "shoppers", "keys", "returned", "deadlines", "events")
pytestmark = pytest.mark.django_db


def settle(sale: Sale) -> settling.Settled:
    with Line() as line:
        return settling.settle(sale_pk=sale.pk, line=line, by=BY, pause=lambda _seconds: None)


def keys(sale: Sale) -> int:
    found: int = raw().exists(*SaleKeys.of(sale.pk).named(*SIX))
    return found


@pytest.fixture
def closed(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    """A closed sale with two purchases, all on record."""
    sale = make_sale(slug="night", published=True, stock=5)
    Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
    buy(sale, "u:1", "u:2")
    lifecycle.close(sale_pk=sale.pk, by=BY)
    drain(sale)
    return Sale.objects.get()


class TestSettle:
    def test_removes_the_keys_and_keeps_them_in_a_file(self, closed: Sale) -> None:
        settled = settle(closed)

        assert settled.sale.state == SaleState.SETTLED
        assert settled.sale.settled_at
        assert keys(closed) == 0
        assert settled.archive
        with gzip.open(settled.archive, "rt") as text:
            rows = [json.loads(row) for row in text]
        assert rows[0]["meta"]["sold"] == "2"
        assert [row["event"]["what"] for row in rows if "event" in row] == ["published", "bought", "bought"]
        assert sorted(row["entry"] for row in rows if "entry" in row) == ["u:1/1", "u:2/1"]
        assert TrailEntry.objects.get(act="settle").after["archive"] == settled.archive.name

    def test_waits_until_nobody_asks_the_ledger_any_more(self, closed: Sale, settings: Any) -> None:
        settings.SALES = replace(settings.SALES, catalogue_max_age_ms=1_000)
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            assert Sale.objects.get().state == SaleState.SETTLED
            assert keys(closed) > 0

        with Line() as line:
            settling.settle(sale_pk=closed.pk, line=line, by=BY, pause=wait)

        assert waited == [pytest.approx(1.1)]

    def test_finishes_what_a_crash_left(self, closed: Sale) -> None:
        class Killed(Exception):
            pass

        def die(_seconds: float) -> None:
            raise Killed

        with Line() as line, pytest.raises(Killed):
            settling.settle(sale_pk=closed.pk, line=line, by=BY, pause=die)
        assert keys(closed) > 0

        assert settle(closed).archive is None

        assert keys(closed) == 0

    def test_by_command(self, closed: Sale, settings: Any) -> None:
        printed = run("settle_sale", "night")

        assert printed.startswith("night is settled: 2 orders on record. What the ledger held is in ")
        assert "It was settled before." in run("settle_sale", "night")
        assert json.loads(run("settle_sale", "night", "--json")) == {"slug": "night", "recorded": 2, "archive": None}
        assert refusal("settle_sale", "nobody").returncode == 2


class TestStandsInTheWay:
    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (lambda sale: Sale.objects.update(state=SaleState.PAUSED), "Only a closed sale can be settled"),
            (lambda sale: Sale.objects.update(stream_offset=2), "1 events are not on record yet"),
            (lambda sale: Sale.objects.update(state_number=9), "does not know yet that the sale is closed"),
            (lambda sale: sale.dead_letters.create(epoch=1, seq=9, event={}, reason="x"), "1 dead letters are open"),
            (lambda sale: raw().hdel(SaleKeys.of(sale.pk).shoppers, "u:1/1"), "Ledger and record do not agree"),
            (lambda sale: raw().delete(SaleKeys.of(sale.pk).meta), "The ledger answers NO_LEDGER"),
            (
                lambda sale: Order.objects.filter(unit=1).update(
                    state="cancelled", ledger_state="asked", cancelled_at=sale.opens_at
                ),
                "yet to be told",
            ),
        ],
        ids=["not closed", "a tail", "ledger behind", "a dead letter", "a difference", "no ledger", "asked"],
    )
    def test_is_said_and_nothing_is_removed(self, closed: Sale, spoil: Callable[[Sale], object], says: str) -> None:
        spoil(closed)
        before = keys(closed)

        with pytest.raises(Refused, match=says):
            settle(closed)

        assert keys(closed) == before
        assert Sale.objects.get().state != SaleState.SETTLED

    def test_is_a_unit_that_is_held(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, hold_seconds=60)
        hold(sale, "u:1")
        lifecycle.close(sale_pk=sale.pk, by=BY)
        drain(sale)

        with pytest.raises(Refused, match="1 units are held"):
            settle(sale)


class TestEveryQuestionAgain:
    """Asked of the ledger, and then, in the same words, of the record."""

    @pytest.fixture
    def sold(self, proven: LedgerServer, make_sale: MakeSale, client: Client, turns: Turns) -> Sale:
        """A sale with a limit of two: bought with a key, bought twice, cancelled, nothing; then closed early."""
        sale = make_sale(slug="night", published=True, stock=6, limit=2)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        api = Api(client, {})
        api.buy("keyed", sale, key="key-of-keyed")
        for key in ("first", "second"):
            api.buy("twice", sale, key=key)
        api.buy("cancelled", sale)
        buy(sale, "u:4242")
        turns()
        order = Order.objects.get(shopper=shoppers.of_client(client="demo", user_id="cancelled"))
        cancelling.cancel(order_pk=order.pk, kept_back=False, actor=BY, why="By mistake.")
        lifecycle.close(sale_pk=sale.pk, by=BY)
        turns()
        return Sale.objects.get()

    def questions(self, api: Api, sale: Sale) -> dict[str, Said]:
        bought = Order.objects.filter(shopper=shoppers.of_client(client="demo", user_id="keyed")).get().order_id
        asked = {f"look up {user}": api.look_up(user, sale) for user in ("keyed", "twice", "cancelled", "nobody")}
        asked |= {f"buy again {user}": api.buy(user, sale) for user in ("keyed", "twice", "cancelled", "nobody")}
        for key in ("key-of-keyed", "new"):
            asked[f"the key {key}"] = api.buy("keyed", sale, key=key)
        asked["another's key"] = api.buy("twice", sale, key="key-of-keyed")
        for verb in ("confirm", "release", "extend"):
            asked[verb] = api.act(verb, "keyed", sale, str(bought))
        asked["an unknown order"] = api.act("confirm", "keyed", sale, "b2c7a8f4-9d2e-4f31-8f3a-1c2d3e4f5a6b")
        asked["status"] = api.status(sale)
        asked["every status"] = api.get("/api/flashsale/status")
        return asked

    def essence(self, said: Said) -> Any:
        text = json.dumps([said.status, said.body], sort_keys=True)
        parts = json.loads(text)
        for each in parts[1] if isinstance(parts[1], list) else [parts[1]]:
            if isinstance(each, dict):
                each.pop("serverTime", None)
        return parts

    def test_has_the_same_answer(self, sold: Sale, client: Client) -> None:
        api = Api(client, {})
        before = {name: self.essence(said) for name, said in self.questions(api, sold).items()}

        settle(sold)
        after = {name: self.essence(said) for name, said in self.questions(api, sold).items()}

        assert keys(sold) == 0
        assert after == before
        assert before["look up keyed"][1]["purchase"]["status"] == "confirmed"
        assert before["look up cancelled"][1]["purchase"]["status"] == "cancelled"

    def test_has_its_page(self, sold: Sale, client: Client) -> None:
        account = Account.objects.create_user("late@example.com", pk=4242)
        client.force_login(account)
        pages: tuple[str, ...] = (
            f"/sales/{sold.slug}/",
            "/",
            "/purchases/",
            f"/sales/{sold.slug}/panel",
            f"/sales/{sold.slug}/mine",
        )
        order = Order.objects.get(shopper="u:4242")
        pages += (f"/purchases/{order.order_id}/",)
        before = [client.get(page).status_code for page in pages]

        settle(sold)

        assert [client.get(page).status_code for page in pages] == before == [200] * len(pages)
        assert order.reference[:4] in client.get(pages[-1]).content.decode()

    def test_has_no_dead_letters_to_decide(self, sold: Sale) -> None:
        settle(sold)

        with pytest.raises(Refused, match="There is no dead letter"):
            deciding.retry(letter_pk=1, by=BY)

"""A sale with a past, for tests of what becomes of its ledger; and the ways in which that can be spoiled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sales.domain.outcomes import Outcome
from sales.live import connection, drafting, ledger
from sales.live.entries import Entry
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.live.results import Found
from sales.models import LedgerServer, Sale
from sales.services import fencing, reconciling, recording
from sales.services.acting import Actor
from sales.services.reconciling import Reconciled
from tests.conftest import EPOCH, MakeSale
from tests.selling import ask_for_unit, hold, in_ledger, raw

OPERATOR = Actor(who="operator")


@dataclass
class Shop:
    """One sale with a past: 1 on record, 2 bought since, 3 held, 4 let go; the others are still to come."""

    sale: Sale

    @property
    def keys(self) -> SaleKeys:
        return SaleKeys.of(self.sale.pk)

    def reconcile(self, **more: Any) -> Reconciled:
        with Line() as line:
            return reconciling.reconcile(line=line, sale_pk=self.sale.pk, **more)

    def find(self, shopper: str, *, key: str = "") -> Found:
        call = ledger.find(sale=self.sale.pk, epoch=fencing.epoch(), shopper=shopper, key_digest=key)
        return connection.run(call)

    def entry(self, shopper: str) -> Entry:
        (entry,) = self.find(shopper).entries
        return entry

    def record(self) -> None:
        with Line() as line:
            recording.drain(sale_pk=self.sale.pk, line=line, epoch=fencing.epoch())
        self.sale.refresh_from_db()

    def adds_up(self) -> bool:
        """Whether I1 holds, and map and stream tell one story in the number of units."""
        seen = in_ledger(self.sale, epoch=fencing.epoch())
        with Line() as line:
            entries = [entry for _place, entry in drafting.entries_of(line, self.sale.pk)]
        bought = [entry.unit for entry in entries if entry and entry.is_bought]
        return seen.outcome is Outcome.FOUND and seen.sound and len(set(bought)) == len(bought) == seen.sold


@pytest.fixture
def shop(proven: LedgerServer, make_sale: MakeSale) -> Shop:
    sale = make_sale(published=True, stock=5, hold_seconds=600)
    Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
    shop = Shop(sale)
    for number in (1, 2):
        taken = hold(sale, f"u:{number}")
        assert taken.entry
        connection.run(ledger.confirm(sale=sale.pk, epoch=EPOCH, shopper=f"u:{number}", order_id=taken.entry.order_id))
        if number == 1:
            shop.record()
    hold(sale, "u:3")
    taken = hold(sale, "u:4")
    assert taken.entry
    connection.run(ledger.release(sale=sale.pk, epoch=EPOCH, shopper="u:4", order_id=taken.entry.order_id))
    return shop


Spoil = Callable[[SaleKeys], object]
FROM_EVENTS: dict[str, Spoil] = {
    "meta gone": lambda keys: raw().delete(keys.meta),
    "meta of another type": lambda keys: (raw().delete(keys.meta), raw().set(keys.meta, "x")),
    "a field missing": lambda keys: raw().hdel(keys.meta, "stock"),
    "a field that is no number": lambda keys: raw().hset(keys.meta, "sold", "many"),
    "a sum wrong": lambda keys: raw().hincrby(keys.meta, "sold", 1),
    "seq behind the stream": lambda keys: raw().hincrby(keys.meta, "seq", -1),
    "shoppers gone": lambda keys: raw().delete(keys.shoppers),
    "shoppers of another type": lambda keys: (raw().delete(keys.shoppers), raw().sadd(keys.shoppers, "x")),
    "bindings of another type": lambda keys: raw().set(keys.keys, "x"),
    "a binding too many": lambda keys: raw().hset(keys.keys, "0123456789a", "u:1/1"),
    "returned gone": lambda keys: raw().delete(keys.returned),
    "returned of another type": lambda keys: (raw().delete(keys.returned), raw().set(keys.returned, "x")),
    "deadlines gone": lambda keys: raw().delete(keys.deadlines),
    "deadlines of another type": lambda keys: (raw().delete(keys.deadlines), raw().set(keys.deadlines, "x")),
    "all but the stream gone": lambda keys: raw().delete(keys.meta, keys.shoppers, keys.returned, keys.deadlines),
}
LOST: dict[str, tuple[Spoil, str]] = {
    "everything gone": (
        lambda keys: raw().delete(keys.meta, keys.shoppers, keys.returned, keys.deadlines, keys.events),
        "its stream is gone",
    ),
    "stream gone": (lambda keys: raw().delete(keys.events), "its stream is gone"),
    "stream of another type": (
        lambda keys: (raw().delete(keys.events), raw().set(keys.events, "x")),
        "its stream is of another type",
    ),
    "a gap": (lambda keys: raw().xdel(keys.events, "5-0"), "Event 5 is missing"),
    "the end of the stream gone": (
        lambda keys: raw().xdel(keys.events, "8-0"),
        "Event 8 is missing",
    ),
    "a shorter stream": (
        lambda keys: (raw().delete(keys.events), raw().xadd(keys.events, {"what": "x"}, "3-0")),
        "its stream ends at event 3, the ledger is at 8",
    ),
}


def buy_held(shop: Shop, who: str) -> None:
    taken = ask_for_unit(shop.sale, who, epoch=fencing.epoch())
    assert taken.entry
    call = ledger.confirm(sale=shop.sale.pk, epoch=fencing.epoch(), shopper=who, order_id=taken.entry.order_id)
    assert connection.run(call).outcome is Outcome.BOUGHT


def events(shop: Shop) -> list[Any]:
    with Line() as line:
        return list(drafting.events_of(line, shop.sale.pk))

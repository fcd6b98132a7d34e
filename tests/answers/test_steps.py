"""What answers have in common. Above all: what is said again for free is what the script itself would say."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django_redis import get_redis_connection

from sales.answers import steps
from sales.answers.steps import HoldVerb
from sales.domain.outcomes import Outcome
from sales.domain.reads import Read
from sales.live import connection, keys, ledger
from sales.live.keys import SaleKeys
from sales.live.results import Taken
from sales.models import LedgerServer, Sale
from sales.queries import catalogue
from sales.queries.catalogue import SaleEntry
from sales.services import purchasing
from tests.conftest import EPOCH, MakeSale

SHOPPERS = ("x:demo:early", "x:demo:late")
KEYS = ("", "", "key-1", "key-2", "key-3")


@pytest.fixture(autouse=True)
def _numbers_at_once(settings: Any) -> None:
    settings.SALES = replace(settings.SALES, snapshot_max_age_ms=0)


@dataclass
class Shop:
    """One sale in which random things happen."""

    sale: SaleEntry
    chance: random.Random
    orders: list[tuple[str, int, UUID]]

    def happen(self) -> None:
        """Buy, confirm, let go, extend, cancel, or let a hold run out."""
        what = self.chance.choice(["buy", "buy", "buy", "confirm", "release", "extend", "cancel", "wait"])
        if what == "buy":
            self.buy()
        elif what == "wait":
            hold_ms = self.chance.choice([0, 60_000])
            get_redis_connection("ledger").hset(SaleKeys.of(self.sale.pk).meta, "hold_ms", hold_ms)
        elif self.orders:
            self.act(what)

    def buy(self) -> Taken:
        shopper, key = self.chance.choice(SHOPPERS), self.chance.choice(KEYS)
        digest = keys.digest(client="demo", key=key) if key else ""
        slot = 0 if key else self.chance.choice([0, 0, 1, 2])
        before = purchasing.run(steps.take_again(self.sale, shopper=shopper, slot=slot, key_digest=digest))
        order_id = uuid4()

        taken = purchasing.run(steps.take(self.sale, shopper=shopper, order_id=order_id, slot=slot, key_digest=digest))

        is_new = taken.entry is not None and taken.entry.order_id == order_id
        if before is None:
            assert is_new or taken.entry is None, (taken, "was decided before, and would not have been said again")
        else:
            assert not is_new
            assert (before.outcome, before.entry) == (taken.outcome, taken.entry)
            assert before.left == taken.left or before.entry is None
        if is_new and taken.entry:
            self.orders.append((shopper, taken.entry.slot, order_id))
        return taken

    def act(self, what: str) -> None:
        shopper, slot, order_id = self.chance.choice(self.orders)
        if what == "cancel":
            call = ledger.cancel(sale=self.sale.pk, epoch=EPOCH, shopper=shopper, slot=slot, order_id=order_id)
            connection.run(call)
            return
        verb: HoldVerb = getattr(ledger, what)
        before = purchasing.run(steps.standing(self.sale, shopper=shopper, order_id=order_id))

        after = purchasing.run(steps.about_hold(verb, self.sale, shopper=shopper, order_id=order_id))

        if before.outcome in (Outcome.BOUGHT, Outcome.CANCELLED, Outcome.UNKNOWN_ORDER):
            assert (before.outcome, before.entry) == (after.outcome, after.entry)
        if before.outcome is Outcome.EXTENDED and what == "extend":
            assert (before.outcome, before.entry) == (after.outcome, after.entry)
        if before.outcome is Outcome.GONE:
            says_so = Outcome.LET_GO if what == "release" and before.entry else Outcome.GONE
            assert after.outcome is says_so


def entry_of(sale: Sale) -> SaleEntry:
    known = catalogue.refresh()
    assert known is not None
    return known.sales[sale.slug]


class TestTakeAgain:
    @pytest.mark.parametrize("seed", range(12))
    def test_says_what_the_script_would_say(self, proven: LedgerServer, make_sale: MakeSale, seed: int) -> None:
        self.let_things_happen(make_sale, seed)

    def test_would_be_caught_forgetting_keys_and_slots(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(steps, "_decided_by_name", lambda *_args, **_named: None)

        with pytest.raises(AssertionError):
            self.let_things_happen(make_sale, seed=1)

    @staticmethod
    def let_things_happen(make_sale: MakeSale, seed: int) -> None:
        chance = random.Random(seed)
        sale = make_sale(
            published=True,
            stock=chance.choice([2, 5]),
            limit=chance.choice([1, 2, 3]),
            hold_seconds=chance.choice([0, 60]),
            hold_extension_seconds=0,
            cancelled_counts=chance.choice([True, False]),
        )
        shop = Shop(sale=entry_of(sale), chance=chance, orders=[])

        for _ in range(60):
            shop.happen()

        assert shop.orders, "nothing happened"

    def test_is_nothing_where_nothing_was_decided(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = entry_of(make_sale(published=True))

        assert purchasing.run(steps.take_again(sale, shopper="x:demo:early")) is None


class TestInEpoch:
    @staticmethod
    def drive(results: Iterator[Any]) -> list[int]:
        """Run `in_epoch` with these results instead of a ledger, and return the epochs it asked in."""
        asked: list[int] = []

        def call(epoch: int) -> Any:
            asked.append(epoch)
            return ledger.find(sale=1, epoch=epoch, shopper="u:1")

        going = steps.in_epoch(call)
        try:
            step = next(going)
            while True:
                step = going.send(step.run() if isinstance(step, Read) else next(results))
        except StopIteration:
            return asked

    def test_asks_once_more_where_the_epoch_has_changed(self, proven: LedgerServer, settings: Any) -> None:
        settings.SALES = replace(settings.SALES, catalogue_max_age_ms=60_000)
        catalogue.refresh()
        LedgerServer.objects.update(epoch=EPOCH + 1)

        asked = self.drive(iter([Taken.failed(Outcome.STALE_EPOCH), Taken.failed(Outcome.STALE_EPOCH)]))

        assert asked == [EPOCH, EPOCH + 1]

    def test_does_not_ask_again_in_the_same_epoch(self, proven: LedgerServer) -> None:
        assert self.drive(iter([Taken.failed(Outcome.STALE_EPOCH)])) == [EPOCH]

    @pytest.mark.parametrize("outcome", [Outcome.NO_SCRIPT, Outcome.UNKNOWN, Outcome.SOLD_OUT, Outcome.BOUGHT])
    def test_takes_any_other_word_for_an_answer(self, proven: LedgerServer, outcome: Outcome) -> None:
        assert self.drive(iter([Taken.failed(outcome)])) == [EPOCH]

"""Ledgers in which purchases may be missing: shut until somebody accepts that, and nothing sold twice then."""

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import SaleState
from sales.live.entries import EntryState
from sales.live.line import Line
from sales.models import DeadLetter, Incident, Order, Sale
from sales.models.sales import OnLedgerLoss
from sales.services import lifecycle, tending
from sales.services.judging import Worth
from tests.conftest import EPOCH
from tests.repair_shop import LOST, OPERATOR, Shop, Spoil, buy_held, events, shop
from tests.selling import ask_for_unit, in_ledger, raw

__all__ = ["shop"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("spoil", "why"), LOST.values(), ids=LOST)
class TestSomethingMayBeMissing:
    def test_stays_shut_until_somebody_accepts_that(self, shop: Shop, spoil: Spoil, why: str) -> None:
        spoil(shop.keys)

        done = shop.reconcile()

        shop.sale.refresh_from_db()
        assert (done.worth, done.ok) == (Worth.DEGRADED, False)
        assert why in done.trouble
        assert "purchases after" in done.trouble
        assert shop.sale.state == SaleState.PAUSED
        assert ask_for_unit(shop.sale, "u:9").outcome in {Outcome.STALE_EPOCH, Outcome.NO_LEDGER}
        with pytest.raises(lifecycle.Refused):
            lifecycle.pause(sale_pk=shop.sale.pk, by=OPERATOR)
        lifecycle.resume(sale_pk=shop.sale.pk, by=OPERATOR)  # which does not open it
        assert not shop.reconcile().ok
        assert ask_for_unit(shop.sale, "u:9").outcome in {Outcome.STALE_EPOCH, Outcome.NO_LEDGER}

    def test_sells_on_once_that_is_accepted(self, shop: Shop, spoil: Spoil, why: str) -> None:
        spoil(shop.keys)
        shop.reconcile()

        done = shop.reconcile(accept_loss=True, by=OPERATOR)

        shop.sale.refresh_from_db()
        assert (done.worth, done.ok) == (Worth.DEGRADED, True)
        assert shop.sale.state == SaleState.PUBLISHED
        assert shop.adds_up()
        seen = in_ledger(shop.sale, epoch=done.epoch)
        assert seen.first_seq > 1_000_000
        assert shop.entry("u:1").state is EntryState.BOUGHT
        buy_held(shop, "u:9")
        shop.record()
        orders = list(Order.objects.values_list("unit", flat=True))
        assert len(set(orders)) == len(orders) == shop.sale.recorded == in_ledger(shop.sale, epoch=done.epoch).sold
        assert not DeadLetter.objects.exists()
        incident = Incident.objects.get(kind="loss_accepted")
        assert incident.ended_at
        assert "may be missing" in incident.text

    def test_sells_on_by_itself_where_the_sale_says_so(self, shop: Shop, spoil: Spoil, why: str) -> None:
        Sale.objects.filter(pk=shop.sale.pk).update(on_ledger_loss=OnLedgerLoss.SELL_ON)
        spoil(shop.keys)

        done = shop.reconcile()

        shop.sale.refresh_from_db()
        assert (done.worth, done.ok, shop.sale.state) == (Worth.DEGRADED, True, SaleState.PUBLISHED)
        assert Incident.objects.get(kind="loss_accepted").ended_at


class TestAcceptedLoss:
    def test_keeps_what_the_rest_of_the_ledger_still_knows(self, shop: Shop) -> None:
        raw().delete(shop.keys.events)  # u:2 is not on record; only the map of shoppers knows

        shop.reconcile(accept_loss=True)
        before = shop.entry("u:2")
        seen = shop.find("u:2")
        shop.record()

        assert (before.state, before.unit) == (EntryState.BOUGHT, 2)
        assert not before.is_recorded(seen.recorded_seq)
        assert list(Order.objects.order_by("unit").values_list("shopper", "unit")) == [("u:1", 1), ("u:2", 2)]

    def test_keeps_what_is_behind_a_gap(self, shop: Shop) -> None:
        raw().xdel(shop.keys.events, "4-0")
        raw().delete(shop.keys.shoppers)

        shop.reconcile(accept_loss=True)
        shop.record()

        assert sorted(Order.objects.values_list("shopper", flat=True)) == ["u:1", "u:2"]

    def test_leaves_a_pause_of_a_person_alone(self, shop: Shop) -> None:
        lifecycle.pause(sale_pk=shop.sale.pk, by=OPERATOR)
        raw().delete(shop.keys.events)

        shop.reconcile(accept_loss=True)

        shop.sale.refresh_from_db()
        assert shop.sale.state == SaleState.PAUSED


class TestBehindTheRecord:
    @pytest.fixture
    def set_back(self, shop: Shop) -> Shop:
        """A ledger from a backup: the record has seen more."""
        backup = {
            name: raw().dump(name) for name in shop.keys.named("meta", "shoppers", "returned", "deadlines", "events")
        }
        buy_held(shop, "u:5")
        shop.record()
        for name, dump in backup.items():
            raw().restore(name, 0, dump, replace=True)
        return shop

    def test_is_noticed_and_shut_by_the_next_look(self, set_back: Shop) -> None:
        sale = Sale.objects.get()
        with Line() as line:
            tended = tending.tend(sale=sale, seen=in_ledger(sale), epoch=EPOCH, line=line)

        assert tended.trouble
        assert "the ledger is at event 8, the record at 10 already" in tended.trouble.text
        assert ask_for_unit(sale, "u:9").outcome is Outcome.STALE_EPOCH

    def test_sells_nothing_twice_once_accepted(self, set_back: Shop) -> None:
        done = set_back.reconcile(accept_loss=True)

        assert in_ledger(set_back.sale, epoch=done.epoch).sold == 3
        buy_held(set_back, "u:6")
        set_back.record()
        assert Order.objects.count() == set_back.sale.recorded == 4
        assert not DeadLetter.objects.exists()
        assert min(event.seq for event in events(set_back)) > 1_000_010

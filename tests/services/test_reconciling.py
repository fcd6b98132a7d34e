"""What a returned ledger is worth where nothing can be missing: it is made anew and sells on by itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live import connection, drafting, ledger
from sales.live.entries import EntryState
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import DeadLetter, LedgerServer, Order, Sale
from sales.services import fencing, lifecycle, tending
from sales.services.judging import Worth
from tests.conftest import EPOCH, MakeSale
from tests.repair_shop import FROM_EVENTS, OPERATOR, Shop, Spoil, buy_held, shop
from tests.selling import an_order, ask_for_unit, buy, drain, hold, in_ledger, raw

__all__ = ["shop"]
pytestmark = pytest.mark.django_db


class TestSound:
    def test_is_left_alone(self, shop: Shop) -> None:
        before = raw().dump(shop.keys.meta)

        done = shop.reconcile()

        assert (done.worth, done.ok, done.epoch) == (Worth.SOUND, True, 0)
        assert raw().dump(shop.keys.meta) == before
        assert fencing.epoch() == EPOCH


@pytest.mark.parametrize("spoil", FROM_EVENTS.values(), ids=FROM_EVENTS)
class TestStreamComplete:
    def test_is_made_anew_and_sells_on_by_itself(self, shop: Shop, spoil: Spoil) -> None:
        spoil(shop.keys)

        done = shop.reconcile()

        assert (done.worth, done.ok, done.epoch) == (Worth.REBUILD, True, EPOCH + 1)
        assert shop.adds_up()
        seen = in_ledger(shop.sale, epoch=EPOCH + 1)
        assert (seen.stock, seen.sold, seen.held, seen.state) == (5, 2, 0, LedgerState.OPEN)
        assert ask_for_unit(shop.sale, "u:9").outcome is Outcome.STALE_EPOCH  # whoever slept through it
        taken = ask_for_unit(shop.sale, "u:9", epoch=EPOCH + 1)
        assert (taken.outcome, taken.entry and taken.entry.unit) == (Outcome.HELD, 3)

    def test_says_the_same_to_whoever_bought(self, shop: Shop, spoil: Spoil) -> None:
        before = {who: shop.entry(who) for who in ("u:1", "u:2")}
        spoil(shop.keys)
        shop.reconcile()

        for who, entry in before.items():
            again = shop.entry(who)
            assert (again.state, again.unit, again.order_id) == (EntryState.BOUGHT, entry.unit, entry.order_id)
            assert (again.taken_ms, again.at_ms) == (entry.taken_ms, entry.at_ms)
            assert again.is_recorded(shop.find(who).recorded_seq)
            assert ask_for_unit(shop.sale, who, epoch=EPOCH + 1).outcome is Outcome.ALREADY

    def test_drops_open_holds_and_tells_their_shoppers(self, shop: Shop, spoil: Spoil) -> None:
        held = shop.entry("u:3")
        spoil(shop.keys)
        shop.reconcile()
        gone = shop.entry("u:3")

        assert (gone.state, gone.unit, gone.order_id, gone.lost) == (EntryState.GONE, held.unit, held.order_id, 0)
        assert gone.at_ms <= held.at_ms
        call = ledger.confirm(sale=shop.sale.pk, epoch=EPOCH + 1, shopper="u:3", slot=1, order_id=held.order_id)
        assert connection.run(call).outcome is Outcome.GONE
        with Line() as line:
            events = [event.what for event in drafting.events_of(line, shop.sale.pk)]
        assert events == ["rebuilt", "dropped"]

    def test_records_everything_once(self, shop: Shop, spoil: Spoil) -> None:
        spoil(shop.keys)
        shop.reconcile()
        buy_held(shop, "u:9")
        shop.record()

        assert sorted(Order.objects.values_list("shopper", "unit")) == [("u:1", 1), ("u:2", 2), ("u:9", 3)]
        assert (shop.sale.recorded, DeadLetter.objects.count()) == (3, 0)
        assert in_ledger(shop.sale, epoch=EPOCH + 1).recorded_seq == shop.sale.stream_offset

    def test_can_be_lost_and_made_anew_again(self, shop: Shop, spoil: Spoil) -> None:
        spoil(shop.keys)
        shop.reconcile()
        buy_held(shop, "u:9")
        raw().delete(shop.keys.meta)

        assert shop.reconcile().ok

        assert shop.adds_up()
        assert in_ledger(shop.sale, epoch=EPOCH + 2).sold == 3


class TestOtherSales:
    def test_go_on_in_the_new_epoch(self, shop: Shop, make_sale: MakeSale) -> None:
        other = make_sale(published=True)
        Sale.objects.filter(pk=other.pk).update(ledger_epoch=EPOCH)
        raw().delete(shop.keys.meta)

        shop.reconcile()

        buy(other, "u:1", epoch=EPOCH + 1)


class TestNothingCanBeMissing:
    def everything(self, sale: Sale) -> None:
        keys = SaleKeys.of(sale.pk)
        raw().delete(*keys.named("meta", "shoppers", "keys", "returned", "deadlines", "events"))

    def test_in_a_sale_that_has_not_opened(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, opens_in=600, stock=2)
        drain(sale)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        self.everything(sale)

        done = Shop(sale).reconcile()

        assert (done.worth, done.ok) == (Worth.QUIET, True)
        assert ask_for_unit(sale, "u:1", epoch=EPOCH + 1).outcome is Outcome.UPCOMING

    @pytest.mark.parametrize("act", [lifecycle.pause, lifecycle.close])
    def test_in_a_sale_that_stood_still_with_everything_on_record(
        self, proven: LedgerServer, make_sale: MakeSale, act: Callable[..., Any]
    ) -> None:
        sale = make_sale(published=True, stock=2)
        buy(sale, "u:1")
        sale = act(sale_pk=sale.pk, by=OPERATOR).sale
        drain(sale)
        sale = Sale.objects.get()
        with Line() as line:
            tending.tend(sale=sale, seen=in_ledger(sale), epoch=EPOCH, line=line)
        self.everything(sale)

        done = Shop(sale).reconcile()

        sale.refresh_from_db()
        assert (done.worth, done.ok, sale.state) == (Worth.QUIET, True, sale.state)
        assert in_ledger(sale, epoch=EPOCH + 1).sold == 1
        assert ask_for_unit(sale, "u:1", epoch=EPOCH + 1).outcome is Outcome.ALREADY
        assert ask_for_unit(sale, "u:2", epoch=EPOCH + 1).outcome in {Outcome.PAUSED, Outcome.ENDED}

    def test_is_not_said_of_one_that_was_resumed_since(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=2)
        sale = lifecycle.pause(sale_pk=sale.pk, by=OPERATOR).sale
        drain(sale)
        sale = Sale.objects.get()
        with Line() as line:
            tending.tend(sale=sale, seen=in_ledger(sale), epoch=EPOCH, line=line)
        lifecycle.resume(sale_pk=sale.pk, by=OPERATOR)
        buy(sale, "u:1")
        lifecycle.pause(sale_pk=sale.pk, by=OPERATOR)
        self.everything(sale)

        assert Shop(sale).reconcile().worth is Worth.DEGRADED

    def test_is_not_said_while_somebody_holds_a_unit(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=2, hold_seconds=600)
        hold(sale, "u:1")
        lifecycle.pause(sale_pk=sale.pk, by=OPERATOR)
        drain(sale)
        sale = Sale.objects.get()
        with Line() as line:
            tending.tend(sale=sale, seen=in_ledger(sale), epoch=EPOCH, line=line)

        assert Sale.objects.get().quiet_number == 0


class TestRefusedPurchases:
    def test_keep_unit_and_slot(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=3)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        an_order(sale, shopper="u:99", unit=1)
        Sale.objects.filter(pk=sale.pk).update(recorded=1)
        buy(sale, "u:1", "u:2")  # u:1 gets number 1 too, and the record refuses that
        drain(sale)
        raw().delete(SaleKeys.of(sale.pk).meta)
        shop = Shop(sale)

        assert shop.reconcile().ok

        assert (shop.entry("u:1").state, shop.entry("u:1").unit) == (EntryState.UNRECORDED, 3)
        assert shop.adds_up()
        assert ask_for_unit(sale, "u:3", epoch=EPOCH + 1).outcome is Outcome.SOLD_OUT


class TestClock:
    def test_that_ran_ahead_is_set_back_in_a_new_epoch(self, shop: Shop) -> None:
        raw().hincrby(shop.keys.meta, "clock_ms", 3_600_000)

        done = shop.reconcile()

        assert (done.worth, done.ok, done.epoch) == (Worth.REBUILD, True, EPOCH + 1)
        now_ms = in_ledger(shop.sale, epoch=EPOCH + 1).now_ms
        assert abs(now_ms - datetime.now(UTC).timestamp() * 1_000) < 5_000


class TestDatabaseSetBack:
    def test_epochs_only_grow(self, shop: Shop) -> None:
        raw().hset(shop.keys.meta, "epoch", 8)

        done = shop.reconcile()

        assert done.ok
        assert fencing.epoch() == 9
        assert in_ledger(shop.sale, epoch=9).outcome is Outcome.FOUND

"""From the stream to the database: exactly once, nothing passed over, nothing lost to a bad neighbour."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from sales.domain import references
from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.line import LedgerRefused, Line
from sales.live.stream import EventKind
from sales.models import DeadLetter, LedgerServer, Order, Product
from sales.services import inserting, recording
from tests.conftest import EPOCH, MakeSale
from tests.selling import an_event, an_order, buy, drain, hold, in_ledger, raw


class TestDrain:
    def test_puts_each_bought_unit_on_record_with_all_that_must_outlive_the_ledger(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, limit=2)
        Product.objects.update(subtitle="Lithograph")
        order_id = uuid4()
        call = ledger.purchase(
            sale=sale.pk, epoch=EPOCH, shopper="x:demo:Zoë", slot=0, order_id=order_id, key_digest="k" * 11
        )
        taken = connection.run(call)
        assert taken.entry

        recorded = drain(sale)

        order = Order.objects.get()
        assert (order.order_id, order.reference) == (order_id, references.of(order_id))
        assert (order.shopper, order.slot, order.unit) == ("x:demo:Zoë", 1, 1)
        assert (order.epoch, order.seq, order.key_digest) == (EPOCH, 2, "k" * 11)
        assert order.bought_at == datetime.fromtimestamp(taken.entry.at_ms / 1000, UTC)
        assert order.taken_at == order.bought_at
        assert (order.product_name, order.product_subtitle) == ("Night Ferry", "Lithograph")
        assert (order.price, order.currency, order.state) == (Decimal("48.00"), "EUR", OrderState.RECORDED)
        assert (recorded.orders, recorded.offset, recorded.marked) == (1, 2, Outcome.DONE)

    def test_moves_the_offset_and_the_count_and_tells_the_ledger(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2")

        drain(sale)

        sale.refresh_from_db()
        assert (sale.stream_offset, sale.recorded) == (3, 2)
        assert in_ledger(sale).recorded_seq == 3
        found = connection.run(ledger.find(sale=sale.pk, epoch=EPOCH, shopper="u:1"))
        assert found.entries[0].is_recorded(found.recorded_seq)

    def test_finds_nothing_to_do_the_second_time(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")
        drain(sale)

        again = drain(sale)

        assert (again.orders, again.offset, again.marked) == (0, 2, None)
        assert Order.objects.count() == 1

    def test_passes_over_what_is_no_purchase_yet(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, hold_seconds=60, hold_extension_seconds=60)
        kept, left = hold(sale, "u:1").entry, hold(sale, "u:2").entry
        assert kept
        assert left
        connection.run(ledger.extend(sale=sale.pk, epoch=EPOCH, shopper="u:1", slot=1, order_id=kept.order_id))
        connection.run(ledger.release(sale=sale.pk, epoch=EPOCH, shopper="u:2", slot=1, order_id=left.order_id))
        connection.run(ledger.confirm(sale=sale.pk, epoch=EPOCH, shopper="u:1", slot=1, order_id=kept.order_id))

        recorded = drain(sale)

        order = Order.objects.get()
        assert (order.shopper, order.order_id) == ("u:1", kept.order_id)
        assert order.taken_at <= order.bought_at
        assert (recorded.offset, recorded.orders) == (6, 1)

    def test_goes_through_a_long_stream_in_batches(
        self, proven: LedgerServer, make_sale: MakeSale, settings: Any
    ) -> None:
        settings.SALES = settings.SALES.__replace__(keeper_batch=4)
        sale = make_sale(published=True, stock=10)
        buy(sale, *(f"u:{n}" for n in range(10)))

        recorded = drain(sale)

        assert (recorded.orders, recorded.offset) == (10, 11)
        assert sorted(Order.objects.values_list("unit", flat=True)) == list(range(1, 11))

    def test_tells_the_ledger_nothing_while_it_is_being_proven(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")

        with Line() as line:
            recording.drain(sale_pk=sale.pk, line=line, epoch=None)

        assert in_ledger(sale).recorded_seq == 0

    def test_says_that_a_stream_of_another_type_cannot_be_read(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        raw().delete(SaleKeys.of(sale.pk).events)
        raw().set(SaleKeys.of(sale.pk).events, "not a stream")

        with pytest.raises(LedgerRefused, match="WRONGTYPE"):
            drain(sale)


class TestRecord:
    def test_loses_to_another_keeper_without_a_trace(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stream_offset=1)

        recorded = recording.record(sale_pk=sale.pk, after=0, events=[an_event(1)], epoch=None)

        assert (recorded.lost, recorded.offset) == (True, 1)
        assert not Order.objects.exists()

    def test_rolls_back_whole_where_the_database_fails_in_the_middle(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale()

        def fail(*_: Any, **__: Any) -> None:
            raise OperationalError("server closed the connection")

        monkeypatch.setattr(inserting, "insert", fail)

        with pytest.raises(OperationalError):
            recording.record(sale_pk=sale.pk, after=0, events=[an_event(1)], epoch=None)

        sale.refresh_from_db()
        assert (sale.stream_offset, sale.recorded) == (0, 0)
        assert not DeadLetter.objects.exists()

    def test_stops_before_a_missing_number(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stock=9)

        recorded = recording.record(
            sale_pk=sale.pk, after=0, events=[an_event(1), an_event(2), an_event(4)], epoch=None
        )

        assert (recorded.offset, recorded.orders) == (2, 2)
        assert recorded.gap == "Event 3 is missing: behind event 2 comes 4."
        assert Order.objects.count() == 2

    def test_writes_nothing_where_the_gap_comes_first(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()

        recorded = recording.record(sale_pk=sale.pk, after=0, events=[an_event(2)], epoch=None)

        assert (recorded.offset, recorded.gap) == (0, "Event 1 is missing: behind event 0 comes 2.")

    def test_takes_the_jump_of_a_stream_made_anew(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stream_offset=7)
        anew = an_event(1_000_008, what=EventKind.REBUILT, order_id=None, unit=0, shopper="")

        recorded = recording.record(sale_pk=sale.pk, after=7, events=[anew, an_event(1_000_009, unit=1)], epoch=None)

        assert (recorded.offset, recorded.orders, recorded.gap) == (1_000_009, 1, "")

    def test_does_not_count_a_repetition(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(recorded=1)
        known = an_order(sale)
        again = an_event(1, order_id=known.order_id, unit=1, shopper="u:1", slot=1)

        recorded = recording.record(sale_pk=sale.pk, after=0, events=[again, an_event(2)], epoch=None)

        sale.refresh_from_db()
        assert (recorded.offset, recorded.orders, recorded.dead) == (2, 1, 0)
        assert (sale.recorded, Order.objects.count()) == (2, 2)

    def test_does_not_count_a_repetition_in_a_sale_that_is_sold_out(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(stock=1, recorded=1)
        known = an_order(sale)

        recorded = recording.record(sale_pk=sale.pk, after=0, events=[an_event(1, order_id=known.order_id)], epoch=None)

        assert (recorded.offset, recorded.dead) == (1, 0)

    def test_leaves_room_for_the_unit_of_a_cancelled_order(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        an_order(sale, state=OrderState.CANCELLED, cancelled_at=datetime.now(UTC))

        recorded = recording.record(sale_pk=sale.pk, after=0, events=[an_event(1)], epoch=None)

        assert (recorded.orders, recorded.dead) == (1, 0)
        assert Order.objects.filter(unit=1).count() == 2

    def test_measures_how_old_the_oldest_order_was(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        a_minute_ago = round((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1000)

        events = [an_event(1, time_ms=a_minute_ago), an_event(2, time_ms=a_minute_ago + 30_000)]

        recorded = recording.record(sale_pk=sale.pk, after=0, events=events, epoch=None)

        assert 60_000 <= recorded.lag_ms < 90_000


class TestAnotherEpoch:
    """A keeper reads, sleeps while another one proves or repairs, and goes on."""

    def go_on(self, make_sale: MakeSale, *, epoch: int | None) -> recording.Recorded:
        sale = make_sale()
        LedgerServer.objects.update(epoch=EPOCH + 1)
        return recording.record(sale_pk=sale.pk, after=0, events=[an_event(1)], epoch=None, within=epoch)

    def test_that_has_begun_since_lets_nothing_of_the_old_one_be_written(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        recorded = self.go_on(make_sale, epoch=EPOCH)

        assert (recorded.lost, recorded.offset) == (True, 0)
        assert not Order.objects.exists()

    def test_is_not_written_as_a_dead_letter_either(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        LedgerServer.objects.update(epoch=EPOCH + 1)

        recorded = recording.record(sale_pk=sale.pk, after=0, events=[an_event(1, slot=0)], epoch=None, within=EPOCH)

        assert recorded.lost
        assert not DeadLetter.objects.exists()

    def test_is_written_by_the_careless_twin(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        assert self.go_on(make_sale, epoch=None).orders == 1

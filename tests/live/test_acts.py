"""What keeper and admin do to a sale in the ledger, and what can be read of it."""

from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.live.entries import EntryState
from sales.live.results import Done
from tests.live.conftest import LiveSale, MakeLiveSale


def mark(sale: LiveSale, seq: int, **more: object) -> Done:
    """Say that events up to `seq` are on record."""
    return connection.run(ledger.mark_recorded(sale=sale.pk, epoch=sale.epoch, seq=seq, **more))  # type: ignore[arg-type]


class TestPublish:
    def test_is_done_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        before = sale.dump()

        assert sale.publish(stock=99) is Outcome.SAME
        assert sale.dump() == before

    def test_does_not_take_over_what_is_left_of_another(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.buy("u:1")
        sale.redis.delete(sale.keys.meta)

        assert sale.publish() is Outcome.CORRUPT

    def test_does_not_believe_another_epoch(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.epoch += 1

        assert sale.publish() is Outcome.STALE_EPOCH

    def test_begins_in_the_state_that_the_record_has(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(state=LedgerState.PAUSED, state_number=2)

        assert sale.buy("u:1").outcome is Outcome.PAUSED
        assert sale.set_state(LedgerState.OPEN, number=3) is Outcome.DONE
        assert sale.buy("u:1").outcome is Outcome.BOUGHT

    def test_opens_the_stream(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        snapshot = sale.snapshot()

        assert (snapshot.seq, snapshot.first_seq, snapshot.last_seq) == (1, 1, 1)


class TestSetState:
    def test_takes_a_change_with_a_higher_number(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        assert sale.set_state(LedgerState.PAUSED, number=1) is Outcome.DONE
        assert sale.snapshot().state is LedgerState.PAUSED

    def test_leaves_a_late_one_without_effect(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.set_state(LedgerState.PAUSED, number=2)

        assert sale.set_state(LedgerState.OPEN, number=1) is Outcome.SAME
        assert sale.snapshot().state is LedgerState.PAUSED

    def test_ends_the_window_when_it_closes(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        sale.set_state(LedgerState.CLOSED, number=1)

        assert sale.snapshot().closes_ms <= sale.now_ms()

    def test_does_not_move_an_end_that_has_passed(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.move(closes_ms=1_000)

        sale.set_state(LedgerState.CLOSED, number=1)

        assert sale.snapshot().closes_ms == 1_000


class TestMarkRecorded:
    def test_makes_orders_recorded(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=5)
        sale.buy("u:1")

        mark(sale, 2)

        assert sale.buy("u:1").recorded
        assert not sale.buy("u:2").recorded

    def test_never_goes_back(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.buy("u:1")
        sale.buy("u:2")
        mark(sale, 3)

        assert mark(sale, 2).outcome is Outcome.SAME
        assert sale.snapshot().recorded_seq == 3

    def test_does_not_claim_events_that_never_were(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        mark(sale, 50)

        assert sale.snapshot().recorded_seq == 1

    def test_marks_what_the_record_refused(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        taken = sale.buy("u:1")
        assert taken.entry

        mark(sale, 2, dead=[("u:1", 1, taken.entry.order_id)])

        found = sale.find("u:1")
        assert [entry.state for entry in found.entries] == [EntryState.UNRECORDED]
        assert not sale.buy("u:1").recorded

    def test_does_not_mark_another_order_of_the_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.buy("u:1")

        mark(sale, 2, dead=[("u:1", 1, uuid4()), ("u:2", 1, uuid4())])

        assert sale.buy("u:1").recorded

    def test_does_not_make_a_lost_ledger_look_present(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.redis.delete(sale.keys.meta)

        assert mark(sale, 2).outcome is Outcome.NO_LEDGER
        assert not sale.redis.exists(sale.keys.meta)


class TestStamp:
    def test_moves_a_proven_sale_into_the_new_epoch(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        done = connection.run(ledger.stamp(sale=sale.pk, old_epoch=sale.epoch, new_epoch=sale.epoch + 1))

        assert done.outcome is Outcome.DONE
        assert sale.buy("u:1").outcome is Outcome.STALE_EPOCH

    @pytest.mark.parametrize(("old", "new"), [(3, 5), (4, 3)])
    def test_refuses_what_was_not_proven_and_what_is_lower(self, live_sale: MakeLiveSale, old: int, new: int) -> None:
        sale = live_sale()

        done = connection.run(ledger.stamp(sale=sale.pk, old_epoch=old, new_epoch=new))

        assert done.outcome is Outcome.STALE_EPOCH

    def test_is_done_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        done = connection.run(ledger.stamp(sale=sale.pk, old_epoch=3, new_epoch=sale.epoch))

        assert done.outcome is Outcome.SAME


class TestFind:
    def test_shows_everything_of_a_shopper(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9, limit=3)
        first, second = sale.buy("u:1"), sale.buy("u:1")

        found = sale.find("u:1")

        assert found.entries == (first.entry, second.entry)
        assert found.bought == (second.entry, first.entry)
        assert (found.next_slot, found.at_limit) == (3, False)

    def test_knows_nothing_of_a_stranger(self, live_sale: MakeLiveSale) -> None:
        found = live_sale().find("u:1")

        assert (found.outcome, found.entries, found.next_slot) == (Outcome.FOUND, (), 1)

    def test_names_the_holder_of_a_key(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.buy("x:shop/one:7", key="morning")

        assert sale.find("u:2", key="morning").key_holder == ("x:shop/one:7", 1)

    def test_offers_the_slot_of_a_hold_that_is_due(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=1)
        taken = sale.buy("u:1")
        assert taken.entry
        sale.wait_past(taken.entry.at_ms)

        found = sale.find("u:1")

        assert (found.next_slot, found.open_holds, found.at_limit) == (1, (), False)


class TestSnapshot:
    def test_reads_all_numbers_in_one_instant(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9, hold_ms=60_000)
        held = sale.buy("u:1")
        assert held.entry
        sale.confirm("u:1", held.entry.order_id)
        sale.buy("u:2")

        snapshot = sale.snapshot()

        assert (snapshot.left, snapshot.held, snapshot.sold) == (7, 1, 1)
        assert (snapshot.seq, snapshot.last_seq, snapshot.unrecorded) == (4, 4, 4)
        assert snapshot.sound

    def test_counts_a_hold_that_is_due_as_left(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1, hold_ms=1)
        taken = sale.buy("u:1")
        assert taken.entry
        sale.wait_past(taken.entry.at_ms)

        snapshot = sale.snapshot()

        assert (snapshot.left, snapshot.held, snapshot.due) == (1, 0, 1)

    @pytest.mark.parametrize("numbers", [{"held": 1}, {"next_unit": 9}, {"seq": 7}, {"sold": 2}])
    def test_says_when_the_numbers_do_not_add_up(self, live_sale: MakeLiveSale, numbers: dict[str, int]) -> None:
        sale = live_sale()
        sale.buy("u:1")
        sale.move(**numbers)

        assert not sale.snapshot().sound

    def test_reads_any_epoch_where_none_is_named(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        snapshot = connection.run(ledger.snapshot(sale=sale.pk, epoch=None))

        assert (snapshot.outcome, snapshot.epoch) == (Outcome.FOUND, sale.epoch)

    def test_writes_nothing(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        before = sale.dump()

        sale.snapshot()
        sale.find("u:1")

        assert sale.dump() == before

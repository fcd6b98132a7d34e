"""The purchase script on a real server: what it gives, to whom, and in which order it asks."""

from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live.entries import EntryState
from tests.live.conftest import MakeLiveSale


class TestBuying:
    def test_gives_numbers_from_one(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=2)

        first, second = sale.buy("u:1"), sale.buy("u:2")

        assert (first.outcome, second.outcome) == (Outcome.BOUGHT, Outcome.BOUGHT)
        assert first.entry
        assert second.entry
        assert (first.entry.unit, second.entry.unit) == (1, 2)
        assert (first.left, second.left) == (1, 0)

    def test_says_which_slot_and_when(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        order_id = uuid4()

        taken = sale.buy("u:1", order_id=order_id)

        assert taken.entry
        assert taken.entry.slot == 1
        assert taken.entry.state is EntryState.BOUGHT
        assert taken.entry.order_id == order_id
        assert taken.entry.taken_ms == taken.entry.at_ms == taken.now_ms
        assert not taken.recorded

    def test_refuses_when_sold_out_and_says_since_when(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1)
        last = sale.buy("u:1")

        refused = sale.buy("u:2")

        assert refused.outcome is Outcome.SOLD_OUT
        assert refused.moment_ms == last.now_ms
        assert refused.left == 0

    def test_refuses_before_it_opens(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        opens_ms = sale.now_ms() + 60_000
        sale.move(opens_ms=opens_ms)

        refused = sale.buy("u:1")

        assert (refused.outcome, refused.moment_ms) == (Outcome.UPCOMING, opens_ms)

    def test_refuses_at_the_very_millisecond_of_the_end(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        now_ms = sale.now_ms() + 10_000
        sale.move(clock_ms=now_ms, closes_ms=now_ms)

        assert sale.buy("u:1").outcome is Outcome.ENDED

    def test_sells_at_the_very_millisecond_of_the_opening(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        now_ms = sale.now_ms() + 10_000
        sale.move(clock_ms=now_ms, opens_ms=now_ms)

        assert sale.buy("u:1").outcome is Outcome.BOUGHT

    def test_refuses_while_paused(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.set_state(LedgerState.PAUSED, number=1)

        assert sale.buy("u:1").outcome is Outcome.PAUSED

    def test_refuses_once_closed_and_says_when(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        before = sale.now_ms()
        sale.set_state(LedgerState.CLOSED, number=1)

        refused = sale.buy("u:1")

        assert refused.outcome is Outcome.ENDED
        assert before <= refused.moment_ms <= refused.now_ms


class TestTheSamePurchase:
    def test_is_answered_again_for_the_same_order_id(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(limit=2)
        order_id = uuid4()

        first, again = sale.buy("u:1", order_id=order_id), sale.buy("u:1", order_id=order_id)

        assert again.outcome is Outcome.BOUGHT
        assert again.entry == first.entry
        assert sale.snapshot().sold == 1

    def test_is_answered_again_for_the_same_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(limit=2)

        first, again = sale.buy("u:1", slot=1), sale.buy("u:1", slot=1)

        assert again.outcome is Outcome.BOUGHT
        assert again.entry == first.entry

    def test_is_answered_again_for_the_same_key(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(limit=2)

        first, again = sale.buy("u:1", key="morning"), sale.buy("u:1", key="morning")

        assert again.outcome is Outcome.BOUGHT
        assert again.entry == first.entry

    def test_is_another_one_for_another_key(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(limit=2)

        first, second = sale.buy("u:1", key="morning"), sale.buy("u:1", key="evening")

        assert first.entry
        assert second.entry
        assert (first.entry.slot, second.entry.slot) == (1, 2)

    def test_belongs_to_one_shopper(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.buy("u:1", key="morning")

        assert sale.buy("u:2", key="morning").outcome is Outcome.KEY_TAKEN

    def test_of_a_refusal_is_decided_anew(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1)
        opens_ms = sale.now_ms() + 60_000
        sale.move(opens_ms=opens_ms)
        order_id = uuid4()
        assert sale.buy("u:1", key="morning", order_id=order_id).outcome is Outcome.UPCOMING

        sale.move(opens_ms=sale.now_ms() - 1)

        assert sale.buy("u:1", key="morning", order_id=order_id).outcome is Outcome.BOUGHT


class TestTheLimit:
    def test_stands_before_sold_out(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1)
        first = sale.buy("u:1")

        again = sale.buy("u:1")

        assert again.outcome is Outcome.ALREADY
        assert again.entry == first.entry

    def test_stands_before_the_end(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.buy("u:1")
        sale.move(closes_ms=sale.now_ms() - 1)

        assert sale.buy("u:1").outcome is Outcome.ALREADY

    def test_shows_the_newest_of_several(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=5, limit=2)
        sale.buy("u:1")
        newest = sale.buy("u:1")

        refused = sale.buy("u:1")

        assert refused.outcome is Outcome.ALREADY
        assert refused.entry == newest.entry

    def test_shows_a_hold_as_held(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        sale.buy("u:1", key="morning")

        assert sale.buy("u:1", key="evening").outcome is Outcome.HELD

    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_is_never_passed(self, live_sale: MakeLiveSale, limit: int) -> None:
        sale = live_sale(stock=50, limit=limit)

        outcomes = [sale.buy("u:1").outcome for _ in range(limit + 3)]

        assert outcomes == [Outcome.BOUGHT] * limit + [Outcome.ALREADY] * 3


class TestHolding:
    def test_keeps_a_unit_until_a_deadline(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)

        taken = sale.buy("u:1")

        assert taken.outcome is Outcome.HELD
        assert taken.entry
        assert taken.entry.at_ms == taken.now_ms + 60_000
        assert (taken.left, taken.held) == (2, 1)

    def test_answers_with_the_open_hold_where_neither_key_nor_slot_is_named(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000, limit=2)
        first = sale.buy("u:1")

        again = sale.buy("u:1")

        assert again.outcome is Outcome.HELD
        assert again.entry == first.entry

    def test_takes_another_unit_for_another_key(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000, limit=2)
        sale.buy("u:1", key="morning")

        second = sale.buy("u:1", key="evening")

        assert second.entry
        assert second.entry.slot == 2

    def test_counts_a_due_hold_as_left_and_takes_it_over(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1, hold_ms=1)
        former = sale.buy("u:1")
        assert former.entry
        sale.wait_past(former.entry.at_ms)
        sale.move(hold_ms=60_000)

        taken = sale.buy("u:2")

        assert taken.outcome is Outcome.HELD
        assert taken.entry
        assert taken.entry.unit == 1
        [gone] = sale.find("u:1").entries
        assert gone.state is EntryState.GONE
        assert sale.snapshot().sound

    def test_takes_no_hold_over_while_a_number_is_free(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=3, hold_ms=20)
        held = [sale.buy(f"u:{number}").entry for number in range(3)]
        assert held[2]
        sale.release("u:2", held[2].order_id)
        sale.wait_past(held[2].at_ms)

        taken = sale.buy("u:9")

        assert taken.entry
        assert taken.entry.unit == 3
        assert [entry.state for entry in sale.find("u:0").entries] == [EntryState.HELD]

    def test_frees_the_shoppers_own_due_hold_before_that_of_others(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=2, limit=2, hold_ms=1)
        longest, own = sale.buy("u:1"), sale.buy("u:2")
        assert longest.entry
        assert own.entry
        sale.wait_past(own.entry.at_ms)

        taken = sale.buy("u:2", slot=2)

        assert taken.outcome is Outcome.HELD
        assert [entry.state for entry in sale.find("u:2").entries] == [EntryState.GONE, EntryState.HELD]
        assert [entry.state for entry in sale.find("u:1").entries] == [EntryState.HELD]

    def test_uses_the_slot_of_a_lost_hold_again(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=1)
        lost = sale.buy("u:1")
        assert lost.entry
        sale.wait_past(lost.entry.at_ms)

        taken = sale.buy("u:1")

        assert taken.entry
        assert (taken.entry.slot, taken.entry.lost) == (1, 1)

    def test_refuses_after_three_holds_that_came_to_nothing(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        for _ in range(3):
            held = sale.buy("u:1")
            assert held.entry
            sale.release("u:1", held.entry.order_id)

        assert sale.buy("u:1").outcome is Outcome.LOST_HOLDS

    def test_says_gone_to_a_retry_of_a_hold_that_ran_out(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=1)
        order_id = uuid4()
        held = sale.buy("u:1", order_id=order_id)
        assert held.entry
        sale.wait_past(held.entry.at_ms)

        assert sale.buy("u:1", order_id=order_id).outcome is Outcome.GONE

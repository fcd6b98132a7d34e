"""Confirm, release, extend and tick on a real server: what becomes of a unit that is held."""

from uuid import UUID, uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live.entries import Entry, EntryState
from tests.live.conftest import LiveSale, MakeLiveSale


def hold(sale: LiveSale, shopper: str = "u:1", *, key: str = "") -> Entry:
    """Take a unit that is held."""
    taken = sale.buy(shopper, key=key)
    assert taken.outcome is Outcome.HELD
    assert taken.entry
    return taken.entry


def hold_that_is_due(sale: LiveSale, shopper: str = "u:1") -> Entry:
    """Take a unit whose deadline has passed, in a sale with a hold time of a millisecond."""
    entry = hold(sale, shopper)
    sale.wait_past(entry.at_ms)
    return entry


class TestConfirm:
    def test_buys_the_unit_that_is_held(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)

        taken = sale.confirm("u:1", entry.order_id)

        assert taken.outcome is Outcome.BOUGHT
        assert taken.entry
        assert (taken.entry.unit, taken.entry.state) == (entry.unit, EntryState.BOUGHT)
        assert taken.entry.taken_ms == entry.taken_ms
        assert taken.entry.at_ms == taken.now_ms
        assert (sale.snapshot().sold, sale.snapshot().held) == (1, 0)

    def test_gives_the_same_answer_again(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        first = sale.confirm("u:1", entry.order_id)

        again = sale.confirm("u:1", entry.order_id)

        assert again.outcome is Outcome.BOUGHT
        assert again.entry == first.entry
        assert sale.snapshot().sold == 1

    def test_keeps_the_key(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale, key="morning")

        sale.confirm("u:1", entry.order_id)

        assert sale.buy("u:1", key="morning").outcome is Outcome.BOUGHT
        newest = sale.redis.xrevrange(sale.keys.events, count=1)[0][1]
        assert newest[b"key"].startswith(b"morning")

    @pytest.mark.parametrize("state", [LedgerState.PAUSED, LedgerState.CLOSED])
    def test_works_while_paused_and_after_the_end(self, live_sale: MakeLiveSale, state: LedgerState) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.set_state(state, number=1)

        assert sale.confirm("u:1", entry.order_id).outcome is Outcome.BOUGHT

    def test_is_too_late_at_the_very_millisecond_of_the_deadline(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.move(clock_ms=entry.at_ms)

        assert sale.confirm("u:1", entry.order_id).outcome is Outcome.GONE

    def test_is_in_time_a_millisecond_before(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.move(clock_ms=entry.at_ms - 1)

        assert sale.confirm("u:1", entry.order_id).outcome is Outcome.BOUGHT

    def test_says_gone_to_another_order_of_this_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        hold(sale)

        assert sale.confirm("u:1", uuid4(), slot=1).outcome is Outcome.GONE

    def test_does_not_know_an_order_of_somebody_else(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)

        assert sale.confirm("u:2", entry.order_id).outcome is Outcome.UNKNOWN_ORDER


class TestRelease:
    def test_puts_the_unit_on_sale_again_at_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1, hold_ms=60_000)
        entry = hold(sale)

        let_go = sale.release("u:1", entry.order_id)

        assert (let_go.outcome, let_go.left) == (Outcome.LET_GO, 1)
        assert hold(sale, "u:2").unit == entry.unit

    def test_gives_the_same_answer_again(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.release("u:1", entry.order_id)

        assert sale.release("u:1", entry.order_id).outcome is Outcome.LET_GO
        assert sale.snapshot().sound

    def test_comes_too_late_for_what_is_bought(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.confirm("u:1", entry.order_id)

        assert sale.release("u:1", entry.order_id).outcome is Outcome.BOUGHT

    def test_does_not_let_go_a_newer_hold_of_the_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        first = hold(sale)
        sale.release("u:1", first.order_id)
        second = hold(sale)

        assert sale.release("u:1", first.order_id, slot=1).outcome is Outcome.GONE
        assert sale.confirm("u:1", second.order_id).outcome is Outcome.BOUGHT

    @pytest.mark.parametrize("verb", ["confirm", "release", "extend"])
    def test_says_gone_also_where_no_slot_is_named_and_a_newer_hold_is_in_it(
        self, live_sale: MakeLiveSale, verb: str
    ) -> None:
        sale = live_sale(hold_ms=60_000, hold_extension_ms=30_000)
        first = hold(sale)
        sale.release("u:1", first.order_id)
        before = getattr(sale, verb)("u:1", uuid4()).outcome
        hold(sale)

        for _ in range(2):
            assert getattr(sale, verb)("u:1", first.order_id).outcome is Outcome.GONE

        assert before is Outcome.UNKNOWN_ORDER
        assert sale.snapshot().held == 1

    def test_works_while_paused(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.set_state(LedgerState.PAUSED, number=1)

        assert sale.release("u:1", entry.order_id).outcome is Outcome.LET_GO


class TestExtend:
    def test_moves_the_deadline_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000, hold_extension_ms=30_000)
        entry = hold(sale)

        first = sale.extend("u:1", entry.order_id)
        again = sale.extend("u:1", entry.order_id)

        assert (first.outcome, again.outcome) == (Outcome.EXTENDED, Outcome.EXTENDED)
        assert first.entry
        assert again.entry
        assert first.entry.at_ms == again.entry.at_ms == entry.at_ms + 30_000
        assert sale.redis.zscore(sale.keys.deadlines, "u:1/1") == entry.at_ms + 30_000

    def test_is_refused_where_the_sale_has_none(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)

        assert sale.extend("u:1", entry.order_id).outcome is Outcome.NO_EXTENSION

    def test_comes_too_late_for_a_hold_that_is_due(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=1, hold_extension_ms=30_000)
        entry = hold_that_is_due(sale)

        assert sale.extend("u:1", entry.order_id).outcome is Outcome.GONE

    def test_comes_too_late_for_what_is_bought(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000, hold_extension_ms=30_000)
        entry = hold(sale)
        sale.confirm("u:1", entry.order_id)

        assert sale.extend("u:1", entry.order_id).outcome is Outcome.BOUGHT

    def test_can_be_confirmed_after_the_first_deadline(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000, hold_extension_ms=30_000)
        entry = hold(sale)
        sale.extend("u:1", entry.order_id)
        sale.move(clock_ms=entry.at_ms + 1)

        assert sale.confirm("u:1", entry.order_id).outcome is Outcome.BOUGHT


class TestACancelledOrder:
    @pytest.mark.parametrize("verb", ["confirm", "release", "extend"])
    def test_is_told_as_such(self, live_sale: MakeLiveSale, verb: str) -> None:
        sale = live_sale(hold_ms=60_000)
        order_id = cancelled_order(sale)

        assert getattr(sale, verb)("u:1", order_id).outcome is Outcome.CANCELLED

    def test_leaves_room_for_another_in_the_next_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        cancelled_order(sale)

        assert hold(sale).slot == 2

    def test_counts_to_the_limit_where_it_is_for_good(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        cancelled_order(sale, letter="x")

        refused = sale.buy("u:1")

        assert refused.outcome is Outcome.ALREADY
        assert refused.entry
        assert refused.entry.is_cancelled

    def test_answers_its_own_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        cancelled_order(sale)

        assert sale.buy("u:1", slot=1).outcome is Outcome.CANCELLED


def cancelled_order(sale: LiveSale, *, letter: str = "c") -> UUID:
    """Buy a unit and mark it cancelled, as the shop would."""
    entry = hold(sale)
    sale.confirm("u:1", entry.order_id)
    text = sale.redis.hget(sale.keys.shoppers, "u:1/1").decode()
    sale.redis.hset(sale.keys.shoppers, "u:1/1", letter + text[1:])
    sale.redis.zadd(sale.keys.returned, {str(entry.unit): entry.unit})
    sale.move(sold=0)
    return entry.order_id


class TestTick:
    def test_frees_what_is_due_and_nothing_else(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=3, hold_ms=1)
        hold_that_is_due(sale, "u:1")
        sale.move(hold_ms=60_000)
        hold(sale, "u:2")

        ticked = sale.tick()

        assert (ticked.outcome, ticked.freed, ticked.more) == (Outcome.DONE, 1, False)
        assert [entry.state for entry in sale.find("u:1").entries] == [EntryState.GONE]
        assert [entry.state for entry in sale.find("u:2").entries] == [EntryState.HELD]
        assert sale.snapshot().sound

    def test_frees_so_many_at_a_time_and_says_that_there_are_more(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=5, hold_ms=1)
        for number in range(5):
            hold_that_is_due(sale, f"u:{number}")

        turns = [sale.tick(most=2) for _ in range(3)]

        assert [(turn.freed, turn.more) for turn in turns] == [(2, True), (2, True), (1, False)]

    def test_stores_the_clock(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        ticked = sale.tick()

        assert int(sale.redis.hget(sale.keys.meta, "clock_ms")) == ticked.now_ms

    def test_writes_an_event_for_each(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=1)
        hold_that_is_due(sale)

        sale.tick()

        assert [fields[b"what"] for _, fields in sale.redis.xrange(sale.keys.events)] == [
            b"published",
            b"held",
            b"ran_out",
        ]


@pytest.mark.parametrize("verb", ["confirm", "release", "extend"])
class TestAnUnsoundLedger:
    def test_is_said_to_be_missing(self, live_sale: MakeLiveSale, verb: str) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.redis.delete(sale.keys.meta)

        assert getattr(sale, verb)("u:1", entry.order_id).outcome is Outcome.NO_LEDGER

    def test_is_of_another_epoch(self, live_sale: MakeLiveSale, verb: str) -> None:
        sale = live_sale(hold_ms=60_000)
        entry = hold(sale)
        sale.move(epoch=9)

        assert getattr(sale, verb)("u:1", entry.order_id).outcome is Outcome.STALE_EPOCH

    @pytest.mark.parametrize("key", ["shoppers", "returned", "deadlines", "events"])
    def test_is_corrupt_where_a_key_vanished(self, live_sale: MakeLiveSale, verb: str, key: str) -> None:
        sale = live_sale(stock=9, hold_ms=60_000, hold_extension_ms=1)
        sale.release("u:9", hold(sale, "u:9").order_id)
        entry = hold(sale, "u:1")
        sale.redis.zadd(sale.keys.returned, {"9": 9})
        sale.move(next_unit=sale.snapshot().next_unit + 1)
        sale.redis.delete(getattr(sale.keys, key))
        before = sale.dump()

        assert getattr(sale, verb)("u:1", entry.order_id).outcome is Outcome.CORRUPT
        assert sale.dump() == before

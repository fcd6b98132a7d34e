"""Stock and window changed in the middle of a sale, and orders cancelled, on a real server."""

from typing import Any

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.live.entries import Entry, EntryState
from sales.live.results import Changed
from tests.live.conftest import LiveSale, MakeLiveSale


def change(sale: LiveSale, number: int, **to: Any) -> Changed:
    """Change a sale; what is not named stays."""
    now = sale.snapshot()
    values = {"stock": now.stock, "opens_ms": now.opens_ms, "closes_ms": now.closes_ms} | to
    return connection.run(ledger.change(sale=sale.pk, epoch=sale.epoch, number=number, **values))


def cancel(sale: LiveSale, entry: Entry, *, shopper: str = "u:1", number: int = 0) -> Changed:
    """Cancel a bought unit."""
    call = ledger.cancel(
        sale=sale.pk, epoch=sale.epoch, shopper=shopper, slot=entry.slot, order_id=entry.order_id, number=number
    )
    return connection.run(call)


def bought(sale: LiveSale, shopper: str = "u:1") -> Entry:
    """Buy a unit."""
    taken = sale.buy(shopper)
    assert taken.outcome is Outcome.BOUGHT
    assert taken.entry
    return taken.entry


class TestAChange:
    def test_brings_more_to_sell(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1)
        bought(sale)

        assert change(sale, 1, stock=2).outcome is Outcome.DONE
        assert bought(sale, "u:2").unit == 2

    def test_is_taken_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        change(sale, 1, stock=7)

        assert change(sale, 1, stock=7).outcome is Outcome.SAME
        assert sale.snapshot().stock == 7

    def test_of_a_number_that_was_taken_with_other_values_is_not_the_same(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        change(sale, 1, stock=7)

        assert change(sale, 1, stock=9).outcome is Outcome.OUT_OF_ORDER
        assert change(sale, 1, closes_ms=sale.now_ms() + 60_000).outcome is Outcome.OUT_OF_ORDER
        assert sale.snapshot().stock == 7

    def test_waits_for_the_one_before(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        assert change(sale, 2, stock=9).outcome is Outcome.OUT_OF_ORDER

    def test_is_refused_below_what_is_sold_and_held(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=5, hold_ms=60_000)
        held = sale.buy("u:1")
        assert held.entry
        sale.confirm("u:1", held.entry.order_id)
        sale.buy("u:2")

        refused = change(sale, 1, stock=1)

        assert (refused.outcome, refused.sold, refused.held) == (Outcome.TOO_LOW, 1, 1)
        assert sale.snapshot().change == 0

    def test_that_leaves_nothing_says_when_the_last_one_went(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=2)
        bought(sale)

        change(sale, 1, stock=1)

        refused = sale.buy("u:2")
        assert refused.outcome is Outcome.SOLD_OUT
        assert refused.moment_ms == sale.snapshot().sold_out_ms > 0

    def test_moves_the_end(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        soon = sale.now_ms() + 20

        assert change(sale, 1, closes_ms=soon).outcome is Outcome.DONE

        sale.wait_past(soon)
        assert sale.buy("u:1").outcome is Outcome.ENDED

    def test_opens_again_what_has_ended(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(closes_ms=1_000)

        assert change(sale, 1, closes_ms=sale.now_ms() + 60_000).outcome is Outcome.DONE

        bought(sale)

    def test_moves_the_opening_of_a_sale_that_has_not_opened(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        opens_ms = sale.now_ms() + 60_000
        sale.move(opens_ms=opens_ms)

        assert change(sale, 1, opens_ms=opens_ms + 60_000).outcome is Outcome.DONE

        assert sale.buy("u:1").moment_ms == opens_ms + 60_000

    def test_cannot_move_an_opening_that_has_been(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        before = sale.dump()

        assert change(sale, 1, opens_ms=sale.now_ms() + 60_000).outcome is Outcome.TOO_LATE
        assert sale.dump() == before

    def test_cannot_put_opening_or_end_into_the_past(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.move(opens_ms=sale.now_ms() + 60_000)
        before = sale.dump()

        assert change(sale, 1, opens_ms=sale.now_ms() - 1).outcome is Outcome.TOO_LATE
        assert change(sale, 1, closes_ms=sale.now_ms() - 1).outcome is Outcome.TOO_LATE
        assert sale.dump() == before

    def test_hands_out_no_number_above_the_lowered_stock(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9, limit=9, hold_ms=60_000)
        entries = []
        for number in range(6):
            taken = sale.buy("u:1", key=f"key {number}")
            assert taken.entry
            entries.append(taken.entry)
        for entry in entries[:5]:
            sale.release("u:1", entry.order_id)

        change(sale, 1, stock=3)

        units = [taken.entry.unit for name in ("u:2", "u:3") if (taken := sale.buy(name)).entry]
        assert units == [1, 2]
        assert sale.buy("u:4").outcome is Outcome.SOLD_OUT
        assert sale.snapshot().sound

    def test_decides_about_a_takeover_by_the_count_and_not_by_the_numbers_given_back(
        self, live_sale: MakeLiveSale
    ) -> None:
        sale = live_sale(stock=3, hold_ms=20)
        held = [sale.buy(f"u:{number}").entry for number in range(3)]
        assert held[2]
        sale.release("u:2", held[2].order_id)
        change(sale, 1, stock=2)
        sale.wait_past(held[2].at_ms)

        taken = sale.buy("u:9")

        assert taken.entry
        assert taken.entry.unit == 1
        assert sale.snapshot().sound
        assert sale.find("u:0").open_holds == ()

    def test_of_a_closed_sale_leaves_the_window_ended(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        open_until = sale.snapshot().closes_ms
        sale.set_state(LedgerState.CLOSED, number=1)
        ended = sale.snapshot().closes_ms

        assert change(sale, 1, stock=2, closes_ms=open_until).outcome is Outcome.DONE
        assert change(sale, 1, stock=2, closes_ms=open_until).outcome is Outcome.SAME
        assert (sale.snapshot().stock, sale.snapshot().closes_ms) == (2, ended)


class TestACancellation:
    def test_puts_the_unit_back_on_sale(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1)
        entry = bought(sale)

        assert cancel(sale, entry).outcome is Outcome.DONE

        assert bought(sale, "u:2").unit == entry.unit
        assert sale.snapshot().sound

    def test_can_be_said_again(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        entry = bought(sale)
        cancel(sale, entry)

        assert cancel(sale, entry).outcome is Outcome.SAME
        assert sale.snapshot().sold == 0

    def test_leaves_room_for_another_in_the_next_slot(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        cancel(sale, bought(sale))

        assert bought(sale).slot == 2

    def test_counts_to_the_limit_where_the_sale_says_so(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(cancelled_counts=True)
        cancel(sale, bought(sale))

        refused = sale.buy("u:1")

        assert refused.outcome is Outcome.ALREADY
        assert refused.entry
        assert refused.entry.state is EntryState.CANCELLED_FOR_GOOD

    def test_that_keeps_the_unit_back_lowers_stock_as_a_numbered_change(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=1)

        assert cancel(sale, bought(sale), number=1).outcome is Outcome.DONE

        snapshot = sale.snapshot()
        assert (snapshot.stock, snapshot.change, snapshot.left) == (0, 1, 0)
        assert sale.buy("u:2").outcome is Outcome.SOLD_OUT

    def test_waits_for_the_stock_change_before(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        entry = bought(sale)
        before = sale.dump()

        assert cancel(sale, entry, number=2).outcome is Outcome.OUT_OF_ORDER
        assert sale.dump() == before

    def test_does_not_touch_a_hold_or_another_order(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        held = sale.buy("u:1")
        assert held.entry

        assert cancel(sale, held.entry).outcome is Outcome.UNKNOWN_ORDER
        assert cancel(sale, held.entry, shopper="u:2").outcome is Outcome.UNKNOWN_ORDER

    def test_answers_the_key_that_won_as_before(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        taken = sale.buy("u:1", key="morning")
        assert taken.entry
        cancel(sale, taken.entry)

        again = sale.buy("u:1", key="morning")

        assert again.outcome is Outcome.CANCELLED
        assert again.entry
        assert again.entry.order_id == taken.entry.order_id

"""Changes of stock and window with a ledger that is away, a process that dies half-way, a script that runs late."""

from datetime import timedelta
from typing import Any

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, SaleState
from sales.live import connection, ledger
from sales.live.line import Line
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import asking, cancelling, changing, following, lifecycle, tending
from sales.services.incidents import IncidentKind, Trouble
from tests.conftest import EPOCH, MakeOrder, MakeSale, publish_in_ledger
from tests.selling import buy, drain, in_ledger
from tests.services.changes import SELLER, ask, dies_at, ledger_away, move, on_record, restock, stocks


class TestWithoutTheLedger:
    def test_more_stock_is_on_record_and_stays_asked(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=3)
        with ledger_away(Outcome.UNKNOWN):
            act = restock(sale, by=1)

        assert not act.reached_ledger
        assert (act.sale.stock, stocks(sale)) == (4, (4, 3))
        assert StockChange.objects.get().state == ChangeState.ASKED

        assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (4, 4)
        assert StockChange.objects.get().state == ChangeState.DONE

    def test_less_stock_waits(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=3)
        with ledger_away():
            act = restock(sale, by=-1)

            assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert not act.reached_ledger
        assert (act.sale.stock, stocks(sale)) == (3, (3, 3))

        changing.finish_asked(sale_pk=sale.pk)

        assert stocks(sale) == (2, 2)

    def test_that_was_never_proven_it_waits_too(self, db: None, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)

        assert not restock(sale, by=1).reached_ledger
        assert changing.finish_asked(sale_pk=sale.pk) == ""

    @pytest.mark.parametrize("by", [1, -1])
    def test_a_sale_that_was_not_there_yet_gets_it_after(
        self, proven: LedgerServer, make_sale: MakeSale, by: int
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1, stock=3)
        restock(sale, by=by)

        following.follow(sale=on_record(sale))
        changing.finish_asked(sale_pk=sale.pk)

        assert stocks(sale) == (3 + by, 3 + by)
        assert in_ledger(sale).change == 1

    def test_of_which_the_sale_was_closed_meanwhile_it_is_done_and_the_end_stays(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=3)
        with ledger_away():
            restock(sale, by=-1)
        lifecycle.close(sale_pk=sale.pk, by=SELLER, why="Over.")
        ended = in_ledger(sale).closes_ms

        assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (2, 2)
        assert in_ledger(sale).closes_ms == ended < following.in_ms(sale.closes_at)


class TestACrash:
    """Between the two sides: whatever is asked is finished later, and is never done twice."""

    @pytest.mark.parametrize("to", [7, 3])
    def test_before_the_ledger_is_told(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=to)
        stocks(sale)

        assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (to, to)

    @pytest.mark.parametrize("to", [7, 3])
    def test_after_the_ledger_was_told(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        sale = make_sale(published=True, stock=5)
        assert changing._tell(ask(sale, stock=to), epoch=EPOCH).outcome is Outcome.DONE
        stocks(sale)

        for _ in range(3):
            assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (to, to)
        assert TrailEntry.objects.count() == 1
        assert StockChange.objects.get().state == ChangeState.DONE

    def test_of_who_asked_leaves_his_name_in_the_trail(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=3)

        changing.finish_asked(sale_pk=sale.pk)

        assert TrailEntry.objects.get().who == SELLER.who

    def test_and_a_process_that_goes_on_much_later_changes_nothing(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=5)
        slow = ask(sale, stock=3)
        changing.finish_asked(sale_pk=sale.pk)
        restock(sale, to=9)

        assert changing._finish(slow) == ""
        asking.settle(change=slow, epoch=EPOCH)
        asking.refuse(change=slow, sentence="Never.")

        assert stocks(sale) == (9, 9)
        assert set(StockChange.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.parametrize("nth", [1, 2])
class TestTheFaultPoint:
    """`change_between_sides`, passed before the ledger is told and before the record hears of it."""

    @pytest.mark.parametrize("by", [2, -2])
    def test_leaves_a_restock_that_the_keeper_finishes(
        self, proven: LedgerServer, make_sale: MakeSale, nth: int, by: int
    ) -> None:
        sale = make_sale(published=True, stock=5)

        with dies_at("change_between_sides", nth):
            restock(sale, by=by)
        between = stocks(sale)
        changing.finish_asked(sale_pk=sale.pk)

        ledger_has_it = nth == 2
        assert between == (7 if by > 0 else 5, 5 + by if ledger_has_it else 5)
        assert stocks(sale) == (5 + by, 5 + by)

    def test_leaves_a_window_that_the_keeper_moves(self, proven: LedgerServer, make_sale: MakeSale, nth: int) -> None:
        sale = make_sale(published=True)
        closes_at = sale.closes_at + timedelta(hours=1)

        with dies_at("change_between_sides", nth):
            move(sale, closes_at=closes_at)
        assert on_record(sale).closes_at == sale.closes_at
        changing.finish_asked(sale_pk=sale.pk)

        assert on_record(sale).closes_at == closes_at
        assert in_ledger(sale).closes_ms == following.in_ms(closes_at)


class TestAScriptThatRunsLate:
    """Refused on record, and then taken by the ledger after all: what stood in its way had gone."""

    def refused_and_then_taken(self, sale: Sale, **to: Any) -> StockChange:
        late = ask(sale, **to)
        asking.refuse(change=late, sentence="1 is sold and 1 held; stock cannot go below 2.")
        assert changing._tell(late, epoch=EPOCH).outcome is Outcome.DONE
        return late

    def test_is_put_on_record_by_who_is_told_that_it_is_done(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)

        asking.settle(change=self.refused_and_then_taken(sale, stock=1), epoch=EPOCH)

        assert stocks(sale) == (1, 1)
        change = StockChange.objects.get()
        assert (change.state, change.refusal) == (ChangeState.DONE, "")

    @pytest.mark.parametrize(
        ("to", "stock"), [({"stock": 8}, 8), ({"stock": 2}, 2), ({"stock": 4}, 4), ({}, 3)], ids=str
    )
    def test_comes_before_the_next_change(
        self, proven: LedgerServer, make_sale: MakeSale, to: dict[str, Any], stock: int
    ) -> None:
        sale = make_sale(published=True, stock=5)
        self.refused_and_then_taken(sale, stock=3)
        closes_at = sale.closes_at + timedelta(hours=1)
        next_one = ask(sale, **to or {"closes_at": closes_at})

        assert changing._finish(next_one) == ""

        assert stocks(sale) == (stock, stock)
        rows = StockChange.objects.order_by("number").values_list("number", "state", "stock_from", "stock_to")
        assert list(rows) == [(1, "done", 5, 3), (2, "done", 3, stock)]
        after = on_record(sale)
        assert after.closes_at == (sale.closes_at if to else closes_at)
        assert in_ledger(sale).closes_ms == following.in_ms(after.closes_at)

    def test_that_moved_the_window_leaves_it_moved(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        closes_at = sale.closes_at + timedelta(hours=1)
        self.refused_and_then_taken(sale, closes_at=closes_at)

        restock(sale, by=2)

        assert stocks(sale) == (7, 7)
        assert on_record(sale).closes_at == closes_at
        assert in_ledger(sale).closes_ms == following.in_ms(closes_at)


class TestALedgerThatCountsDifferently:
    def test_is_said_and_nothing_is_changed(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        connection.run(
            ledger.change(
                sale=sale.pk,
                epoch=EPOCH,
                number=1,
                stock=4,
                opens_ms=following.in_ms(sale.opens_at),
                closes_ms=following.in_ms(sale.closes_at),
            )
        )

        act = restock(sale, to=2)

        assert not act.reached_ledger
        assert changing.finish_asked(sale_pk=sale.pk) == (
            "change 1 is asked on record, and the ledger counts its changes differently."
        )
        assert stocks(sale) == (5, 4)


class TestAPublishedSaleInTheLedger:
    def test_of_which_nothing_was_changed_is_at_number_zero(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)
        publish_in_ledger(sale)

        assert asking.last_number(sale_pk=sale.pk) == in_ledger(sale).change == 0

    def test_keeps_count_with_the_record(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        buy(sale, "u:1", "u:2")
        drain(sale)

        for to in (9, 2, 4):
            restock(sale, to=to)

        assert asking.last_number(sale_pk=sale.pk) == in_ledger(sale).change == 3


class TestTheKeeper:
    """Once a second it brings to an end what was left between the two sides."""

    def tend(self, sale: Sale) -> Trouble | None:
        with Line() as line:
            return tending.tend(sale=on_record(sale), seen=in_ledger(sale), epoch=EPOCH, line=line).trouble

    @pytest.mark.parametrize("to", [7, 3])
    def test_finishes_what_is_asked(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=to)

        assert self.tend(sale) is None

        assert stocks(sale) == (to, to)

    def test_finishes_cancellations(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        buy(sale, "u:1")
        drain(sale)
        order = Order.objects.get()
        cancelling._put_on_record(order_pk=order.pk, kept_back=True, actor=SELLER, why="Torn.")

        assert self.tend(sale) is None

        assert stocks(sale) == (4, 4)
        assert in_ledger(sale).sold == 0

    def test_takes_up_what_ran_late(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        late = ask(sale, stock=3)
        asking.refuse(change=late, sentence="Too low.")
        changing._tell(late, epoch=EPOCH)

        assert self.tend(sale) is None

        assert stocks(sale) == (3, 3)
        assert asking.last_number(sale_pk=sale.pk) == 1

    def test_says_what_it_cannot_finish(self, proven: LedgerServer, make_sale: MakeSale, make_order: MakeOrder) -> None:
        sale = make_sale(slug="night", published=True, stock=5, recorded=1)
        make_order(sale)
        cancelling._put_on_record(order_pk=Order.objects.get().pk, kept_back=False, actor=SELLER, why="Torn.")

        trouble = self.tend(sale)

        assert trouble
        assert trouble.kind is IncidentKind.CHANGE_STUCK
        assert trouble.text.startswith("Sale night: order ")
        assert trouble.text.endswith("is cancelled on record, and the ledger answers UNKNOWN_ORDER when it is told.")

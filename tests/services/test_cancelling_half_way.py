"""Cancellations with a ledger that is away, a process that dies half-way, a ledger that was made anew."""

import pytest
from django.db.models import F

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, SaleState
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import asking, cancelling, changing, lifecycle
from tests.conftest import EPOCH, MakeOrder, MakeSale
from tests.services.changes import (
    SELLER,
    bought,
    cancel,
    counted,
    die_before_the_ledger,
    dies_at,
    ledger_away,
    live_numbers,
)


class TestWithoutTheLedger:
    @pytest.mark.parametrize("kept_back", [False, True])
    @pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.NO_SCRIPT])
    def test_is_cancelled_on_record_and_the_ledger_follows(
        self, proven: LedgerServer, make_sale: MakeSale, outcome: Outcome, *, kept_back: bool
    ) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")

        with ledger_away(outcome):
            act = cancel(order, kept_back=kept_back)
            assert cancelling.finish_asked(sale_pk=sale.pk) == ""

        assert not act.reached_ledger
        assert (counted(sale), live_numbers(sale)) == ((2, 1), (2, 2, 0))

        assert cancelling.finish_asked(sale_pk=sale.pk) == ""

        left = 0 if kept_back else 1
        assert (counted(sale), live_numbers(sale)) == ((1 + left, 1), (1 + left, 1, left))
        order.refresh_from_db()
        assert order.ledger_state == ChangeState.DONE

    def test_is_told_of_all_of_them(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        orders = bought(sale, "u:1", "u:2", "u:3")
        with ledger_away():
            for order in orders[:2]:
                cancel(order)
            cancel(orders[2], kept_back=True)

        cancelling.finish_asked(sale_pk=sale.pk)

        assert (counted(sale), live_numbers(sale)) == ((2, 0), (2, 0, 2))

    def test_that_was_never_proven_it_waits(self, db: None, make_sale: MakeSale, make_order: MakeOrder) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, recorded=1)
        order = make_order(sale)

        assert not cancel(order).reached_ledger
        assert cancelling.finish_asked(sale_pk=sale.pk) == ""


def cancelled_but_not_kept_back(make_sale: MakeSale) -> tuple[Sale, Order]:
    """A sale of two, one of which is cancelled and was to be kept back: its ledger has heard the first alone."""
    sale = make_sale(published=True, stock=2)
    (order, _other) = bought(sale, "u:1", "u:2")
    order = die_before_the_ledger(order, kept_back=True)
    cancelling._tell(order, None, epoch=EPOCH)
    return sale, order


class TestACrash:
    @pytest.mark.parametrize("kept_back", [False, True])
    def test_before_the_ledger_is_told(self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        die_before_the_ledger(order, kept_back=kept_back)
        assert (counted(sale), live_numbers(sale)) == ((2, 1), (2, 2, 0))

        cancelling.finish_asked(sale_pk=sale.pk)

        left = 0 if kept_back else 1
        assert (counted(sale), live_numbers(sale)) == ((1 + left, 1), (1 + left, 1, left))

    @pytest.mark.parametrize("kept_back", [False, True])
    def test_after_the_ledger_was_told(self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        order = die_before_the_ledger(order, kept_back=kept_back)
        keeps = StockChange.objects.filter(order=order).first()
        assert cancelling._tell(order, keeps, epoch=EPOCH).outcome is Outcome.DONE
        left = 0 if kept_back else 1
        assert counted(sale) == (2, 1)

        for _ in range(3):
            assert cancelling.finish_asked(sale_pk=sale.pk) == ""
            assert cancelling._finish(order, epoch=EPOCH) is not Outcome.DONE

        assert (counted(sale), live_numbers(sale)) == ((1 + left, 1), (1 + left, 1, left))
        assert TrailEntry.objects.count() == (2 if kept_back else 1)

    def test_in_a_sale_that_was_closed_early_is_finished_all_the_same(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        lifecycle.close(sale_pk=sale.pk, by=SELLER, why="Over.")

        with dies_at("cancel_between_sides", 2):
            cancel(order, kept_back=True)
        assert cancelling.finish_asked(sale_pk=sale.pk) == ""

        assert (counted(sale), live_numbers(sale)) == ((1, 1), (1, 1, 0))

    @pytest.mark.parametrize("nth", [1, 2])
    @pytest.mark.parametrize("kept_back", [False, True])
    def test_at_the_fault_point_leaves_what_the_keeper_finishes(
        self, proven: LedgerServer, make_sale: MakeSale, nth: int, *, kept_back: bool
    ) -> None:
        """`cancel_between_sides`, passed before the ledger is told and before the record hears of it."""
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")

        with dies_at("cancel_between_sides", nth):
            cancel(order, kept_back=kept_back)
        assert counted(sale) == (2, 1)
        assert live_numbers(sale)[1] == (2 if nth == 1 else 1)
        cancelling.finish_asked(sale_pk=sale.pk)

        left = 0 if kept_back else 1
        assert (counted(sale), live_numbers(sale)) == ((1 + left, 1), (1 + left, 1, left))

    def test_of_the_ledger_before_its_stock_was_lowered_is_made_good(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        """As where a ledger was made anew from the record: the order is cancelled in it, the unit not kept back."""
        sale, _order = cancelled_but_not_kept_back(make_sale)
        assert live_numbers(sale) == (2, 1, 1)

        cancelling.finish_asked(sale_pk=sale.pk)

        assert (counted(sale), live_numbers(sale)) == ((1, 1), (1, 1, 0))

    def test_of_the_ledger_after_which_the_unit_was_sold_keeps_none_back(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale, order = cancelled_but_not_kept_back(make_sale)
        bought(sale, "u:3")

        assert cancelling.finish_asked(sale_pk=sale.pk) == ""

        assert (counted(sale), live_numbers(sale)) == ((2, 2), (2, 2, 0))
        change = StockChange.objects.get()
        assert (change.state, change.refusal) == (
            ChangeState.REFUSED,
            "2 are sold and 0 held; stock cannot go below 2.",
        )
        order.refresh_from_db()
        assert order.ledger_state == ChangeState.DONE

    def test_and_a_late_script_before_it_makes_way(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=9)
        (order,) = bought(sale, "u:1")
        late = changing._ask(sale_pk=sale.pk, wanted=lambda _: {"stock": 5}, actor=SELLER, why="Fewer.")
        asking.refuse(change=late, sentence="Too low.")
        assert changing._tell(late, epoch=EPOCH).outcome is Outcome.DONE

        assert cancel(order, kept_back=True).reached_ledger

        assert (counted(sale), live_numbers(sale)) == ((4, 0), (4, 0, 4))
        rows = StockChange.objects.order_by("number").values_list("number", "state", "stock_from", "stock_to")
        assert list(rows) == [(1, "done", 9, 5), (2, "done", 5, 4)]


class TestALedgerThatDoesNotKnowTheOrder:
    def test_is_said(self, proven: LedgerServer, make_sale: MakeSale, make_order: MakeOrder) -> None:
        sale = make_sale(published=True)
        bought(sale, "u:1")
        Sale.objects.filter(pk=sale.pk).update(recorded=F("recorded") + 1)
        stranger = make_order(sale, shopper="u:9", unit=3, seq=77)

        act = cancel(stranger)

        assert not act.reached_ledger
        assert cancelling.finish_asked(sale_pk=sale.pk) == (
            f"order {stranger} is cancelled on record, and the ledger answers UNKNOWN_ORDER when it is told."
        )

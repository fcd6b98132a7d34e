"""Cancelling orders: on record first, in the ledger after; the unit back on sale or kept back."""

from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, OrderState, SaleState
from sales.live import connection, ledger
from sales.live.entries import EntryState
from sales.live.results import Found
from sales.models import LedgerServer, Sale, StockChange, TrailEntry
from sales.services import cancelling, changing, lifecycle
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeOrder, MakeSale
from tests.selling import ask_for_unit, drain, in_ledger
from tests.services.changes import SELLER, bought, cancel, counted, live_numbers


def entries_of(sale: Sale, shopper: str) -> Found:
    return connection.run(ledger.find(sale=sale.pk, epoch=EPOCH, shopper=shopper))


class TestBackOnSale:
    def test_sells_the_unit_again(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=1)
        (order,) = bought(sale, "u:1")

        act = cancel(order)

        assert act.reached_ledger
        assert (counted(sale), live_numbers(sale)) == ((1, 0), (1, 0, 1))
        (again,) = bought(sale, "u:2")
        assert again.unit == order.unit
        assert counted(sale) == (1, 1)

    def test_keeps_when_and_why_and_writes_the_trail(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")

        cancel(order, why=" Torn in the press. ")

        order.refresh_from_db()
        assert (order.state, order.cancel_reason, order.kept_back) == ("cancelled", "Torn in the press.", False)
        assert order.cancelled_at is not None
        assert order.ledger_state == ChangeState.DONE
        entry = TrailEntry.objects.get()
        assert (entry.act, entry.sale, entry.order, entry.who) == ("cancel", sale, order, SELLER.who)
        assert (entry.before, entry.why) == ({"state": "recorded", "on record": 1}, "Torn in the press.")
        assert entry.after == {"state": "cancelled", "on record": 0, "unit 1": "back on sale"}

    def test_lets_the_shopper_buy_again_or_not_as_the_sale_says(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        for counts, outcome in ((False, Outcome.BOUGHT), (True, Outcome.ALREADY)):
            sale = make_sale(published=True, cancelled_counts=counts)
            (order,) = bought(sale, "u:1")

            cancel(order)

            assert ask_for_unit(sale, "u:1").outcome is outcome
            said = entries_of(sale, "u:1").entries[0].state
            assert said is (EntryState.CANCELLED_FOR_GOOD if counts else EntryState.CANCELLED)

    def test_needs_no_stock_change_so_another_can_be_open(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        changing._ask(sale_pk=sale.pk, wanted=lambda _: {"stock": 9}, actor=SELLER, why="More.")

        assert cancel(order).reached_ledger


class TestKeptBack:
    def test_lowers_stock_by_one_as_a_numbered_change(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")

        act = cancel(order, kept_back=True)

        assert act.reached_ledger
        assert act.sale.stock == 1
        assert (counted(sale), live_numbers(sale)) == ((1, 1), (1, 1, 0))
        assert ask_for_unit(sale, "u:3").outcome is Outcome.SOLD_OUT
        change = StockChange.objects.get()
        assert (change.number, change.state, change.order) == (1, ChangeState.DONE, order)
        assert (change.stock_from, change.stock_to, in_ledger(sale).change) == (2, 1, 1)
        assert list(TrailEntry.objects.order_by("pk").values_list("act", flat=True)) == ["cancel", "keep_back"]

    def test_of_the_last_unit_leaves_none(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=1)
        (order,) = bought(sale, "u:1")

        cancel(order, kept_back=True)

        assert (counted(sale), live_numbers(sale)) == ((0, 0), (0, 0, 0))

    def test_waits_for_who_is_changing_the_sale(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        changing._ask(sale_pk=sale.pk, wanted=lambda _: {"stock": 9}, actor=Actor(who="other"), why="More.")

        with pytest.raises(Refused, match=r"^other is changing this sale since"):
            cancel(order, kept_back=True)

        order.refresh_from_db()
        assert order.state == OrderState.RECORDED
        assert counted(sale) == (9, 1)

    def test_changes_count_on_from_it(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        (order,) = bought(sale, "u:1")
        cancel(order, kept_back=True)

        changing.restock(sale_pk=sale.pk, by=1, actor=SELLER, why="It was not torn after all.")

        assert (counted(sale), live_numbers(sale)) == ((5, 0), (5, 0, 5))


class TestWhatIsRefused:
    def test_an_order_that_was_cancelled(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        cancel(order)

        with pytest.raises(Refused, match=r"^The order .* was cancelled \d{4}-"):
            cancel(order, kept_back=True)

        assert (counted(sale), live_numbers(sale)) == ((3, 0), (3, 0, 3))
        assert TrailEntry.objects.count() == 1

    @pytest.mark.parametrize(("why", "sentence"), [(" ", "Say why"), ("x" * 501, "at most 500")])
    def test_no_reason_and_too_long_a_reason(
        self, proven: LedgerServer, make_sale: MakeSale, why: str, sentence: str
    ) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")

        with pytest.raises(Refused, match=sentence):
            cancel(order, why=why)


class TestClosedAndSettledSales:
    @pytest.mark.parametrize("kept_back", [False, True])
    def test_a_closed_one_still_has_its_ledger(
        self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool
    ) -> None:
        sale = make_sale(published=True, stock=3)
        (order,) = bought(sale, "u:1")
        lifecycle.close(sale_pk=sale.pk, by=SELLER, why="It is over.")

        assert cancel(order, kept_back=kept_back).reached_ledger

        assert live_numbers(sale)[1] == 0

    @pytest.mark.parametrize(("kept_back", "stock"), [(False, 3), (True, 2)])
    def test_a_settled_one_has_only_the_record(
        self, proven: LedgerServer, make_sale: MakeSale, make_order: MakeOrder, *, kept_back: bool, stock: int
    ) -> None:
        sale = make_sale(state=SaleState.SETTLED, stock=3, recorded=1)
        order = make_order(sale)

        act = cancel(order, kept_back=kept_back)

        order.refresh_from_db()
        assert act.reached_ledger
        assert (act.sale.stock, act.sale.recorded) == (stock, 0)
        assert (order.state, order.ledger_state) == (OrderState.CANCELLED, "")
        assert not StockChange.objects.filter(state=ChangeState.ASKED).exists()


class TestTheStream:
    def test_of_a_cancellation_only_moves_the_offset(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        cancel(order)

        recorded = drain(sale)

        assert (recorded.orders, recorded.offset, recorded.dead) == (0, 3, 0)
        assert counted(sale) == (3, 0)

    def test_an_order_of_nobody_is_no_order(self, proven: LedgerServer) -> None:
        with pytest.raises(Sale.DoesNotExist):
            cancelling.cancel(order_pk=uuid4().int % 10**9, kept_back=False, actor=SELLER, why="Because.")

"""Cancelling orders: on record first, in the ledger after, once each, whatever crashes between."""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.db.models import F

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, OrderState, SaleState
from sales.live import connection, ledger
from sales.live.entries import EntryState
from sales.live.results import Found
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import asking, cancelling, changing, fencing, lifecycle
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeOrder, MakeSale
from tests.selling import ask_for_unit, buy, drain, in_ledger
from tests.services.test_changing import dies_at, ledger_away

SELLER = Actor(who="seller@example.com")


def bought(sale: Sale, *shoppers: str) -> list[Order]:
    """Buy one unit for each, and put the orders on record."""
    buy(sale, *shoppers)
    drain(sale)
    return [Order.objects.get(sale=sale, shopper=shopper) for shopper in shoppers]


def cancel(order: Order, *, kept_back: bool = False, why: str = "Torn in the press.") -> lifecycle.Act:
    return cancelling.cancel(order_pk=order.pk, kept_back=kept_back, actor=SELLER, why=why)


def die_before_the_ledger(order: Order, *, kept_back: bool = False) -> Order:
    """The first half of a cancellation: on record. Whoever does it dies before the second."""
    return cancelling._put_on_record(order_pk=order.pk, kept_back=kept_back, actor=SELLER, why="Torn.")


def on_record(sale: Sale) -> tuple[int, int]:
    """Return stock and orders on record; the ledger never sells from more than the one."""
    row = Sale.objects.get(pk=sale.pk)
    assert in_ledger(sale).stock <= row.stock
    assert row.recorded == Order.objects.filter(sale=sale, state=OrderState.RECORDED).count()
    return row.stock, row.recorded


def live(sale: Sale) -> tuple[int, int, int]:
    """Return stock, sold and left in the ledger."""
    seen = in_ledger(sale)
    assert seen.sound
    return seen.stock, seen.sold, seen.left


def entries_of(sale: Sale, shopper: str) -> Found:
    return connection.run(ledger.find(sale=sale.pk, epoch=EPOCH, shopper=shopper))


class TestBackOnSale:
    def test_sells_the_unit_again(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=1)
        (order,) = bought(sale, "u:1")

        act = cancel(order)

        assert act.reached_ledger
        assert (on_record(sale), live(sale)) == ((1, 0), (1, 0, 1))
        (again,) = bought(sale, "u:2")
        assert again.unit == order.unit
        assert on_record(sale) == (1, 1)

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
        assert (on_record(sale), live(sale)) == ((1, 1), (1, 1, 0))
        assert ask_for_unit(sale, "u:3").outcome is Outcome.SOLD_OUT
        change = StockChange.objects.get()
        assert (change.number, change.state, change.order) == (1, ChangeState.DONE, order)
        assert (change.stock_from, change.stock_to, in_ledger(sale).change) == (2, 1, 1)
        assert list(TrailEntry.objects.order_by("pk").values_list("act", flat=True)) == ["cancel", "keep_back"]

    def test_of_the_last_unit_leaves_none(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=1)
        (order,) = bought(sale, "u:1")

        cancel(order, kept_back=True)

        assert (on_record(sale), live(sale)) == ((0, 0), (0, 0, 0))

    def test_waits_for_who_is_changing_the_sale(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        changing._ask(sale_pk=sale.pk, wanted=lambda _: {"stock": 9}, actor=Actor(who="other"), why="More.")

        with pytest.raises(Refused, match=r"^other is changing this sale since"):
            cancel(order, kept_back=True)

        order.refresh_from_db()
        assert order.state == OrderState.RECORDED
        assert on_record(sale) == (9, 1)

    def test_changes_count_on_from_it(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        (order,) = bought(sale, "u:1")
        cancel(order, kept_back=True)

        changing.restock(sale_pk=sale.pk, by=1, actor=SELLER, why="It was not torn after all.")

        assert (on_record(sale), live(sale)) == ((5, 0), (5, 0, 5))


class TestWhatIsRefused:
    def test_an_order_that_was_cancelled(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        cancel(order)

        with pytest.raises(Refused, match=r"^The order .* was cancelled \d{4}-"):
            cancel(order, kept_back=True)

        assert (on_record(sale), live(sale)) == ((3, 0), (3, 0, 3))
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

        assert live(sale)[1] == 0

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
        assert (on_record(sale), live(sale)) == ((2, 1), (2, 2, 0))

        assert cancelling.finish_asked(sale_pk=sale.pk) == ""

        left = 0 if kept_back else 1
        assert (on_record(sale), live(sale)) == ((1 + left, 1), (1 + left, 1, left))
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

        assert (on_record(sale), live(sale)) == ((2, 0), (2, 0, 2))

    def test_that_was_never_proven_it_waits(self, db: None, make_sale: MakeSale, make_order: MakeOrder) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, recorded=1)
        order = make_order(sale)

        assert not cancel(order).reached_ledger
        assert cancelling.finish_asked(sale_pk=sale.pk) == ""


class TestACrash:
    @pytest.mark.parametrize("kept_back", [False, True])
    def test_before_the_ledger_is_told(self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        die_before_the_ledger(order, kept_back=kept_back)
        assert (on_record(sale), live(sale)) == ((2, 1), (2, 2, 0))

        cancelling.finish_asked(sale_pk=sale.pk)

        left = 0 if kept_back else 1
        assert (on_record(sale), live(sale)) == ((1 + left, 1), (1 + left, 1, left))

    @pytest.mark.parametrize("kept_back", [False, True])
    def test_after_the_ledger_was_told(self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        order = die_before_the_ledger(order, kept_back=kept_back)
        keeps = StockChange.objects.filter(order=order).first()
        assert cancelling._tell(order, keeps, epoch=EPOCH).outcome is Outcome.DONE
        left = 0 if kept_back else 1
        assert on_record(sale) == (2, 1)

        for _ in range(3):
            assert cancelling.finish_asked(sale_pk=sale.pk) == ""
            assert cancelling._finish(order, epoch=EPOCH) is not Outcome.DONE

        assert (on_record(sale), live(sale)) == ((1 + left, 1), (1 + left, 1, left))
        assert TrailEntry.objects.count() == (2 if kept_back else 1)

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
        assert on_record(sale) == (2, 1)
        assert live(sale)[1] == (2 if nth == 1 else 1)
        cancelling.finish_asked(sale_pk=sale.pk)

        left = 0 if kept_back else 1
        assert (on_record(sale), live(sale)) == ((1 + left, 1), (1 + left, 1, left))

    def test_of_the_ledger_before_its_stock_was_lowered_is_made_good(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        """As where a ledger was made anew from the record: the order is cancelled in it, the unit not kept back."""
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        order = die_before_the_ledger(order, kept_back=True)
        cancelling._tell(order, None, epoch=EPOCH)
        assert live(sale) == (2, 1, 1)

        cancelling.finish_asked(sale_pk=sale.pk)

        assert (on_record(sale), live(sale)) == ((1, 1), (1, 1, 0))

    def test_of_the_ledger_after_which_the_unit_was_sold_keeps_none_back(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=2)
        (order, _other) = bought(sale, "u:1", "u:2")
        order = die_before_the_ledger(order, kept_back=True)
        cancelling._tell(order, None, epoch=EPOCH)
        bought(sale, "u:3")

        assert cancelling.finish_asked(sale_pk=sale.pk) == ""

        assert (on_record(sale), live(sale)) == ((2, 2), (2, 2, 0))
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

        assert (on_record(sale), live(sale)) == ((4, 0), (4, 0, 4))
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


def careless_cancel(order: Order) -> None:
    """The broken twin: it looks, and then writes as if nobody else could have."""
    if Order.objects.get(pk=order.pk).state == OrderState.CANCELLED:
        raise Refused("It was cancelled.")
    time.sleep(0.1)
    Order.objects.filter(pk=order.pk).update(state=OrderState.CANCELLED, cancelled_at=order.bought_at)
    Sale.objects.filter(pk=order.sale_id).update(recorded=F("recorded") - 1)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def at_once(self, *acts: Callable[[], Any]) -> list[str]:
        told: list[str] = []
        together = threading.Barrier(len(acts))

        def do(act: Callable[[], Any]) -> None:
            together.wait()
            try:
                act()
                told.append("done")
            except Refused as refusal:
                told.append(str(refusal))
            finally:
                database.close()

        threads = [threading.Thread(target=do, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    @pytest.mark.parametrize("kept_back", [False, True])
    def test_free_one_unit(self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool) -> None:
        sale = make_sale(published=True, stock=5)
        orders = bought(sale, "u:1", "u:2", "u:3", "u:4")

        told = self.at_once(*[lambda: cancel(orders[0], kept_back=kept_back)] * 4)

        kept = 1 if kept_back else 0
        assert told.count("done") == 1
        assert (on_record(sale), live(sale)) == ((5 - kept, 3), (5 - kept, 3, 2 - kept))
        assert TrailEntry.objects.filter(act="cancel").count() == 1

    def test_in_the_careless_twin_the_record_counts_several(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        orders = bought(sale, "u:1", "u:2", "u:3", "u:4")

        self.at_once(*[lambda: careless_cancel(orders[0])] * 3)

        assert Sale.objects.get(pk=sale.pk).recorded < 3

    def test_the_keeper_and_the_admin_finish_it_once(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        (order, *_others) = bought(sale, "u:1", "u:2")
        order = die_before_the_ledger(order, kept_back=True)

        told = self.at_once(
            lambda: cancelling._finish(order, epoch=fencing.epoch()),
            lambda: cancelling.finish_asked(sale_pk=sale.pk),
            lambda: cancelling.finish_asked(sale_pk=sale.pk),
        )

        assert told == ["done"] * 3
        assert (on_record(sale), live(sale)) == ((4, 1), (4, 1, 3))
        assert TrailEntry.objects.filter(act="keep_back").count() == 1


class TestTheStream:
    def test_of_a_cancellation_only_moves_the_offset(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        (order,) = bought(sale, "u:1")
        cancel(order)

        recorded = drain(sale)

        assert (recorded.orders, recorded.offset, recorded.dead) == (0, 3, 0)
        assert on_record(sale) == (3, 0)

    def test_an_order_of_nobody_is_no_order(self, proven: LedgerServer) -> None:
        with pytest.raises(Sale.DoesNotExist):
            cancelling.cancel(order_pk=uuid4().int % 10**9, kept_back=False, actor=SELLER, why="Because.")

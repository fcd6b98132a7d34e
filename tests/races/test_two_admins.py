"""Two admins change the stock of a sale, or cancel an order, at the same time: each act counts once, or is refused."""

import time

import pytest
from django.db import IntegrityError
from django.db.models import F

from sales.domain.states import ChangeState, OrderState
from sales.live import connection, ledger
from sales.live.results import Snapshot
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import asking, cancelling, fencing
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeSale
from tests.selling import in_ledger
from tests.services.changes import (
    OTHER,
    SELLER,
    ask,
    at_once,
    bought,
    cancel,
    counted,
    die_before_the_ledger,
    live_numbers,
    restock,
    stocks,
)


def careless_ask(*, sale_pk: int, to: int, by: Actor) -> None:
    """The broken twin of the asking half: it looks, and then writes as if nobody else could have."""
    sale = Sale.objects.get(pk=sale_pk)
    if StockChange.objects.filter(sale=sale, state=ChangeState.ASKED).exists():
        raise Refused("Somebody is changing it.")
    time.sleep(0.1)
    following_number = asking.last_number(sale_pk=sale_pk) + 1
    Sale.objects.filter(pk=sale_pk).update(stock=to)
    said: Snapshot = in_ledger(sale)
    connection.run(
        ledger.change(
            sale=sale_pk,
            epoch=EPOCH,
            number=following_number,
            stock=to,
            opens_ms=said.opens_ms,
            closes_ms=said.closes_ms,
        )
    )


class TestASecondAdmin:
    def test_is_told_who_is_changing_the_sale(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=7)

        with pytest.raises(Refused, match=r"^seller@example.com is changing this sale since \d\d:\d\d:\d\d\."):
            restock(sale, by=3, actor=OTHER)

        assert StockChange.objects.count() == 1

    def test_is_told_who_changed_it_since_the_page_was_opened(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        restock(sale, by=10, seen=0)

        with pytest.raises(Refused, match=r"^seller@example.com has changed this sale since you looked: stock is 15"):
            restock(sale, by=10, seen=0, actor=OTHER)

        restock(sale, by=10, seen=1, actor=OTHER)
        assert stocks(sale) == (25, 25)

    def test_cannot_get_past_the_constraint(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=7)
        monkeypatch.setattr(asking, "refuse_if_open", lambda **_: None)

        with pytest.raises(Refused, match="Somebody else has just changed this sale"):
            ask(sale, stock=9)

    def test_a_number_is_given_once(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        restock(sale, by=1)
        done = StockChange.objects.get()
        done.pk = None

        with pytest.raises(IntegrityError, match=r"change_number_once_per_sale|sale_id.*number"):
            done.save()


@pytest.mark.django_db(transaction=True)
class TestTwoAdminsAtOnce:
    def test_each_change_counts_or_is_refused(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=100)

        told = at_once(*[lambda by=by: restock(sale, by=by) for by in (1, 10, -1, -10)])

        done = StockChange.objects.filter(state=ChangeState.DONE).order_by("number")
        assert told.count("done") == len(done) >= 1
        assert [each.number for each in done] == list(range(1, len(done) + 1))
        assert stocks(sale) == (done[len(done) - 1].stock_to, done[len(done) - 1].stock_to)
        assert all(told_so == "done" or "is changing this sale" in told_so for told_so in told)
        assert TrailEntry.objects.count() == len(done)

    def test_in_the_careless_twin_all_believe_that_theirs_was_the_one(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=100)

        told = at_once(*[lambda to=to: careless_ask(sale_pk=sale.pk, to=to, by=SELLER) for to in (101, 110, 99, 90)])

        assert told == ["done"] * 4
        assert in_ledger(sale).change == 1  # they took the same number, so three of four are not in the ledger


def careless_cancel(order: Order) -> None:
    """The broken twin: it looks, and then writes as if nobody else could have."""
    if Order.objects.get(pk=order.pk).state == OrderState.CANCELLED:
        raise Refused("It was cancelled.")
    time.sleep(0.1)
    Order.objects.filter(pk=order.pk).update(state=OrderState.CANCELLED, cancelled_at=order.bought_at)
    Sale.objects.filter(pk=order.sale_id).update(recorded=F("recorded") - 1)


@pytest.mark.django_db(transaction=True)
class TestTwoCancellationsAtOnce:
    @pytest.mark.parametrize("kept_back", [False, True])
    def test_free_one_unit(self, proven: LedgerServer, make_sale: MakeSale, *, kept_back: bool) -> None:
        sale = make_sale(published=True, stock=5)
        orders = bought(sale, "u:1", "u:2", "u:3", "u:4")

        told = at_once(*[lambda: cancel(orders[0], kept_back=kept_back)] * 4)

        kept = 1 if kept_back else 0
        assert told.count("done") == 1
        assert (counted(sale), live_numbers(sale)) == ((5 - kept, 3), (5 - kept, 3, 2 - kept))
        assert TrailEntry.objects.filter(act="cancel").count() == 1

    def test_in_the_careless_twin_the_record_counts_several(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        orders = bought(sale, "u:1", "u:2", "u:3", "u:4")

        at_once(*[lambda: careless_cancel(orders[0])] * 3)

        assert Sale.objects.get(pk=sale.pk).recorded < 3

    def test_the_keeper_and_the_admin_finish_it_once(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        (order, *_others) = bought(sale, "u:1", "u:2")
        order = die_before_the_ledger(order, kept_back=True)

        told = at_once(
            lambda: cancelling._finish(order, epoch=fencing.epoch()),
            lambda: cancelling.finish_asked(sale_pk=sale.pk),
            lambda: cancelling.finish_asked(sale_pk=sale.pk),
        )

        assert told == ["done"] * 3
        assert (counted(sale), live_numbers(sale)) == ((4, 1), (4, 1, 3))
        assert TrailEntry.objects.filter(act="keep_back").count() == 1

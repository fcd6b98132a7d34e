"""Cancelling an order in the admin: the page that says what it will do, the act, and who may."""

from collections.abc import Callable
from typing import Any

import pytest

from sales.domain.states import OrderState, SaleState
from sales.models import Account, LedgerServer, Order, Sale, TrailEntry
from sales.services import lifecycle
from sales.services.acting import Actor
from tests.admin.desk import Desk, mistakes, said, text_of
from tests.conftest import MakeOrder, MakeSale
from tests.selling import buy, drain, in_ledger

WHY = "Torn in the press."


@pytest.fixture
def order(proven: LedgerServer, make_sale: MakeSale) -> Order:
    """The first of two orders in the sale `night`, which has five units."""
    sale = make_sale(slug="night", published=True, stock=5)
    buy(sale, "u:1", "u:2")
    drain(sale)
    found: Order = Order.objects.get(unit=1)
    return found


class TestTheButton:
    def test_is_there_until_the_order_is_cancelled(self, desk: Desk, order: Order) -> None:
        before = desk.get("sales_order_change", order.pk).content.decode()
        desk.post("sales_order_cancel", order.pk, unit="back", why=WHY)
        after = desk.get("sales_order_change", order.pk)

        assert 'id="cancel-order"' in before
        assert 'id="cancel-order"' not in after.content.decode()
        assert WHY in text_of(after)

    def test_is_for_those_who_may_change_orders(self, desk_of_one_who_may: Callable[..., Desk], order: Order) -> None:
        clerk = desk_of_one_who_may("view_order", "change_sale")

        answers = [clerk.get("sales_order_cancel", order.pk), clerk.post("sales_order_cancel", order.pk, why=WHY)]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert 'id="cancel-order"' not in clerk.get("sales_order_change", order.pk).content.decode()

    def test_is_enough_for_those_who_may(self, desk_of_one_who_may: Callable[..., Desk], order: Order) -> None:
        clerk = desk_of_one_who_may("view_order", "change_order")

        assert 'id="cancel-order"' in clerk.get("sales_order_change", order.pk).content.decode()
        assert clerk.post("sales_order_cancel", order.pk, unit="back", why=WHY).status_code == 302
        assert Order.objects.get(pk=order.pk).state == OrderState.CANCELLED


class TestThePage:
    def test_says_with_todays_numbers_what_it_will_do(self, desk: Desk, order: Order) -> None:
        page = text_of(desk.get("sales_order_cancel", order.pk))

        for sentence in (
            "Unit 1 of night is nobody's any more. Orders on record: 1 then, 2 now.",
            "Back on sale: 4 left then, 3 now. Kept back: stock 4 then, 5 now.",
            "Who bought it may buy another in its place, as long as the sale is on.",
            "This cannot be undone.",
        ):
            assert sentence in page
        assert Order.objects.get(pk=order.pk).state == OrderState.RECORDED

    def test_says_that_it_still_counts_where_it_does(self, desk: Desk, order: Order) -> None:
        Sale.objects.update(cancelled_counts=True)

        assert "It still counts to its shopper's limit" in text_of(desk.get("sales_order_cancel", order.pk))

    def test_says_that_a_settled_sale_sells_nothing_again(
        self, desk: Desk, make_sale: MakeSale, make_order: MakeOrder
    ) -> None:
        order = make_order(make_sale(state=SaleState.SETTLED, recorded=1))

        assert "only the record changes" in text_of(desk.get("sales_order_cancel", order.pk))

    @pytest.mark.parametrize(
        ("fields", "field"),
        [({"unit": "back"}, "why"), ({"unit": "back", "why": "  "}, "why"), ({"why": WHY}, "unit"),
         ({"unit": "gone", "why": WHY}, "unit")],
    )  # fmt: skip
    def test_refuses_mistakes_at_their_field(
        self, desk: Desk, order: Order, fields: dict[str, Any], field: str
    ) -> None:
        assert set(mistakes(desk.post("sales_order_cancel", order.pk, **fields))) == {field}
        assert Order.objects.get(pk=order.pk).state == OrderState.RECORDED

    def test_refuses_other_methods_and_orders_that_are_not_there(self, desk: Desk) -> None:
        assert desk.get("sales_order_cancel", 10**9).status_code == 404
        assert desk.put("sales_order_cancel", 10**9).status_code == 405


class TestTheAct:
    @pytest.mark.parametrize(("unit", "stock"), [("back", 5), ("kept", 4)])
    def test_is_done_and_reported(self, desk: Desk, seller: Account, order: Order, unit: str, stock: int) -> None:
        answer = desk.post("sales_order_cancel", order.pk, unit=unit, why=WHY)

        sentence = {"back": "and unit 1 is back on sale.", "kept": "and unit 1 is kept back."}[unit]
        assert said(answer) == [f"The order {order} is cancelled, {sentence}"]
        sale = Sale.objects.get()
        assert (sale.recorded, sale.stock, in_ledger(sale).sold, in_ledger(sale).stock) == (1, stock, 1, stock)
        entry = TrailEntry.objects.get(act="cancel")
        assert (entry.account, entry.order, entry.why) == (seller, order, WHY)

    def test_is_refused_the_second_time(self, desk: Desk, order: Order) -> None:
        desk.post("sales_order_cancel", order.pk, unit="back", why=WHY)

        again = [
            desk.get("sales_order_cancel", order.pk),
            desk.post("sales_order_cancel", order.pk, unit="kept", why=WHY),
        ]

        assert said(again[0])[-1] == f"The order {order} is cancelled already."
        assert said(again[1])[-1].startswith(f"Not done for {order}: The order {order} was cancelled ")
        assert TrailEntry.objects.count() == 1

    def test_says_that_the_ledger_follows(self, desk: Desk, order: Order, no_ledger: None) -> None:
        assert "The ledger is not reachable." in text_of(desk.get("sales_order_cancel", order.pk))

        answer = desk.post("sales_order_cancel", order.pk, unit="back", why=WHY)

        assert said(answer)[-1] == (
            f"The order {order} is cancelled on record. "
            "The ledger was not reached: it will follow as soon as the keeper reaches it."
        )


class TestTheNumbers:
    def test_add_up_while_the_ledger_has_yet_to_be_told(
        self, desk: Desk, order: Order, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as away:
            away.setattr("sales.services.cancelling._finish", lambda *_, **__: None)
            desk.post("sales_order_cancel", order.pk, unit="kept", why=WHY)

        page = text_of(desk.get("sales_sale_change", order.sale_id))

        assert "It adds up. 1 of 2 sold are on record, 0 on their way." in page
        assert "1 is cancelled on record; the ledger is yet to be told." in page
        assert "A change that seller@example.com asked for is not done yet." in page

    def test_of_a_closed_sale_are_there_as_well(self, desk: Desk, order: Order) -> None:
        lifecycle.close(sale_pk=order.sale_id, by=Actor(who="seller"), why="Over.")

        assert "Back on sale: 4 left then, 3 now." in text_of(desk.get("sales_order_cancel", order.pk))

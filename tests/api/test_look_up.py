"""GET /user/:userId/purchase/:flashSaleId: what is bought, pending, cancelled, held, or not there."""

from urllib.parse import quote

import pytest

from sales.domain.states import OrderState, SaleState
from sales.models import LedgerServer, Sale
from tests.api.conftest import Api, cancel, record_all, shopper
from tests.conftest import MakeOrder, MakeSale


class TestLookUp:
    def test_finds_nothing_of_an_unknown_user(self, api: Api, sale: Sale) -> None:
        said = api.look_up("user123", sale)

        assert (said.status, said.text) == (200, '{"hasPurchased":false}')

    @pytest.mark.parametrize("slug", ["unknown", "draft", "ü"])
    def test_finds_nothing_in_an_unknown_sale(self, api: Api, make_sale: MakeSale, slug: str) -> None:
        make_sale(slug="draft")

        said = api.look_up("user123", slug)

        assert (said.status, said.text) == (200, '{"hasPurchased":false}')

    def test_finds_a_purchase_that_is_not_on_record_yet(self, api: Api, sale: Sale) -> None:
        purchase_id = api.buy("user123", sale).body["purchaseId"]

        said = api.look_up("user123", sale)

        assert said.status == 200
        purchase = said.body["purchase"]
        assert said.text == (
            f'{{"hasPurchased":true,"purchase":{{"id":"{purchase_id}","userId":"user123","flashSaleId":"{sale.slug}",'
            f'"quantity":1,"timestamp":"{purchase["timestamp"]}","status":"pending","unit":1}}}}'
        )

    def test_says_confirmed_once_it_is_on_record(self, api: Api, sale: Sale) -> None:
        api.buy("user123", sale)

        record_all(sale)

        assert api.look_up("user123", sale).body["purchase"]["status"] == "confirmed"

    def test_says_cancelled_after_a_cancellation(self, api: Api, sale: Sale) -> None:
        purchase_id = api.buy("user123", sale).body["purchaseId"]

        cancel(sale, "user123", purchase_id)

        body = api.look_up("user123", sale).body
        assert (body["hasPurchased"], body["purchase"]["status"]) == (True, "cancelled")

    def test_prefers_what_is_not_cancelled_and_lists_all(self, api: Api, sale: Sale) -> None:
        first = api.buy("user123", sale).body["purchaseId"]
        cancel(sale, "user123", first)
        second = api.buy("user123", sale).body["purchaseId"]

        body = api.look_up("user123", sale).body

        assert body["purchase"]["id"] == second
        assert {each["id"]: each["status"] for each in body["purchases"]} == {first: "cancelled", second: "pending"}

    def test_lists_all_newest_first_where_more_than_one_may_be_bought(
        self, api: Api, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, limit=2)
        bought = [api.buy("user123", sale).body["purchaseId"] for _ in range(2)]

        body = api.look_up("user123", sale).body

        assert body["purchase"]["id"] == bought[1]
        assert [each["id"] for each in body["purchases"]] == bought[::-1]

    def test_shows_a_hold(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, hold_seconds=60)
        held = api.buy("user123", sale).body

        body = api.look_up("user123", sale).body

        assert body["hasPurchased"] is False
        assert (body["hold"]["id"], body["hold"]["status"]) == (held["purchaseId"], "held")
        assert body["hold"]["holdExpiresAt"] == held["holdExpiresAt"]

    def test_shows_no_hold_that_was_let_go(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, hold_seconds=60)
        api.act("release", "user123", sale, api.buy("user123", sale).body["purchaseId"])

        assert api.look_up("user123", sale).text == '{"hasPurchased":false}'

    @pytest.mark.parametrize("user", ["a/b", "/", "a/purchase/b", "x y", "日本", "%2F", "a?b#c", "..", "line\u2028end"])
    def test_finds_users_whatever_they_are_called(self, api: Api, sale: Sale, user: str) -> None:
        purchase_id = api.buy(user, sale).body["purchaseId"]

        body = api.look_up(quote(user, safe=""), sale).body

        assert (body["purchase"]["id"], body["purchase"]["userId"]) == (purchase_id, user)

    def test_finds_a_user_in_another_spelling(self, api: Api, sale: Sale) -> None:
        api.buy("Zoe\u0308", sale)

        assert api.look_up(quote(" Zoë "), sale).body["hasPurchased"] is True

    @pytest.mark.parametrize("path", ["", "%20", "%00", "a%00b", "a%0Ab", "x" * 129])
    def test_refuses_what_cannot_be_a_user(self, api: Api, sale: Sale, path: str) -> None:
        said = api.look_up(path, sale)

        assert (said.status, list(said.body)) == (400, ["error"])

    @pytest.mark.parametrize("path", ["%FF", "a%C3", "%ED%A0%80"])
    def test_finds_nothing_of_a_user_whose_name_is_not_utf8(self, api: Api, sale: Sale, path: str) -> None:
        said = api.look_up(path, sale)

        assert (said.status, said.text) == (200, '{"hasPurchased":false}')

    @pytest.mark.parametrize(("state", "status"), [("recorded", "confirmed"), ("cancelled", "cancelled")])
    def test_finds_a_settled_purchase_on_record(
        self, api: Api, make_sale: MakeSale, make_order: MakeOrder, state: OrderState, status: str
    ) -> None:
        sale = make_sale(state=SaleState.SETTLED, recorded=1)
        order = make_order(sale, shopper=shopper("user123"), state=state)

        body = api.look_up("user123", sale).body

        assert (body["purchase"]["id"], body["purchase"]["status"]) == (str(order.order_id), status)

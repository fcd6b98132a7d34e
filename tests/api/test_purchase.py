"""POST /api/flashsale/purchase: every row of the contract."""

import unicodedata
from uuid import UUID

import pytest

from sales.domain.states import LedgerState, OrderState, SaleState
from sales.live.keys import digest
from sales.models import LedgerServer, Sale
from tests.api.conftest import Api, cancel, record_all, set_state, shopper
from tests.conftest import MakeOrder, MakeSale


class TestPurchase:
    def test_buys_a_unit(self, api: Api, sale: Sale) -> None:
        said = api.buy("user123", sale)

        assert said.status == 200
        purchase_id = said.body["purchaseId"]
        assert UUID(purchase_id)
        assert said.text == (
            f'{{"success":true,"message":"Purchase successful!","purchaseId":"{purchase_id}","remainingStock":2,'
            '"unit":1,"orderStatus":"pending"}'
        )
        assert said.headers["Content-Type"] == "application/json"
        assert said.headers["Cache-Control"] == "no-store"

    def test_counts_down_to_the_last_unit_and_then_is_sold_out(self, api: Api, sale: Sale) -> None:
        left = [api.buy(f"shopper-{n}", sale).body["remainingStock"] for n in range(3)]

        said = api.buy("late_shopper", sale)

        assert left == [2, 1, 0]
        assert (said.status, said.text) == (
            400, '{"success":false,"message":"Item is sold out","code":"sold_out"}',
        )  # fmt: skip

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"userId": "user123"},
            {"flashSaleId": "sample-sale-1"},
            {"userId": "", "flashSaleId": "sample-sale-1"},
            {"userId": "user123", "flashSaleId": ""},
            {"userId": None, "flashSaleId": None},
            {"userId": " \t ", "flashSaleId": "sample-sale-1"},
        ],
    )
    def test_wants_both_names(self, api: Api, sale: Sale, fields: dict[str, str]) -> None:
        said = api.post("purchase", fields)

        assert (said.status, said.text) == (400, '{"error":"userId and flashSaleId are required"}')

    def test_knows_no_sale_that_is_unknown_or_a_draft(self, api: Api, make_sale: MakeSale) -> None:
        make_sale(slug="draft")

        for slug in ("unknown", "draft", "Not A Slug", "ü", "sale\n1"):
            said = api.buy("user123", slug)
            assert (said.status, said.text) == (400, '{"success":false,"message":"Flash sale not found"}')

    def test_refuses_before_the_start(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        said = api.buy("user123", make_sale(published=True, opens_in=60))

        assert (said.status, said.text) == (
            400, '{"success":false,"message":"Sale has not started yet","code":"upcoming"}',
        )  # fmt: skip

    def test_refuses_after_the_end(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        said = api.buy("user123", make_sale(published=True, opens_in=-120, closes_in=-60))

        assert (said.status, said.text) == (400, '{"success":false,"message":"Sale has ended","code":"ended"}')

    def test_refuses_while_the_sale_is_paused(self, api: Api, sale: Sale) -> None:
        set_state(sale, LedgerState.PAUSED)

        said = api.buy("user123", sale)

        assert (said.status, said.text) == (400, '{"success":false,"message":"Sale is paused","code":"paused"}')

    def test_names_the_original_purchase_to_somebody_at_the_limit(self, api: Api, sale: Sale) -> None:
        first = api.buy("user123", sale).body["purchaseId"]

        said = api.buy("user123", sale)

        assert said.status == 400
        assert said.text == (
            '{"success":false,"message":"You have already purchased this item",'
            f'"purchaseId":"{first}","code":"already"}}'
        )

    @pytest.mark.parametrize("state", [LedgerState.CLOSED, LedgerState.PAUSED])
    def test_says_already_before_anything_else(
        self, api: Api, proven: LedgerServer, make_sale: MakeSale, state: LedgerState
    ) -> None:
        sale = make_sale(published=True, stock=1)
        first = api.buy("user123", sale).body["purchaseId"]
        set_state(sale, state)

        said = api.buy("user123", sale)

        assert said.body["message"] == "You have already purchased this item"
        assert said.body["purchaseId"] == first

    def test_says_that_the_purchase_was_cancelled_where_nobody_buys_again(
        self, api: Api, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, cancelled_counts=True)
        first = api.buy("user123", sale).body["purchaseId"]
        cancel(sale, "user123", first)

        said = api.buy("user123", sale)

        assert said.status == 400
        assert said.body == {
            "success": False,
            "message": "You have already purchased this item",
            "purchaseId": first,
            "orderStatus": "cancelled",
            "code": "already",
        }

    def test_sells_again_after_a_cancellation_that_does_not_count(self, api: Api, sale: Sale) -> None:
        first = api.buy("user123", sale).body["purchaseId"]
        cancel(sale, "user123", first)

        said = api.buy("user123", sale)

        assert said.status == 200
        assert said.body["purchaseId"] != first

    def test_takes_the_next_slot_up_to_the_limit(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, limit=2)

        said = [api.buy("user123", sale) for _ in range(3)]

        assert [each.status for each in said] == [200, 200, 400]
        assert said[2].body["purchaseId"] == said[1].body["purchaseId"]

    def test_says_confirmed_once_it_is_on_record(self, api: Api, sale: Sale) -> None:
        api.buy("user123", sale, key="k")
        record_all(sale)

        assert api.buy("user123", sale, key="k").body["orderStatus"] == "confirmed"


class TestUserId:
    def test_is_one_user_in_all_its_spellings(self, api: Api, sale: Sale) -> None:
        first = api.buy(unicodedata.normalize("NFC", "Zoë"), sale).body["purchaseId"]

        said = api.buy("  " + unicodedata.normalize("NFD", "Zoë") + "\n", sale)

        assert said.body["purchaseId"] == first

    def test_may_be_any_text(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        users = ["a/b", "a/1", "a:b", "x:demo:a", "u:1", "日本", "👩‍👩‍👧", "{}", "a b", "%2F", "\u202e", "x" * 128]
        sale = make_sale(published=True, stock=len(users))

        for user in users:
            assert api.buy(user, sale).status == 200, user
            assert api.buy(user, sale).body["code"] == "already", user

    @pytest.mark.parametrize(
        "user", ["a\x00b", "a\x07b", "a\x7fb", "a\x85b", "\ud800", "a\udfffb", "x" * 129, "ﬀ" * 129]
    )
    def test_is_refused_where_it_is_no_id(self, api: Api, sale: Sale, user: str) -> None:
        said = api.buy(user, sale)

        assert said.status == 400
        assert list(said.body) == ["error"]
        assert "userId" in said.body["error"]

    @pytest.mark.parametrize("user", [1, 1.5, True, False, 0, ["user123"], {"id": "user123"}])
    def test_is_refused_where_it_is_no_text(self, api: Api, sale: Sale, user: object) -> None:
        said = api.buy(user, sale)

        assert (said.status, said.body) == (400, {"error": "userId must be text"})


class TestIdempotencyKey:
    def test_names_the_same_purchase_again(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, limit=3)

        said = [api.buy("user123", sale, key="order-1") for _ in range(3)]

        assert {each.status for each in said} == {200}
        assert len({each.body["purchaseId"] for each in said}) == 1
        assert api.buy("user123", sale, key="order-2").body["purchaseId"] != said[0].body["purchaseId"]

    def test_is_refused_for_another_user(self, api: Api, sale: Sale) -> None:
        api.buy("user123", sale, key="order-1")

        said = api.buy("another", sale, key="order-1")

        assert (said.status, said.body) == (422, {"error": "This Idempotency-Key was used by another userId"})

    def test_is_another_key_in_another_sale(self, api: Api, sale: Sale, make_sale: MakeSale) -> None:
        api.buy("user123", sale, key="order-1")

        assert api.buy("another", make_sale(published=True), key="order-1").status == 200

    def test_still_names_a_purchase_that_was_cancelled(self, api: Api, sale: Sale) -> None:
        first = api.buy("user123", sale, key="order-1")
        cancel(sale, "user123", first.body["purchaseId"])

        said = api.buy("user123", sale, key="order-1")

        assert (said.status, said.body["purchaseId"]) == (200, first.body["purchaseId"])
        assert said.body["orderStatus"] == "cancelled"

    def test_is_not_bound_by_a_refusal(self, api: Api, sale: Sale) -> None:
        set_state(sale, LedgerState.PAUSED)
        assert api.buy("user123", sale, key="order-1").status == 400
        set_state(sale, LedgerState.OPEN, number=3)

        assert api.buy("user123", sale, key="order-1").status == 200

    @pytest.mark.parametrize("key", ["", "x" * 256, "with space", "tab\there", "ümlaut", "\x7f"])
    def test_is_refused_where_it_is_not_visible_ascii(self, api: Api, sale: Sale, key: str) -> None:
        said = api.buy("user123", sale, key=key)

        assert (said.status, list(said.body)) == (400, ["error"])
        assert "Idempotency-Key" in said.body["error"]

    @pytest.mark.parametrize("key", ["!", "~", "x" * 255, '"quoted"'])
    def test_may_be_any_visible_ascii(self, api: Api, sale: Sale, key: str) -> None:
        assert api.buy("user123", sale, key=key).status == 200


class TestSettledSale:
    @pytest.fixture
    def settled(self, make_sale: MakeSale) -> Sale:
        return make_sale(state=SaleState.SETTLED, opens_in=-9_000, closes_in=-8_000, stock=5, recorded=1)

    def test_has_ended(self, api: Api, settled: Sale) -> None:
        said = api.buy("user123", settled)

        assert (said.status, said.body["message"]) == (400, "Sale has ended")

    def test_names_the_original_purchase(self, api: Api, settled: Sale, make_order: MakeOrder) -> None:
        order = make_order(settled, shopper=shopper("user123"))

        said = api.buy("user123", settled)

        assert (said.status, said.body["code"]) == (400, "already")
        assert said.body["purchaseId"] == str(order.order_id)

    @pytest.mark.parametrize(("state", "status"), [("recorded", "confirmed"), ("cancelled", "cancelled")])
    def test_answers_a_key_as_it_was_answered(
        self, api: Api, settled: Sale, make_order: MakeOrder, state: OrderState, status: str
    ) -> None:
        order = make_order(
            settled, shopper=shopper("user123"), unit=4, state=state, key_digest=digest(client="demo", key="order-1")
        )

        said = api.buy("user123", settled, key="order-1")

        assert said.status == 200
        assert said.body == {
            "success": True,
            "message": "Purchase successful!",
            "purchaseId": str(order.order_id),
            "remainingStock": 4,
            "unit": 4,
            "orderStatus": status,
        }

    def test_refuses_a_key_of_another_user(self, api: Api, settled: Sale, make_order: MakeOrder) -> None:
        make_order(settled, shopper=shopper("user123"), key_digest=digest(client="demo", key="order-1"))

        assert api.buy("another", settled, key="order-1").status == 422

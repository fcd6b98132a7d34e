"""POST /confirm, /release and /extend: every row of the contract for a sale with a hold time."""

import time
from uuid import uuid4

import pytest
from django_redis import get_redis_connection

from sales.domain.states import LedgerState, SaleState
from sales.live.keys import SaleKeys
from sales.models import LedgerServer, Sale
from tests.api.conftest import Api, cancel, set_state, shopper
from tests.conftest import MakeOrder, MakeSale

HELD_MS = 60_000


@pytest.fixture
def holding(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    """Two units, held for a minute, half a minute more once."""
    return make_sale(published=True, stock=2, hold_seconds=60, hold_extension_seconds=30)


def last_ms(sale: Sale, hold_ms: int) -> None:
    """Make holds from now on last so long."""
    get_redis_connection("ledger").hset(SaleKeys.of(sale.pk).meta, "hold_ms", hold_ms)


def let_it_run_out(api: Api, sale: Sale, user: str) -> str:
    """Hold a unit until it is gone, and return its id."""
    last_ms(sale, 1)
    purchase_id: str = api.buy(user, sale).body["purchaseId"]
    last_ms(sale, HELD_MS)
    time.sleep(0.005)  # the ledger server's clock, which nobody can inject
    return purchase_id


class TestHold:
    def test_is_reserved(self, api: Api, holding: Sale) -> None:
        said = api.buy("user123", holding)

        assert said.status == 200
        assert list(said.body) == [
            "success", "message", "purchaseId", "remainingStock", "orderStatus", "holdExpiresAt", "unit",
        ]  # fmt: skip
        assert said.body["message"] == "Reserved"
        assert (said.body["remainingStock"], said.body["orderStatus"]) == (1, "held")
        assert said.body["holdExpiresAt"].endswith("Z")

    def test_is_the_same_when_asked_again(self, api: Api, holding: Sale) -> None:
        assert api.buy("user123", holding).body == api.buy("user123", holding).body

    def test_is_the_same_when_asked_again_with_its_key(self, api: Api, holding: Sale) -> None:
        assert api.buy("user123", holding, key="k").body == api.buy("user123", holding, key="k").body

    def test_makes_way_for_another_when_it_ran_out(self, api: Api, holding: Sale) -> None:
        first = let_it_run_out(api, holding, "user123")

        said = api.buy("user123", holding)

        assert (said.status, said.body["message"]) == (200, "Reserved")
        assert said.body["purchaseId"] != first

    def test_is_refused_to_somebody_who_lost_three(self, api: Api, holding: Sale) -> None:
        for _ in range(3):
            let_it_run_out(api, holding, "user123")

        said = api.buy("user123", holding)

        assert (said.status, said.text) == (
            400, '{"success":false,"message":"Too many expired holds","code":"lost_holds"}',
        )  # fmt: skip

    def test_becomes_the_purchase_that_its_key_names(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding, key="k").body["purchaseId"]
        api.act("confirm", "user123", holding, held)

        said = api.buy("user123", holding, key="k")

        assert (said.status, said.body["message"], said.body["purchaseId"]) == (200, "Purchase successful!", held)


class TestConfirm:
    def test_buys_the_unit_and_says_the_same_again(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding).body

        said = [api.act("confirm", "user123", holding, held["purchaseId"]) for _ in range(2)]

        assert said[0].status == 200
        assert list(said[0].body)[:4] == ["success", "message", "purchaseId", "remainingStock"]
        assert said[0].body["message"] == "Purchase successful!"
        assert said[0].body["purchaseId"] == held["purchaseId"]
        assert (said[1].status, said[1].body) == (said[0].status, said[0].body)

    @pytest.mark.parametrize("state", [LedgerState.PAUSED, LedgerState.CLOSED])
    def test_works_while_nothing_is_sold(self, api: Api, holding: Sale, state: LedgerState) -> None:
        held = api.buy("user123", holding).body["purchaseId"]

        set_state(holding, state)

        assert api.act("confirm", "user123", holding, held).status == 200

    def test_says_the_same_after_a_cancellation(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding).body["purchaseId"]
        api.act("confirm", "user123", holding, held)
        cancel(holding, "user123", held)

        said = api.act("confirm", "user123", holding, held)

        assert (said.status, said.body["orderStatus"]) == (200, "cancelled")

    def test_is_too_late_once_the_hold_is_gone(self, api: Api, holding: Sale) -> None:
        gone = let_it_run_out(api, holding, "user123")

        for _ in range(2):
            said = api.act("confirm", "user123", holding, gone)
            assert (said.status, said.text) == (400, '{"success":false,"message":"Hold has expired","code":"gone"}')


class TestRelease:
    def test_lets_the_unit_go_and_says_the_same_again(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding).body["purchaseId"]

        for _ in range(2):
            said = api.act("release", "user123", holding, held)
            assert (said.status, said.text) == (200, '{"success":true,"message":"Released"}')

        assert api.status(holding).body["remainingStock"] == 2

    def test_lets_go_of_a_hold_that_ran_out(self, api: Api, holding: Sale) -> None:
        gone = let_it_run_out(api, holding, "user123")

        assert api.act("release", "user123", holding, gone).status == 200

    def test_says_the_same_once_another_unit_is_reserved_in_its_place(self, api: Api, holding: Sale) -> None:
        first = api.buy("user123", holding).body["purchaseId"]
        api.act("release", "user123", holding, first)
        second = api.buy("user123", holding).body["purchaseId"]

        said = {verb: api.act(verb, "user123", holding, first) for verb in ("release", "confirm", "extend")}

        assert (said["release"].status, said["release"].text) == (200, '{"success":true,"message":"Released"}')
        assert {said[verb].text for verb in ("confirm", "extend")} == {
            '{"success":false,"message":"Hold has expired","code":"gone"}'
        }
        assert api.look_up("user123", holding).body["hold"]["id"] == second

    def test_refuses_what_is_bought(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding).body["purchaseId"]
        api.act("confirm", "user123", holding, held)

        said = api.act("release", "user123", holding, held)

        assert (said.status, said.text) == (
            400, '{"success":false,"message":"Item is already purchased","code":"bought"}',
        )  # fmt: skip


class TestExtend:
    def test_moves_the_deadline_once_and_says_the_same_again(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding).body

        said = [api.act("extend", "user123", holding, held["purchaseId"]) for _ in range(2)]

        assert said[0].status == 200
        assert said[0].body["message"] == "Reserved"
        assert said[0].body["holdExpiresAt"] > held["holdExpiresAt"]
        assert said[1].body == said[0].body

    def test_is_refused_where_the_sale_has_none(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, hold_seconds=60)
        held = api.buy("user123", sale).body["purchaseId"]

        said = api.act("extend", "user123", sale, held)

        assert (said.status, said.text) == (
            400, '{"success":false,"message":"Hold cannot be extended","code":"no_extension"}',
        )  # fmt: skip

    def test_refuses_what_is_bought(self, api: Api, holding: Sale) -> None:
        held = api.buy("user123", holding).body["purchaseId"]
        api.act("confirm", "user123", holding, held)

        assert api.act("extend", "user123", holding, held).body["message"] == "Item is already purchased"

    def test_is_too_late_once_the_hold_is_gone(self, api: Api, holding: Sale) -> None:
        gone = let_it_run_out(api, holding, "user123")

        assert api.act("extend", "user123", holding, gone).body["code"] == "gone"


@pytest.mark.parametrize("verb", ["confirm", "release", "extend"])
class TestEveryAct:
    @pytest.mark.parametrize(
        "purchase_id",
        ["8c1f0a52-4f2e-4f0e-9c54-0d6a3f2b7e11", "not an id", "{}", "x" * 128, "00000000-0000-0000-0000-00000000000"],
    )
    def test_knows_no_purchase_that_is_not_there(self, api: Api, holding: Sale, verb: str, purchase_id: str) -> None:
        said = api.act(verb, "user123", holding, purchase_id)

        assert (said.status, said.text) == (404, '{"error":"Purchase not found"}')

    def test_knows_no_purchase_of_somebody_else(self, api: Api, holding: Sale, verb: str) -> None:
        held = api.buy("user123", holding).body["purchaseId"]

        assert api.act(verb, "another", holding, held).status == 404
        assert api.look_up("user123", holding).body["hold"]["id"] == held

    def test_takes_an_id_in_capitals(self, api: Api, holding: Sale, verb: str) -> None:
        held = api.buy("user123", holding).body["purchaseId"]

        assert api.act(verb, "user123", holding, held.upper()).status == 200

    def test_wants_all_three_names(self, api: Api, holding: Sale, verb: str) -> None:
        said = api.post(verb, {"userId": "user123", "flashSaleId": holding.slug})

        assert (said.status, said.text) == (400, '{"error":"userId, flashSaleId and purchaseId are required"}')

    def test_knows_no_unknown_sale(self, api: Api, db: None, verb: str) -> None:
        fields = {"userId": "user123", "flashSaleId": "unknown", "purchaseId": str(uuid4())}

        said = api.post(verb, fields)

        assert (said.status, said.text) == (400, '{"success":false,"message":"Flash sale not found"}')

    def test_refuses_wrong_types(self, api: Api, holding: Sale, verb: str) -> None:
        assert api.act(verb, "user123", holding, 7).body == {"error": "purchaseId must be text"}

    def test_answers_a_settled_sale_from_the_record(
        self, api: Api, make_sale: MakeSale, make_order: MakeOrder, verb: str
    ) -> None:
        sale = make_sale(state=SaleState.SETTLED, recorded=1, hold_seconds=60)
        order = make_order(sale, shopper=shopper("user123"))

        said = api.act(verb, "user123", sale, str(order.order_id))

        expected = {"confirm": "Purchase successful!"}.get(verb, "Item is already purchased")
        assert said.body["message"] == expected
        assert api.act(verb, "user123", sale, str(uuid4())).status == 404

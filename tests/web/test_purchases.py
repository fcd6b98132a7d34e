"""My purchases and the receipt: in the books, on the way there, cancelled, and nobody else's."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from sales.domain import references
from sales.models import Account, Order, Sale
from tests.web import shop
from tests.web.dom import parsed

pytestmark = pytest.mark.usefixtures("proven")


def record(sale: Sale, account: Account, **fields: Any) -> Order:
    order_id, at = uuid4(), datetime(2026, 11, 22, 17, 17, 32, 418_000, tzinfo=UTC)
    values = {
        "order_id": order_id,
        "reference": references.of(order_id),
        "sale": sale,
        "shopper": f"u:{account.pk}",
        "slot": 1,
        "unit": 2,
        "epoch": 1,
        "seq": 1,
        "taken_at": at,
        "bought_at": at.replace(second=40),
        "recorded_at": at.replace(second=41),
        "product_name": "Night Ferry",
        "price": 48,
        "currency": "EUR",
    }
    made: Order = Order.objects.create(**{**values, **fields})
    return made


class TestTheList:
    def test_is_for_who_is_signed_in(self):
        response = Client().get("/purchases/")

        assert (response.status_code, response.headers["Location"]) == (302, "/accounts/login/?next=/purchases/")

    def test_says_where_nothing_is(self, signed_in, early_shopper):
        assert "Nothing yet" in parsed(signed_in(early_shopper).get("/purchases/").content).text

    def test_shows_what_only_the_ledger_knows(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        text = parsed(client.get("/purchases/").content).text

        assert "Yours, being written into the shop’s books" in text
        assert "Number 1 of 3" in text

    def test_shows_a_hold_with_the_way_to_it(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        tree = parsed(client.get("/purchases/").content)

        assert "Held for you until" in tree.text
        assert f"/sales/{sale.slug}/" in [each.attrs["href"] for each in tree.id("main").tagged("a")]

    def test_shows_an_order_once_that_is_in_both(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        bought = parsed(shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))}).content)
        record(sale, early_shopper, order_id=bought.id("receipt").attrs["href"].split("/")[2], unit=1)

        tree = parsed(client.get("/purchases/").content)

        assert len(tree.classed("row")) == 1
        assert "Yours, in the shop’s books" in tree.text

    def test_shows_nothing_of_others(self, make_sale, signed_in, early_shopper, late_shopper):
        record(make_sale(), early_shopper)

        assert "Nothing yet" in parsed(signed_in(late_shopper).get("/purchases/").content).text

    def test_says_that_the_newest_may_be_missing_while_the_ledger_is_away(
        self, make_sale, signed_in, early_shopper, no_ledger
    ):
        sale = make_sale(state="published")
        record(make_sale(), early_shopper)

        text = parsed(signed_in(early_shopper).get("/purchases/").content).text

        assert sale.is_live
        assert "The newest may be missing here" in text
        assert "Yours, in the shop’s books" in text

    def test_is_kept_by_nobody(self, signed_in, early_shopper):
        assert signed_in(early_shopper).get("/purchases/").headers["Cache-Control"] == "private, no-store"


class TestTheReceipt:
    def test_has_reference_steps_and_code(self, make_sale, signed_in, early_shopper):
        order = record(make_sale(hold_seconds=60), early_shopper)

        tree = parsed(signed_in(early_shopper).get(f"/purchases/{order.order_id}/").content)

        assert references.spaced(order.reference) in tree.text
        assert "Taken for you 18:17:32.418" in tree.text
        assert "Confirmed by you 18:17:40.418" in tree.text
        assert "In the shop’s books 18:17:41.418" in tree.text
        assert tree.classed("qr")[0].tagged("path")
        assert "hx-get" not in tree.id("receipt").attrs

    def test_can_be_printed_with_a_button_that_stays_while_the_stub_is_swapped(
        self, make_sale, signed_in, early_shopper
    ):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        bought = parsed(shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))}).content)

        tree = parsed(client.get(bought.id("receipt").attrs["href"]).content)

        assert "hidden" in tree.id("print").attrs  # until the script is there that prints
        assert not tree.classed("stub")[0].has("print")
        assert "/static/print.js" in [each.attrs.get("src") for each in tree.tagged("script")]

    def test_of_what_was_bought_at_once_has_no_step_of_confirming(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        bought = parsed(shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))}).content)

        tree = parsed(client.get(bought.id("receipt").attrs["href"]).content)

        assert "Confirmed by you" not in tree.text
        assert "Being written into the shop’s books" in tree.text
        assert "hx-get" in tree.id("receipt").attrs

    def test_of_a_cancelled_order_says_why(self, make_sale, signed_in, early_shopper):
        order = record(
            make_sale(), early_shopper, state="cancelled", cancelled_at=datetime.now(UTC), cancel_reason="torn"
        )

        text = parsed(signed_in(early_shopper).get(f"/purchases/{order.order_id}/").content).text

        assert "Cancelled" in text
        assert "It says: “torn”. You owe nothing." in text

    def test_of_a_hold_is_the_sale(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)
        held = parsed(shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))}).content)

        response = client.get(f"/purchases/{shop.hold_in(held)['order']}/")

        assert (response.status_code, response.headers["Location"]) == (302, f"/sales/{sale.slug}/")

    def test_of_somebody_else_is_not_found(self, make_sale, signed_in, early_shopper, late_shopper):
        order = record(make_sale(), early_shopper)
        client = signed_in(late_shopper)

        assert client.get(f"/purchases/{order.order_id}/").status_code == 404
        assert client.get(f"/purchases/{order.order_id}/receipt").status_code == 404

    @pytest.mark.parametrize("order_id", ["11111111-1d00-4000-8000-000000000063", "nonsense", "1", "x" * 300])
    def test_of_nothing_is_not_found(self, order_id, signed_in, early_shopper):
        assert signed_in(early_shopper).get(f"/purchases/{order_id}/").status_code == 404

    def test_that_cannot_be_told_while_the_ledger_is_away_is_503(self, make_sale, signed_in, early_shopper, no_ledger):
        make_sale(state="published")

        response = signed_in(early_shopper).get(f"/purchases/{uuid4()}/")

        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")

    def test_is_only_for_who_is_signed_in(self, make_sale, early_shopper):
        order = record(make_sale(), early_shopper)

        assert Client().get(f"/purchases/{order.order_id}/").status_code == 302

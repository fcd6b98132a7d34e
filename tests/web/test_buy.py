"""Buying in a page: what each click is answered with, as a fragment and as a plain form."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from sales.live import connection, ledger
from sales.models import Order
from sales.queries import ended_sessions, snapshots
from tests.conftest import EPOCH
from tests.web import shop
from tests.web.dom import parsed

pytestmark = pytest.mark.usefixtures("proven")


def stub_of(response) -> str:
    return parsed(response.content).classed("stub")[0].text


class TestAClick:
    def test_buys_where_the_sale_has_no_hold_time(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        response = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        assert response.status_code == 200
        assert "It is yours: number 1 of 3" in stub_of(response)
        assert "Being written into the shop’s books" in stub_of(response)

    def test_holds_where_the_sale_has_one(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)

        response = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        assert response.status_code == 200
        assert "Number 1 is held for you" in stub_of(response)

    def test_twice_is_one_purchase(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, limit=2), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))

        first, second = (shop.press(client, sale, fields={"pass": written}) for _ in range(2))

        assert "number 1 of 3" in stub_of(first)
        assert "number 1 of 3" in stub_of(second)

    def test_in_a_second_tab_says_that_it_is_theirs_already(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        first, second = shop.page(client, sale), shop.page(client, sale)
        shop.press(client, sale, fields={"pass": shop.pass_in(first)})

        response = shop.press(client, sale, fields={"pass": shop.pass_in(second)})

        assert response.status_code == 409
        assert "You already have one" in stub_of(response)
        assert "See my receipt" in stub_of(response)

    def test_brings_the_pass_of_the_next_unit_where_the_limit_allows_one(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, limit=2), signed_in(early_shopper)
        first = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        second = shop.press(client, sale, fields={"pass": shop.pass_in(parsed(first.content))})
        third = shop.press(client, sale, fields={"pass": shop.pass_in(parsed(second.content))})

        assert "number 1 of 3" in stub_of(first)
        assert "Buy another" in stub_of(first)
        assert "number 2 of 3" in stub_of(second)
        assert "Buy another" not in stub_of(second)
        assert "number 2 of 3" in stub_of(third)

    def test_takes_the_focus_and_a_poll_does_not(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        clicked = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})
        polled = client.get(f"/sales/{sale.slug}/mine")

        assert "autofocus" in parsed(clicked.content).id("stub-h").attrs
        assert "autofocus" not in parsed(polled.content).id("stub-h").attrs

    def test_asks_no_database(self, make_sale, signed_in, early_shopper, django_assert_num_queries):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))
        ended_sessions.current()  # read once in a second, for all clicks

        with django_assert_num_queries(0):
            response = shop.press(client, sale, fields={"pass": written})

        assert response.status_code == 200

    @pytest.mark.parametrize("fields", [{}, {"hold_seconds": 600}], ids=["bought", "held"])
    def test_that_won_waits_for_no_numbers(self, fields, make_sale, signed_in, early_shopper, monkeypatch):
        sale, client = make_sale(published=True, **fields), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))
        snapshots.forget()
        read: list[object] = []
        monkeypatch.setattr(snapshots, "of", read.append)

        response = shop.press(client, sale, fields={"pass": written})

        assert (response.status_code, read) == (200, [])

    def test_is_kept_by_nobody(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        response = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Server-Time"].endswith("Z")


class TestAPlainForm:
    def test_is_sent_back_to_the_page_which_shows_what_is_so(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        response = shop.press(client, sale, htmx=False, fields={"pass": shop.pass_in(shop.page(client, sale))})

        assert response.status_code == 303
        assert response.headers["Location"] == f"/sales/{sale.slug}/"
        assert "It is yours: number 1 of 3" in shop.page(client, sale).text
        assert "It is yours: number 1 of 3" in shop.page(client, sale).text  # F5

    def test_that_is_refused_gets_the_page_with_the_refusal(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, opens_in=60), signed_in(early_shopper)

        response = shop.press(client, sale, htmx=False, fields={"pass": shop.pass_in(shop.page(client, sale))})
        tree = parsed(response.content)

        assert response.status_code == 409
        assert "Not open yet" in tree.text
        assert tree.id("main")
        assert shop.pass_in(tree)
        assert f"url=/sales/{sale.slug}/" in response.content.decode()  # a refresh asks for the page, and does not buy

    def test_asked_for_with_get_is_the_page(self, make_sale):
        sale = make_sale(published=True)

        response = Client().get(f"/sales/{sale.slug}/buy")

        assert (response.status_code, response.headers["Location"]) == (302, f"/sales/{sale.slug}/")


class TestWithoutTheLedger:
    def test_a_click_is_not_taken_and_is_asked_again_with_the_same_pass(
        self, make_sale, signed_in, early_shopper, no_ledger
    ):
        with_ledger = make_sale()
        with_ledger.state = "published"
        with_ledger.save()
        client = signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, with_ledger))

        response = shop.press(client, with_ledger, fields={"pass": written})
        again = parsed(response.content).id("again")

        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert "Your click was not taken. We ask again by ourselves in 5 seconds." in stub_of(response)
        assert {f.attrs["name"]: f.attrs["value"] for f in again.tagged("input")} == {"pass": written}
        assert "load delay:" in again.attrs["hx-trigger"]

    def test_a_page_opens_and_says_that_it_cannot_see_the_stock(self, make_sale, client: Client, no_ledger):
        sale = make_sale()
        sale.state = "published"
        sale.save()

        tree = shop.page(client, sale)

        assert "We cannot see the stock right now" in tree.text
        assert "hx-get" in tree.id("panel").attrs

    def test_an_upcoming_sale_still_counts_down(self, make_sale, client: Client, no_ledger):
        sale = make_sale(opens_in=600)
        sale.state = "published"
        sale.save()

        assert "Opens in" in shop.page(client, sale).id("panel").text


class TestACancelledOrder:
    def test_is_told_with_its_reason(self, make_sale, signed_in, early_shopper, settings):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        now = datetime.now(UTC)
        bought = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})
        order_id = parsed(bought.content).id("receipt").attrs["href"].split("/")[2]
        Order.objects.create(
            order_id=order_id,
            reference="00000000",
            sale=sale,
            shopper=f"u:{early_shopper.pk}",
            slot=1,
            unit=1,
            epoch=1,
            seq=1,
            taken_at=now,
            bought_at=now,
            recorded_at=now,
            product_name="Night Ferry",
            price=48,
            currency="EUR",
            state="cancelled",
            cancelled_at=now + timedelta(seconds=1),
            cancel_reason="print damaged in the press",
        )
        connection.run(
            ledger.cancel(sale=sale.pk, epoch=EPOCH, shopper=f"u:{early_shopper.pk}", slot=1, order_id=UUID(order_id))
        )

        stub = shop.page(client, sale).id("mine").text

        assert "Cancelled" in stub
        assert "print damaged in the press" in stub
        assert "Back to the sale" in stub

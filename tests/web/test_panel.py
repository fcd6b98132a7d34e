"""The public stub that every open page polls."""

import re
from dataclasses import replace

import pytest
from django.test import Client

from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.queries import snapshots
from tests.conftest import EPOCH
from tests.web import shop
from tests.web.dom import parsed

pytestmark = pytest.mark.usefixtures("proven")


def panel(client: Client, sale, **headers: str):
    return client.get(f"/sales/{sale.slug}/panel", headers=headers)


class TestThePanel:
    def test_asks_again_by_itself_as_an_element_that_is_replaced(self, make_sale, client: Client):
        stub = parsed(panel(client, make_sale(published=True)).content).id("panel")

        assert stub.attrs["hx-swap"] == "outerHTML"
        assert re.fullmatch(r"load delay:\d+ms, wake", stub.attrs["hx-trigger"])
        assert stub.attrs["hx-get"].endswith("/panel")

    def test_draws_another_delay_each_time(self, make_sale, client: Client):
        sale = make_sale(published=True)

        delays = {parsed(panel(client, sale).content).id("panel").attrs["data-delay"] for _ in range(10)}

        assert len(delays) > 5

    def test_does_not_ask_again_once_the_sale_is_over(self, make_sale, client: Client):
        stub = parsed(panel(client, make_sale(published=True, opens_in=-120, closes_in=-60)).content).id("panel")

        assert not [name for name in stub.attrs if name.startswith("hx-") or name == "data-delay"]
        assert "This sale is over" in stub.text

    def test_is_the_same_for_everybody_and_sets_no_cookie(self, make_sale, signed_in, early_shopper):
        sale = make_sale(published=True, opens_in=1_800)

        personal, public = panel(signed_in(early_shopper), sale), panel(Client(), sale)

        assert personal.headers["ETag"] == public.headers["ETag"]
        assert b"early@example.org" not in personal.content
        assert b'name="pass"' not in personal.content
        assert "Cookie" not in public.headers.get("Vary", "")
        assert not public.cookies
        assert public.headers["Cache-Control"] == "public, no-cache"

    def test_asks_no_session(self, make_sale, signed_in, early_shopper, django_assert_num_queries):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        panel(client, sale)

        with django_assert_num_queries(0):
            assert panel(client, sale).status_code == 200


class TestNothingNew:
    def test_is_said_with_304_and_the_time(self, make_sale, client: Client):
        sale = make_sale(published=True)
        etag = panel(client, sale).headers["ETag"]

        response = panel(client, sale, **{"If-None-Match": etag})

        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == etag
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", response.headers["X-Server-Time"])
        assert response.headers["Cache-Control"] == "public, no-cache"

    def test_is_not_said_once_a_unit_went(self, make_sale, signed_in, early_shopper, settings):
        settings.SALES = replace(settings.SALES, snapshot_max_age_ms=0)
        sale, client = make_sale(published=True), signed_in(early_shopper)
        before = panel(client, sale)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        after = panel(client, sale, **{"If-None-Match": before.headers["ETag"]})

        assert "3 of 3 left" in parsed(before.content).text
        assert after.status_code == 200
        assert "2 of 3 left" in parsed(after.content).text

    def test_is_not_said_once_the_step_of_the_delay_is_another(self, make_sale, client: Client):
        far, near = make_sale(published=True, opens_in=1_200), make_sale(published=True, opens_in=20)

        assert panel(client, far).headers["ETag"] != panel(client, near).headers["ETag"]

    def test_is_not_said_to_an_old_etag(self, make_sale, client: Client):
        assert panel(client, make_sale(published=True), **{"If-None-Match": '"old"'}).status_code == 200


class TestEachState:
    def test_upcoming_far_is_a_date(self, make_sale, client: Client):
        stub = parsed(panel(client, make_sale(published=True, opens_in=432_100, closes_in=440_000)).content).id("panel")

        assert "Opens in 5 days" in stub.text
        assert stub.attrs["data-state"] == "upcoming"
        assert not stub.classed("count")

    def test_upcoming_near_is_a_clock_without_a_live_region(self, make_sale, client: Client):
        stub = parsed(panel(client, make_sale(published=True, opens_in=300)).content).id("panel")
        [count] = stub.classed("count")

        assert count.attrs["role"] == "timer"
        assert "aria-live" not in count.attrs
        assert [each.text for each in count.tagged("small")] == ["hours", "minutes", "seconds"]
        assert not stub.has("buy-button")

    def test_live_has_the_button_that_is_right_for_all(self, make_sale, client: Client):
        stub = parsed(panel(client, make_sale(published=True)).content).id("panel")

        assert stub.id("buy-button").attrs["form"] == "buy"
        assert "Buy one for €48.00" in stub.text
        assert "3 left 0 held 0 sold" in stub.text

    def test_paused(self, make_sale, client: Client):
        sale = make_sale(published=True)
        connection.run(ledger.set_state(sale=sale.pk, epoch=EPOCH, state=LedgerState.PAUSED, number=2))
        snapshots.forget()

        stub = parsed(panel(client, sale).content).id("panel")

        assert "Paused by the shop" in stub.text
        assert "3 of 3 are left" in stub.text
        assert not stub.has("buy-button")

    @pytest.mark.parametrize(
        ("hold_seconds", "sentence"),
        [
            (600, "1 is held by somebody who has not confirmed yet."),
            (0, "Nothing is held, so nothing will come back unless the shop adds some."),
        ],
    )
    def test_sold_out(self, hold_seconds, sentence, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, stock=1, hold_seconds=hold_seconds), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})
        snapshots.forget()

        stub = parsed(panel(Client(), sale).content).id("panel")

        assert "Sold out" in stub.text
        assert "All 1 went in" in stub.text
        assert sentence in stub.text
        assert "hx-get" in stub.attrs

    def test_settled_is_answered_from_the_record(self, make_sale, client: Client):
        sale = make_sale(opens_in=-120, closes_in=-60)
        sale.state = "settled"
        sale.save()

        stub = parsed(panel(client, sale).content).id("panel")

        assert "This sale is over" in stub.text
        assert "hx-get" not in stub.attrs

    def test_a_draft_is_no_sale(self, make_sale, client: Client):
        assert panel(client, make_sale()).status_code == 404

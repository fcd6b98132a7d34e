"""Times in the visitor's own zone, beside the shop's; and the data for search engines, which the policy lets be."""

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.shop import PHONE, Shop

BROKEN = (
    "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective));"
)


@pytest.fixture
def shown(shop: Shop, chromium: Browser, zone: str) -> Page:
    """The page of a sale that opens in ten minutes, for a visitor who lives in this zone."""
    context = chromium.new_context(timezone_id=zone, locale="en-GB")
    page = context.new_page()
    page.add_init_script(BROKEN)
    page.goto(shop.sale(opens_in=600))
    return page


class TestTimes:
    @pytest.mark.parametrize("zone", ["Asia/Tokyo"])
    def test_are_told_in_the_visitors_zone_too_and_stay_so_when_the_stub_is_polled(self, shown: Page) -> None:
        beside = shown.locator("#panel time[data-shop] + .fine")
        expect(beside).to_contain_text("GMT+9 where you are)")

        with shown.expect_response(lambda answer: answer.url.endswith("/panel")):
            shown.evaluate("htmx.trigger('.stub', 'wake')")

        expect(beside).to_have_count(1)
        expect(shown.locator(".facts time[data-shop] + .fine")).to_have_count(2)
        shown.context.close()

    def test_stand_in_one_or_two_lines_in_the_list_too(self, shop: Shop) -> None:
        with shop.visitor(signed_in=False, size=PHONE, timezone_id="Asia/Tokyo") as context:
            page = context.new_page()
            page.goto(shop.url)
            beside = page.locator(".row .state time[data-shop] + .fine").first

            box, height = beside.bounding_box(), beside.evaluate("e => parseFloat(getComputedStyle(e).lineHeight)")

            assert box
            assert box["height"] <= 2 * height

    @pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Paris"])
    def test_are_not_told_twice_where_both_are_the_same(self, shown: Page) -> None:
        shown.wait_for_function("document.querySelector('#panel time[data-shop]').dataset.own")

        expect(shown.locator("time[data-shop] + .fine")).to_have_count(0)
        shown.context.close()


class TestTheData:
    @pytest.mark.parametrize("zone", ["UTC"])
    def test_are_there_to_be_read_and_break_no_policy(self, shown: Page) -> None:
        written = shown.locator("script[type='application/ld+json']").text_content()

        assert json.loads(written or "")["offers"]["@type"] == "Offer"
        assert shown.evaluate("window.broken") == []
        shown.context.close()

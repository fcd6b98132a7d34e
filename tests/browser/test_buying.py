"""Buying in a page with JavaScript: one click is one unit, whatever the browser, the network or the shopper does."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.shop import Shop, left_of, seen

MINE = re.compile(r"It is yours: number \d+ of 20")


def refuse(route: Route) -> None:
    route.abort()


def bought(tab: Page, sale: str) -> str:
    """Buy one, and return its reference."""
    seen(tab, sale)
    tab.locator("#buy-button").click()
    expect(tab.locator("#stub-h")).to_have_text(MINE)
    return tab.locator(".ref").inner_text()


class TestAClick:
    def test_buys_one_and_the_answer_takes_the_focus(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()

        bought(page_of_somebody, sale)

        expect(page_of_somebody.locator("#stub-h")).to_be_focused()
        assert left_of(shop, sale) == 19

    def test_made_twice_buys_one(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(limit=2)
        seen(page_of_somebody, sale)

        page_of_somebody.locator("#buy-button").dblclick()

        expect(page_of_somebody.locator("#stub-h")).to_have_text(MINE)
        expect(page_of_somebody.locator("#another")).to_be_visible()
        assert left_of(shop, sale) == 19

    def test_in_each_of_two_tabs_buys_one(self, shop: Shop, somebody: BrowserContext) -> None:
        sale = shop.sale()
        second = somebody.new_page()
        seen(second, sale)
        second.route("**/panel", refuse)  # it still shows the button when that is pressed
        reference = bought(somebody.new_page(), sale)

        second.locator("#buy-button").click()

        expect(second.locator("#stub-h")).to_be_focused()
        second.locator("#receipt").click()
        expect(second.locator(".ref")).to_have_text(reference)
        assert left_of(shop, sale) == 19

    def test_may_be_followed_by_another_where_the_sale_allows_it(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(limit=2)
        bought(page_of_somebody, sale)

        page_of_somebody.locator("#another").click()
        page_of_somebody.locator("#buy-button").click()

        expect(page_of_somebody.locator("#stub-h")).to_have_text("It is yours: number 2 of 20")
        expect(page_of_somebody.locator("#another")).to_have_count(0)

    def test_that_comes_too_late_is_told_both_times(self, shop: Shop, somebody: BrowserContext) -> None:
        sale = shop.sale(stock=1)
        with shop.visitor() as late:
            slow = late.new_page()
            seen(slow, sale)
            slow.route("**/panel", refuse)
            quick = somebody.new_page()
            seen(quick, sale)
            quick.locator("#buy-button").click()
            expect(quick.locator("#stub-h")).to_have_text("It is yours: number 1 of 1")

            slow.locator("#buy-button").click()

            expect(slow.locator(".note h3")).to_have_text("Sold out")
            times = re.findall(r"\d\d:\d\d:\d\d\.\d\d\d", slow.locator(".note p").inner_text())
            assert len(times) == 2
            assert times[0] < times[1]
            expect(slow.locator("#stub-h")).to_be_focused()


class TestThePurchase:
    def test_is_on_the_page_after_f5_and_after_the_back_button(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()
        reference = bought(page_of_somebody, sale)

        page_of_somebody.reload()
        expect(page_of_somebody.locator(".ref")).to_have_text(reference)
        page_of_somebody.locator("#receipt").click()
        expect(page_of_somebody.locator(".qr")).to_be_visible()
        expect(page_of_somebody.locator("#print")).to_be_visible()
        page_of_somebody.go_back()

        expect(page_of_somebody.locator(".ref")).to_have_text(reference)
        assert left_of(shop, sale) == 19

    def test_is_found_by_the_page_itself_where_the_answer_was_lost(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(limit=2)
        lost: list[int] = []

        def lose_the_first(route: Route) -> None:
            if lost:
                route.continue_()
                return
            lost.append(route.fetch().status)  # the shop has it; the page does not know
            route.abort()

        page_of_somebody.route("**/buy", lose_the_first)
        seen(page_of_somebody, sale)
        page_of_somebody.locator("#buy-button").click()

        expect(page_of_somebody.locator("#stub-h")).to_have_text(MINE)
        assert lost == [200]
        assert left_of(shop, sale) == 19

    def test_is_there_for_who_reloads_after_the_answer_was_lost(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()
        lost: list[int] = []

        def lose(route: Route) -> None:
            lost.append(route.fetch().status)
            route.abort()

        page_of_somebody.route("**/buy", lose, times=1)
        seen(page_of_somebody, sale)
        with page_of_somebody.expect_event("requestfailed", lambda request: request.url.endswith("/buy")):
            page_of_somebody.locator("#buy-button").click()
        page_of_somebody.reload()

        expect(page_of_somebody.locator("#stub-h")).to_have_text(MINE)
        assert left_of(shop, sale) == 19

    def test_comes_into_the_books_while_the_page_is_open(self, shop: Shop, page_of_somebody: Page) -> None:
        bought(page_of_somebody, shop.sale())

        expect(page_of_somebody.locator(".steps")).to_contain_text("In the shop\N{RIGHT SINGLE QUOTATION MARK}s books")


class TestThePage:
    @pytest.mark.campaign  # it waits a paused page's delays
    def test_follows_the_shop_when_it_pauses_goes_on_and_closes(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()
        heading = page_of_somebody.locator("#stub-h")
        seen(page_of_somebody, sale)

        for verb, told in (("pause", "Paused by the shop"), ("resume", "On sale now"), ("close", "This sale is over")):
            shop.act(sale, verb)

            expect(heading).to_have_text(told)

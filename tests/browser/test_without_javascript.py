"""Buying in a page whose scripts never run: plain forms, whole pages, and nothing that needs more."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, left_of, seen


@pytest.fixture
def tab(shop: Shop) -> Iterator[Page]:
    """The tab of somebody whose browser runs no scripts."""
    with shop.visitor(java_script_enabled=False) as context:
        yield context.new_page()


def bought_by_another(shop: Shop, sale: str) -> None:
    with shop.visitor(java_script_enabled=False) as context:
        other = context.new_page()
        seen(other, sale)
        other.locator("#buy-button").click()
        other.locator("#mine").wait_for()


class TestWithoutJavaScript:
    def test_a_click_buys_and_f5_repeats_nothing(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale(limit=2)
        seen(tab, sale)

        tab.locator("#buy-button").click()
        expect(tab.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")
        tab.reload()
        expect(tab.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")
        tab.locator("#receipt").click()

        expect(tab.locator(".qr")).to_be_visible()
        expect(tab.locator("#print")).to_be_hidden()  # it would do nothing
        assert left_of(shop, sale) == 19

    def test_a_hold_is_confirmed(self, shop: Shop, tab: Page) -> None:
        seen(tab, shop.sale(hold_seconds=600))
        tab.locator("#buy-button").click()
        expect(tab.locator("#stub-h")).to_have_text("Number 1 is held for you")

        tab.locator("#confirm").click()

        expect(tab.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")

    def test_a_hold_is_let_go_and_sold_to_another(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale(stock=1, hold_seconds=600)
        seen(tab, sale)
        tab.locator("#buy-button").click()

        tab.locator("#let-go").click()
        left_of(shop, sale)

        bought_by_another(shop, sale)
        seen(tab, f"{sale}?more")
        expect(tab.locator("#stub-h")).to_have_text("Sold out")

    def test_the_page_asks_anew_by_itself(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale(stock=1)
        seen(tab, sale)
        bought_by_another(shop, sale)

        expect(tab.locator("#stub-h")).to_have_text("Sold out")

    def test_somebody_without_an_account_is_led_to_sign_in_and_back(self, shop: Shop) -> None:
        sale = shop.sale()
        with shop.visitor(java_script_enabled=False, signed_in=False) as context:
            tab = context.new_page()
            seen(tab, sale)
            tab.locator("#buy-button").click()
            tab.get_by_role("link", name="Sign up").first.click()
            tab.get_by_label(re.compile("E-?mail")).fill("no.script@example.org")
            tab.get_by_label("Password").fill("harbour lights at seven")
            tab.get_by_role("button", name="Sign up").click()

            expect(tab).to_have_url(sale)
            expect(tab.locator("#buy-button")).to_be_visible()


class TestARefusalWithoutJavaScript:
    """Each is a whole page of its own, with its sentence, and the sale around it."""

    def refused(self, tab: Page, *, status: int, says: str) -> None:
        with tab.expect_navigation() as answered:
            tab.locator("#buy-button").click()
        assert answered.value.status == status
        expect(tab.locator(".note h3")).to_have_text(says)
        expect(tab.locator("h1")).to_be_visible()

    def test_says_sold_out(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale(stock=1)
        seen(tab, sale)
        bought_by_another(shop, sale)

        self.refused(tab, status=409, says="Sold out")

    def test_says_paused(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale()
        seen(tab, sale)
        shop.act(sale, "pause")

        self.refused(tab, status=409, says="Paused by the shop")

    def test_says_over(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale()
        seen(tab, sale)
        shop.act(sale, "close")

        self.refused(tab, status=409, says="This sale is over")

    def test_says_that_one_is_yours_already(self, shop: Shop, tab: Page) -> None:
        sale = shop.sale()
        seen(tab, sale)
        second = tab.context.new_page()
        seen(second, f"{sale}?more")
        tab.locator("#buy-button").click()
        expect(tab.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")

        with second.expect_navigation():
            second.locator("#buy-button").click()

        assert left_of(shop, sale) == 19
        expect(second.locator("#receipt")).to_be_visible()

"""Holds in a page: confirm, let go, get more time once, run out of it."""

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.shop import Shop, left_of, seen


def held(tab: Page, sale: str) -> None:
    seen(tab, sale)
    tab.locator("#buy-button").click()
    expect(tab.locator("#stub-h")).to_have_text("Number 1 is held for you")


class TestAHold:
    def test_is_confirmed(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(hold_seconds=600)
        held(page_of_somebody, sale)
        expect(page_of_somebody.locator("#stub-h")).to_be_focused()

        page_of_somebody.locator("#confirm").click()

        expect(page_of_somebody.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")
        expect(page_of_somebody.locator("#stub-h")).to_be_focused()
        expect(page_of_somebody.locator(".steps")).to_contain_text("Confirmed by you")

    def test_that_is_let_go_is_sold_to_another(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(stock=1, hold_seconds=600)
        held(page_of_somebody, sale)
        with shop.visitor() as other:
            waiting = other.new_page()
            seen(waiting, sale)
            expect(waiting.locator("#stub-h")).to_have_text("Sold out")
            expect(waiting.locator(".key")).to_contain_text("1 held")

            page_of_somebody.locator("#let-go").click()
            expect(page_of_somebody.locator(".note h3")).to_have_text("You let it go")
            expect(page_of_somebody.locator("#stub-h")).to_be_focused()
            waiting.locator("#buy-button").click()  # it comes back by itself
            waiting.locator("#confirm").click()

            expect(waiting.locator("#stub-h")).to_have_text("It is yours: number 1 of 1")

    def test_is_extended_once_in_its_last_two_minutes(self, shop: Shop, page_of_somebody: Page) -> None:
        held(page_of_somebody, shop.sale(hold_seconds=100, hold_extension_seconds=300))
        expect(page_of_somebody.get_by_text("Less than two minutes left.")).to_be_visible()

        page_of_somebody.get_by_role("button", name="Give me 5 minutes more, once").click()

        expect(page_of_somebody.locator(".count b").first).to_have_text("06")
        expect(page_of_somebody.locator("#extend")).to_have_count(0)

    def test_that_runs_out_says_so_by_itself_and_the_unit_is_on_sale(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(hold_seconds=2)
        held(page_of_somebody, sale)

        expect(page_of_somebody.locator(".note h3")).to_have_text("Your time ran out")
        expect(page_of_somebody.locator("#buy-button")).to_be_visible()
        assert left_of(shop, sale) == 20

    def test_confirmed_in_one_tab_and_let_go_in_another_is_bought(self, shop: Shop, somebody: BrowserContext) -> None:
        sale = shop.sale(hold_seconds=600)
        first, second = somebody.new_page(), somebody.new_page()
        held(first, sale)
        seen(second, sale)
        first.locator("#confirm").click()
        expect(first.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")

        second.locator("#let-go").click()

        expect(second.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")

    def test_whose_confirmation_was_answered_into_the_void_is_found_bought(
        self, shop: Shop, page_of_somebody: Page
    ) -> None:
        sale, lost = shop.sale(hold_seconds=600), []

        def lose(route: Route) -> None:
            lost.append(route.fetch().status)
            route.abort()

        held(page_of_somebody, sale)
        page_of_somebody.route("**/confirm", lose, times=1)
        page_of_somebody.locator("#confirm").click()

        expect(page_of_somebody.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")
        assert lost == [200]

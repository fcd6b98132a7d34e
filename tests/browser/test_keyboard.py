"""A purchase with the keyboard alone; and the focus, which stays where it was when a part of the page changes."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, seen

MOST_TABS = 40
FOCUSABLE = "a[href], button, input:not([type=hidden]), summary, select, textarea, [tabindex]"

LET_GO_AFTER_THE_NEXT_SWAP = """() => {
    window.stayed = true;
    const clicks = () => setTimeout(() => document.getElementById("let-go").click());
    document.addEventListener("htmx:afterSwap", clicks, {once: true});
    htmx.trigger(".stub", "wake");
}"""


def tab_to(page: Page, element_id: str) -> None:
    """Press Tab until the focus is there, and is seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == element_id:
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring == "solid", f"{element_id} has the focus, and nobody sees it"
            return
    raise AssertionError(f"{element_id} is not reached by Tab")


class TestTheKeyboardAlone:
    def test_buys_and_opens_the_receipt(self, shop: Shop, page_of_somebody: Page) -> None:
        seen(page_of_somebody, shop.sale())

        tab_to(page_of_somebody, "buy-button")
        page_of_somebody.keyboard.press("Enter")
        expect(page_of_somebody.locator("#stub-h")).to_be_focused()
        expect(page_of_somebody.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")
        page_of_somebody.keyboard.press("Tab")
        expect(page_of_somebody.locator("#receipt")).to_be_focused()  # the next thing after the answer
        page_of_somebody.keyboard.press("Enter")

        expect(page_of_somebody.locator(".qr")).to_be_visible()

    def test_holds_confirms_and_lets_go(self, shop: Shop, page_of_somebody: Page) -> None:
        for last, told in (("confirm", "It is yours: number 1 of 20"), ("let-go", "On sale now")):
            seen(page_of_somebody, shop.sale(hold_seconds=600))
            tab_to(page_of_somebody, "buy-button")
            page_of_somebody.keyboard.press("Enter")
            expect(page_of_somebody.locator("#stub-h")).to_have_text("Number 1 is held for you")
            expect(page_of_somebody.locator("#stub-h")).to_be_focused()

            tab_to(page_of_somebody, last)
            page_of_somebody.keyboard.press("Enter")

            expect(page_of_somebody.locator("#stub-h")).to_have_text(told)
            expect(page_of_somebody.locator("#stub-h")).to_be_focused()

    def test_skips_to_the_content(self, shop: Shop, page_of_somebody: Page) -> None:
        seen(page_of_somebody, shop.sale())

        page_of_somebody.keyboard.press("Tab")
        page_of_somebody.keyboard.press("Enter")

        expect(page_of_somebody.locator("#main")).to_be_focused()


class TestTheFocus:
    def test_stays_on_the_button_when_the_stub_around_it_is_swapped(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()
        seen(page_of_somebody, sale)
        tab_to(page_of_somebody, "buy-button")
        shop.buy(sale, shopper="other")

        expect(page_of_somebody.locator(".left b")).to_have_text("19")

        expect(page_of_somebody.locator("#buy-button")).to_be_focused()

    def test_is_not_taken_from_elsewhere_by_a_poll(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()
        seen(page_of_somebody, sale)
        page_of_somebody.locator(".brand").focus()
        shop.buy(sale, shopper="other")

        expect(page_of_somebody.locator(".left b")).to_have_text("19")

        expect(page_of_somebody.locator(".brand")).to_be_focused()

    def test_is_not_lost_by_a_click_the_moment_after_a_swap(self, shop: Shop, page_of_somebody: Page) -> None:
        """What is swapped in is htmx's at once: else the form would be sent as without JavaScript, and the page go."""
        seen(page_of_somebody, shop.sale(hold_seconds=600))
        page_of_somebody.locator("#buy-button").click()
        page_of_somebody.locator("#let-go").wait_for()

        page_of_somebody.evaluate(LET_GO_AFTER_THE_NEXT_SWAP)

        expect(page_of_somebody.locator("#stub-h")).to_have_text("On sale now")
        expect(page_of_somebody.locator("#stub-h")).to_be_focused()
        assert page_of_somebody.evaluate("window.stayed")

    @pytest.mark.parametrize("hold_seconds", [0, 600])
    def test_could_be_kept_on_anything_in_a_stub(self, hold_seconds: int, shop: Shop, page_of_somebody: Page) -> None:
        """htmx gives the focus back only to what has an id."""
        nameless = f"[...document.querySelectorAll('.stub :is({FOCUSABLE})')].filter(e => !e.id).map(e => e.outerHTML)"
        seen(page_of_somebody, shop.sale(hold_seconds=hold_seconds))

        assert page_of_somebody.evaluate(nameless) == []
        page_of_somebody.locator("#buy-button").click()
        page_of_somebody.locator("#mine").wait_for()
        assert page_of_somebody.evaluate(nameless) == []

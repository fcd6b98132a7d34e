"""Pages in a language that is written from right to left: mirrored as a whole, and nothing sticks out.

Arabic stands for all of them: Django and the accounts' library know its words, and our own texts stay English in it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sales.web.states import STATES
from tests.browser.shop import DESKTOP, PHONE, Shop, seen

PAGES = ("/", "/nothing-here/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/states/")
OWN_PAGES = ("/purchases/", "/account/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/")
# Of each pair the first is read first, so it stands at the left from left to right, and at the right otherwise.
READ_IN_ORDER = {
    "/states/held/": ((".brand", ".top nav"), ("#stub-h .i", "#stub-h"), (".facts dt", ".facts dd")),
    "/states/near/": ((".count span:first-child", ".count span:last-child"), (".foot span", ".foot form")),
    "/states/refused-sold-out/": ((".note > .i", ".note > h3"), (".key li:first-child", ".key li:nth-child(2)")),
    "/states/bought-recorded/": ((".steps .i", ".steps time"),),
}
READ_IN_ORDER_ON_DESKTOP = {"/states/live/": ((".art", ".face"), (".art", ".stub"), (".left b", ".left span"))}
STICKS_OUT = """() => [...document.querySelectorAll('body *')].filter(e => {
  const {left, right, width} = e.getBoundingClientRect();
  return width > 1 && !e.closest('.skip, .sr, svg') && (left < -1 || right > innerWidth + 1);
}).map(e => e.outerHTML.slice(0, 120))"""
STARTS_OF = """([first, second, toLeft]) => [first, second].map(selector => {
  const all = [...document.querySelectorAll(selector)], {left, right} = all[0].getBoundingClientRect();
  return toLeft ? -right : left;
})"""


@pytest.fixture(params=["phone", "desktop"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return {"phone": PHONE, "desktop": DESKTOP}[request.param]


@pytest.fixture
def arabic(shop: Shop, size: tuple[int, int]) -> Iterator[Page]:
    """The tab of somebody who reads Arabic, with an account."""
    with shop.visitor(size=size, locale="ar") as context:
        yield context.new_page()


def stands_first(tab: Page, first: str, second: str, *, to_left: bool) -> bool:
    """Whether the first begins no later than the second, in the direction of reading."""
    starts: list[float] = tab.evaluate(STARTS_OF, [first, second, to_left])
    return starts[0] <= starts[1]


def overflow(tab: Page) -> list[Any]:
    """Return what is wider than the screen."""
    too_wide = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    sticking: list[Any] = tab.evaluate(STICKS_OUT)
    return sticking + ([f"{too_wide} px too wide"] if too_wide > 0 else [])


class TestFromRightToLeft:
    @pytest.mark.parametrize("size", [PHONE, pytest.param(DESKTOP, marks=pytest.mark.campaign)], ids=str)
    def test_nothing_sticks_out_of_any_state_or_page(self, shop: Shop, arabic: Page) -> None:
        for path in (*(f"/states/{name}/" for name in STATES), *PAGES, *OWN_PAGES):
            seen(arabic, shop.url + path)

            assert arabic.evaluate("document.dir") == "rtl"
            assert overflow(arabic) == [], path

    def test_what_is_read_first_stands_at_the_right(self, shop: Shop, arabic: Page, size: tuple[int, int]) -> None:
        in_order = READ_IN_ORDER | (READ_IN_ORDER_ON_DESKTOP if size == DESKTOP else {})
        for path, pairs in in_order.items():
            seen(arabic, shop.url + path)
            for first, second in pairs:
                assert stands_first(arabic, first, second, to_left=True), f"{path}: {first} before {second}"

    def test_the_bar_is_mirrored(self, shop: Shop, arabic: Page) -> None:
        seen(arabic, f"{shop.url}/states/live/")

        left, all_of_it = (arabic.locator(f".bar .{part}").bounding_box() for part in ("b1", "b0"))

        assert left
        assert all_of_it
        assert left["x"] + left["width"] == pytest.approx(all_of_it["x"] + all_of_it["width"], abs=1)
        assert left["x"] > all_of_it["x"] + 10

    def test_a_unit_is_bought_and_its_reference_reads_as_it_is_said(self, shop: Shop, arabic: Page) -> None:
        seen(arabic, shop.sale())
        arabic.locator("#buy-button").click()
        expect(arabic.locator("#stub-h")).to_have_text("It is yours: number 1 of 20")
        expect(arabic.locator("#stub-h")).to_be_focused()

        # Digits beside digits are where a reference without a direction of its own would be turned round.
        halves: list[float] = arabic.locator(".ref").evaluate("""ref => {
          const text = document.createTreeWalker(ref, NodeFilter.SHOW_TEXT).nextNode();
          text.data = '1234 5ABC';
          return [0, 5].map(at => {
            const range = document.createRange();
            range.setStart(text, at);
            range.setEnd(text, at + 1);
            return range.getBoundingClientRect().left;
          });
        }""")

        assert halves[0] < halves[1]
        assert overflow(arabic) == []


class TestFromLeftToRight:
    """The twin: the same pages in English stand the other way round, so the measure tells the two apart."""

    def test_what_is_read_first_stands_at_the_left(self, shop: Shop, page_of_somebody: Page) -> None:
        for path, pairs in (READ_IN_ORDER | READ_IN_ORDER_ON_DESKTOP).items():
            seen(page_of_somebody, shop.url + path)
            for first, second in pairs:
                assert stands_first(page_of_somebody, first, second, to_left=False), f"{path}: {first} before {second}"
                assert not stands_first(page_of_somebody, first, second, to_left=True), f"{path}: {first}, {second}"

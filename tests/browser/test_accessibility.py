"""axe-core finds nothing on any page, in any state, on phone and desktop, light and dark; no policy is broken."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from sales.web import guide
from sales.web.states import STATES
from tests.browser.shop import DESKTOP, NOTE_WHAT_BREAKS_THE_POLICY, PHONE, Shop, seen

RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
LOOKS: dict[str, dict[str, Any]] = {
    "phone-light": {"size": PHONE, "color_scheme": "light"},
    "desktop-dark": {"size": DESKTOP, "color_scheme": "dark"},
    "phone-dark": {"size": PHONE, "color_scheme": "dark"},
    "desktop-light": {"size": DESKTOP, "color_scheme": "light"},
}
# Each run looks at each page once, in one of two looks that differ in both; the campaign looks at all in all four.
EVERY_RUN = ("phone-light", "desktop-dark")
PAGES = (
    *(f"/states/{name}/" for name in (*STATES, *guide.PAGES)),
    "/", "/states/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/",
)  # fmt: skip
OWN_PAGES = (
    "/account/", "/purchases/", "/accounts/email/", "/accounts/password/change/", "/accounts/logout/", "/accounts/2fa/",
)  # fmt: skip


def barriers(page: Page) -> list[str]:
    """Return what axe finds: the rule, and where."""
    found: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def looked_at(*, now: Callable[[str], bool]) -> list[Any]:
    """Return the looks, with those that are not for every run marked for the campaign."""
    return [pytest.param(look, marks=() if now(look) else pytest.mark.campaign) for look in LOOKS]


PAGES_IN_LOOKS = [
    pytest.param(page, *look.values, marks=look.marks)
    for number, page in enumerate(PAGES)
    for look in looked_at(now=EVERY_RUN[number % 2].__eq__)
]


@pytest.fixture(scope="module")
def tabs(shop: Shop) -> Iterator[dict[str, Page]]:
    """A tab of each look."""
    with ExitStack() as open_now:
        visitors = {look: shop.visitor(signed_in=False, **options) for look, options in LOOKS.items()}
        made = {look: open_now.enter_context(visitor).new_page() for look, visitor in visitors.items()}
        for tab in made.values():
            tab.add_init_script(NOTE_WHAT_BREAKS_THE_POLICY)
        yield made


class TestAxeFindsNothing:
    @pytest.mark.parametrize(("page", "look"), PAGES_IN_LOOKS)
    def test_on_a_page_for_everybody(self, page: str, look: str, shop: Shop, tabs: dict[str, Page]) -> None:
        seen(tabs[look], shop.url + page)

        assert barriers(tabs[look]) == []
        assert tabs[look].evaluate("window.broken") == []

    @pytest.mark.parametrize("look", looked_at(now="phone-light".__eq__))
    def test_on_the_pages_of_somebody_who_bought_and_somebody_who_holds(self, look: str, shop: Shop) -> None:
        bought, held = shop.sale(), shop.sale(hold_seconds=600)
        with shop.visitor(**LOOKS[look]) as context:
            tab = context.new_page()
            for sale in (held, bought):
                seen(tab, sale)
                tab.locator("#buy-button").click()
                tab.locator("#mine").wait_for()

                assert barriers(tab) == [], sale
            tab.locator("#receipt").click()
            tab.locator(".qr").wait_for()

            assert barriers(tab) == [], "receipt"
            for path in OWN_PAGES:
                seen(tab, shop.url + path)

                assert barriers(tab) == [], path

    @pytest.mark.campaign
    @pytest.mark.parametrize("look", LOOKS)
    @pytest.mark.parametrize("signed_in", [True, False])
    def test_on_every_page_of_an_account(self, signed_in: bool, look: str, shop: Shop) -> None:
        with shop.visitor(signed_in=signed_in, is_verified=signed_in, **LOOKS[look]) as context:
            tab = context.new_page()
            for path in guide.accounts().values():
                seen(tab, shop.url + path)

                assert barriers(tab) == [], path

    @pytest.mark.parametrize("look", looked_at(now="desktop-dark".__eq__))
    def test_while_staff_set_up_a_second_factor(self, look: str, shop: Shop) -> None:
        with shop.visitor(staff=True, is_verified=True, **LOOKS[look]) as context:
            tab = context.new_page()
            seen(tab, f"{shop.url}/accounts/2fa/totp/activate/")
            tab.get_by_label("Password").fill("harbour lights at seven")
            tab.get_by_role("button", name="Go on").click()
            expect(tab.get_by_role("img")).to_be_visible()

            assert barriers(tab) == []
            tab.get_by_label("code").fill("nonsense")
            tab.get_by_role("button", name="Switch it on").click()
            expect(tab.locator(".error")).to_be_visible()

            assert barriers(tab) == []


class TestAxe:
    def test_sees_a_barrier_where_there_is_one(self, shop: Shop, tabs: dict[str, Page]) -> None:
        tab = tabs["phone-light"]
        seen(tab, f"{shop.url}/states/live/")
        tab.evaluate("document.getElementById('buy-button').textContent = ''")

        assert [each.split(":")[0] for each in barriers(tab)] == ["button-name"]

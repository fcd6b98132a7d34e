"""Pages as a browser takes them: no parse error, a strict policy that nothing breaks, fragments that fit."""

import re
import urllib.error
import urllib.request

import pytest
from justhtml import JustHTML
from playwright.sync_api import BrowserContext, Page, expect

from sales.web.states import STATES
from tests.browser.shop import NOTE_WHAT_BREAKS_THE_POLICY, Shop, seen

OTHERS = (
    "/", "/purchases/", "/states/", "/nothing-here/", "/accounts/login/", "/accounts/signup/",
    "/accounts/password/reset/",
)  # fmt: skip
# What differs between two moments, and htmx' own marks.
SAME = r"""
const page = document.querySelector('article').cloneNode(true);
page.querySelectorAll('*').forEach(e => ['hx-swap-oob', 'autofocus', 'tabindex', 'data-delay'].forEach(
  name => e.removeAttribute(name)));
page.querySelectorAll('[hx-trigger]').forEach(e => e.setAttribute('hx-trigger',
  e.getAttribute('hx-trigger').replace(/delay:\d+ms/, '')));
page.querySelectorAll('*').forEach(e => e.className === '' && e.removeAttribute('class'));
page.querySelectorAll('[name=pass]').forEach(e => e.remove());
page.querySelectorAll('[data-zone]').forEach(e => e.textContent = '');
return page.outerHTML.replace(/class="([^"]*?) *(htmx-\w+ *)+"/g, 'class="$1"')
  .replace(/\s+/g, ' ').replace(/> </g, '><');
"""


def fetched(address: str) -> tuple[str, str]:
    """Return a page's text and its policy."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.read().decode(), answer.headers["Content-Security-Policy"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.read().decode(), refused.headers["Content-Security-Policy"]


class TestEveryPage:
    @pytest.mark.parametrize("path", [*OTHERS, *(f"/states/{name}/" for name in STATES)])
    def test_parses_without_an_error_under_a_strict_policy(self, path: str, shop: Shop) -> None:
        text, policy = fetched(shop.url + path)

        assert JustHTML(text, collect_errors=True).errors == []
        assert policy.startswith("default-src 'none'")
        assert "unsafe-" not in policy
        assert re.findall(r"\bstyle=|<style|\bon[a-z]+=|<script(?! src=)", text) == []

    def test_breaks_nothing_of_its_policy_in_a_browser(self, shop: Shop, page_of_somebody: Page) -> None:
        complaints: list[str] = []
        page_of_somebody.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page_of_somebody.on("pageerror", lambda error: complaints.append(str(error)))
        page_of_somebody.add_init_script(NOTE_WHAT_BREAKS_THE_POLICY)
        for path in ("/states/held/", "/", "/purchases/", "/account/", "/accounts/email/", "/accounts/2fa/"):
            seen(page_of_somebody, shop.url + path)

            assert page_of_somebody.evaluate("window.broken") == [], path
        seen(page_of_somebody, shop.sale())
        page_of_somebody.locator("#buy-button").click()
        page_of_somebody.locator("#receipt").click()
        page_of_somebody.locator(".qr").wait_for()

        assert page_of_somebody.evaluate("window.broken") == []
        assert complaints == []


class TestAFragment:
    """Swapped in, it is what the whole page would be."""

    def test_that_was_polled_is_the_page(self, shop: Shop, somebody: BrowserContext) -> None:
        sale = shop.sale()
        old = somebody.new_page()
        seen(old, sale)
        shop.buy(sale, shopper="other")
        expect(old.locator(".left b")).to_have_text("19")

        new = somebody.new_page()
        seen(new, sale)

        assert self.of(old) == self.of(new)

    @pytest.mark.parametrize("hold_seconds", [0, 600])
    def test_that_answers_a_click_is_the_page(self, hold_seconds: int, shop: Shop, somebody: BrowserContext) -> None:
        sale = shop.sale(hold_seconds=hold_seconds)
        old = somebody.new_page()
        seen(old, sale)
        old.locator("#buy-button").click()
        if hold_seconds:
            old.locator("#confirm").wait_for()
        else:
            expect(old.locator(".steps")).to_contain_text("In the shop\N{RIGHT SINGLE QUOTATION MARK}s books")

        new = somebody.new_page()
        seen(new, sale)

        assert self.of(old, without=".count") == self.of(new, without=".count")

    def of(self, tab: Page, *, without: str = "") -> str:
        gone = f"page.querySelectorAll('{without}').forEach(e => e.remove());\nreturn" if without else "return"
        written: str = tab.evaluate(f"() => {{ {SAME.replace('return', gone, 1)} }}")
        return written

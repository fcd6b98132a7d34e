"""What a page weighs, how often it asks, and that nothing on it moves: the budgets, measured in the browser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.shop import PHONE, Shop, seen

MOST_BYTES = 60_000  # over the wire, without pictures
MOST_REQUESTS = 7  # page, style, three scripts, icon, picture
COMPRESSED = {"gzip", "br"}
SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => window.shifts.push(...list.getEntries().map(
  e => ({value: e.value, recent: e.hadRecentInput, what: e.sources.map(s => s.node && s.node.outerHTML).join()}))
)).observe({type: 'layout-shift', buffered: true});
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One answer that a page needed."""

    path: str
    kind: str
    size: int
    encoding: str


@pytest.fixture
def phone(shop: Shop) -> Iterator[BrowserContext]:
    """The phone of somebody who is here for the first time on it."""
    with shop.visitor(size=PHONE) as context:
        yield context


def loaded(tab: Page, address: str) -> list[Loaded]:
    """Open a page, and return all that came over the wire for it."""
    session = tab.context.new_cdp_session(tab)
    session.send("Network.enable")
    answers: dict[str, dict[str, Any]] = {}
    sizes: dict[str, int] = {}
    session.on("Network.responseReceived", lambda told: answers.update({told["requestId"]: told}))
    session.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
    tab.goto(address, wait_until="networkidle")
    return [
        Loaded(
            path=re.sub(r"^https?://[^/]+", "", told["response"]["url"]),
            kind=told["type"],
            size=round(sizes[number]),
            encoding={name.lower(): value for name, value in told["response"]["headers"].items()}.get(
                "content-encoding", ""
            ),
        )
        for number, told in answers.items()
    ]


class TestAFirstVisit:
    @pytest.mark.parametrize("hold_seconds", [0, 600])
    def test_is_light_and_asks_little(self, hold_seconds: int, shop: Shop, phone: BrowserContext) -> None:
        tab = phone.new_page()

        found = loaded(tab, shop.sale(hold_seconds=hold_seconds))

        without_pictures = [each for each in found if each.kind != "Image"]
        assert sum(each.size for each in without_pictures) <= MOST_BYTES, found
        assert len(found) <= MOST_REQUESTS, found
        scripts_and_styles = [each for each in found if each.kind in {"Script", "Stylesheet"}]
        assert len(scripts_and_styles) == 4
        assert all(each.encoding in COMPRESSED for each in scripts_and_styles), found

    @pytest.mark.parametrize("path", ["/accounts/email/", "/purchases/", "/account/"])
    def test_of_another_page_is_light_too(self, path: str, shop: Shop, phone: BrowserContext) -> None:
        found = loaded(phone.new_page(), shop.url + path)

        assert sum(each.size for each in found if each.kind != "Image") <= MOST_BYTES, found

    def test_of_who_has_no_account_yet_is_light_too(self, shop: Shop) -> None:
        with shop.visitor(signed_in=False, size=PHONE) as stranger:
            found = loaded(stranger.new_page(), f"{shop.url}/accounts/signup/")

        assert [each.path for each in found if each.kind == "Document"] == [
            "/accounts/signup/"
        ]  # and not led elsewhere
        assert sum(each.size for each in found if each.kind != "Image") <= MOST_BYTES, found

    def test_of_the_list_is_light_with_twenty_sales_on_it(self, shop: Shop, phone: BrowserContext) -> None:
        tab = phone.new_page()  # on the list is whatever other tests have put on sale so far

        found = loaded(tab, shop.url + "/")

        share = min(1.0, 20 / tab.locator("li.row").count())
        weights = [each.size * (share if each.kind == "Document" else 1) for each in found if each.kind != "Image"]
        assert sum(weights) <= MOST_BYTES, found

    def test_asks_nobody_else(self, shop: Shop, phone: BrowserContext) -> None:
        asked: list[str] = []
        tab = phone.new_page()
        tab.on("request", lambda request: asked.append(request.url))

        tab.goto(shop.sale(), wait_until="networkidle")

        assert [url for url in asked if not url.startswith((shop.url, "data:"))] == []


class TestWhatIsThere:
    def shifts(self, tab: Page) -> list[dict[str, Any]]:
        """Return what moved, other than by the shopper's own click."""
        told: list[dict[str, Any]] = tab.evaluate("window.shifts")
        return [each for each in told if not each["recent"]]

    def test_stays_in_its_place_when_fragments_arrive(self, shop: Shop, phone: BrowserContext) -> None:
        sale = shop.sale(stock=2_000)
        tab = phone.new_page()
        tab.add_init_script(SHIFTS)
        seen(tab, sale)
        for left in (1_999, 1_998):
            shop.buy(sale, shopper=f"shopper-{left}")
            expect(tab.locator(".left b")).to_have_text(f"{left:,}")

        assert self.shifts(tab) == []

    def test_stays_in_its_place_while_the_page_is_loaded(self, shop: Shop, phone: BrowserContext) -> None:
        tab = phone.new_page()
        tab.add_init_script(SHIFTS)
        for path in ("/", "/purchases/", "/states/near/", "/states/held/"):
            tab.goto(shop.url + path, wait_until="networkidle")
            tab.wait_for_timeout(300)  # a tick of the clock

            assert self.shifts(tab) == [], path

    def test_moving_would_be_noticed(self, shop: Shop, phone: BrowserContext) -> None:
        tab = phone.new_page()
        tab.add_init_script(SHIFTS)
        seen(tab, f"{shop.url}/states/live/")
        tab.wait_for_timeout(600)  # what moves right after a click does not count

        tab.evaluate("document.querySelector('.stub').prepend(document.querySelector('.cols'))")

        tab.wait_for_function("window.shifts.length")
        assert self.shifts(tab)

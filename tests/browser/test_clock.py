"""The countdown agrees with the shop whatever the browser's own clock does, and little of it is said aloud."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.shop import Shop, seen
from tests.browser.simulated import SimulatedPage

BEFORE = ["Five minutes until the sale opens.", "One minute until the sale opens.", "Ten seconds until the sale opens."]
OPEN = "The sale is open. The button is here."
HOLD = ["Two minutes left to confirm.", "Thirty seconds left to confirm."]


@pytest.fixture(scope="module")
def sale(shop: Shop) -> str:
    """A sale to be in the page; what is shown of it is simulated."""
    return shop.sale()


@pytest.fixture
def simulated(sale: str, page: Page) -> Any:
    def make(**terms: Any) -> SimulatedPage:
        return SimulatedPage(page=page, address=sale, **terms)

    return make


def follow(tab: SimulatedPage, seconds: int, *, step: float = 1.0) -> None:
    """Let time pass, and look at the digits in every step: right within a second, never running backwards."""
    before: int | None = None
    for _ in range(round(seconds / step)):
        tab.pass_time(step, step=0.5)
        shown = tab.digits()
        if shown is None or tab.left <= 0:
            continue
        assert abs(shown - tab.left) <= 1.0, f"{shown} s are shown, {tab.left} s are left"
        assert before is None or shown <= before
        before = shown


class TestTheDigits:
    @pytest.mark.parametrize("hours", [-1, 0, 1])
    def test_agree_with_the_shop_where_the_browsers_clock_is_off(self, hours: int, simulated: Any) -> None:
        tab = simulated(opens_in=100, browser_is_off=timedelta(hours=hours))

        follow(tab, 20)

    def test_go_on_where_the_browsers_clock_steps_back(self, simulated: Any) -> None:
        tab = simulated(opens_in=100)
        follow(tab, 5)
        shown = tab.digits()

        tab.page.clock.set_system_time(datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
        tab.pass_time(0.1)

        assert shown - 1 <= tab.digits() <= shown

    def test_are_right_again_when_a_sleeping_tab_wakes(self, simulated: Any) -> None:
        tab = simulated(opens_in=4_000, closes_in=9_000)
        tab.put_aside(aside=True)
        tab.sleep(3_700)
        tab.put_aside(aside=False)

        tab.pass_time(1)

        assert len(tab.asked) == 1  # at once, not when the delay from before is over
        follow(tab, 5)

    def test_agree_within_a_second_over_a_slow_network(self, shop: Shop, somebody: BrowserContext) -> None:
        """Each answer takes a second. In real time, because the network does."""
        sale = shop.sale(opens_in=20)
        opens_at = _opens_at(shop, sale)
        tab = somebody.new_page()
        session = somebody.new_cdp_session(tab)
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 1_000, "downloadThroughput": -1, "uploadThroughput": -1},
        )
        seen(tab, sale)
        shown, until = [], time.monotonic() + 4
        while time.monotonic() < until:
            *_, minutes, seconds = tab.locator(".count b").all_inner_texts()
            shown.append(60 * int(minutes) + int(seconds))
            assert abs(shown[-1] - (opens_at - time.time())) <= 1.25  # a quarter for looking
            time.sleep(0.2)

        assert shown == sorted(shown, reverse=True)

    def test_are_right_in_the_last_seconds_and_the_button_comes_with_the_answer(self, simulated: Any) -> None:
        tab = simulated(opens_in=12)

        follow(tab, 13, step=0.5)
        assert tab.digits() == 0 or tab.page.locator("#buy-button").is_visible()
        tab.pass_time(4)

        assert tab.page.locator("#buy-button").is_visible()


class TestWhatIsSaid:
    def test_before_the_opening_is_each_moment_once(self, simulated: Any) -> None:
        tab = simulated(opens_in=306)

        tab.pass_time(290, step=2)
        tab.pass_time(40, step=0.5)

        assert tab.said() == [*BEFORE, OPEN]

    def test_during_a_hold_is_each_warning_once(self, simulated: Any) -> None:
        tab = simulated(held_for=125)

        tab.pass_time(130, step=1)

        assert tab.said() == HOLD

    def test_is_not_lost_where_the_stub_is_swapped_in_that_moment(self, simulated: Any) -> None:
        tab = simulated(opens_in=301)
        while tab.digits() != 301 or tab.left > 300.1:
            tab.pass_time(0.02, step=0.02)
        tab.page.evaluate("htmx.trigger('.stub', 'wake')")
        tab.now_ms += 200  # the answer comes from just after the moment, and no tick was in between
        while not tab.asked:
            tab.page.wait_for_timeout(10)
        tab.pass_time(1)

        assert tab.said() == BEFORE[:1]

    def test_is_nothing_where_the_page_is_opened_late(self, simulated: Any) -> None:
        tab = simulated(opens_in=50)

        tab.pass_time(20, step=0.5)

        assert tab.said() == []


def _opens_at(shop: Shop, sale: str) -> float:
    status, answer = shop.demo.ask(f"/api/flashsale/status/{sale.split('/')[-2]}")
    assert status == 200
    return datetime.fromisoformat(answer["startTime"]).timestamp()

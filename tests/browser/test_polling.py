"""How pages ask: one loop each for ever, with the delays that the server chose, silent when nobody looks."""

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page

from sales.domain import polling
from tests.browser.shop import Shop
from tests.browser.simulated import SimulatedPage

STEP = 0.5  # seconds, in which simulated time passes here
A_TRIP = 0.1 + 2 * STEP  # until an answer has arrived and is shown


@pytest.fixture(scope="module")
def sale(shop: Shop) -> str:
    return shop.sale()


@pytest.fixture
def simulated(sale: str, page: Page) -> Any:
    def make(**terms: Any) -> SimulatedPage:
        return SimulatedPage(page=page, address=sale, **terms)

    return make


def gaps(tab: SimulatedPage) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(tab.asked)]


def assert_one_loop(tab: SimulatedPage, step: polling.Step) -> None:
    assert min(gaps(tab)) >= step.least_ms / 1_000 - STEP
    assert max(gaps(tab)) <= step.most_ms / 1_000 + A_TRIP


class TestAPage:
    @pytest.mark.parametrize("minutes", [1, pytest.param(10, marks=pytest.mark.campaign)])
    def test_asks_in_one_loop_whatever_happens_to_it(self, minutes: int, simulated: Any) -> None:
        tab = simulated(opens_in=-100)
        for _ in range(minutes):
            tab.pass_time(25, step=STEP)
            for aside in (True, False, True, False):  # whoever looks again asks for news, but starts no second loop
                tab.put_aside(aside=aside)
            tab.page.evaluate("htmx.trigger('.stub', 'wake'); htmx.trigger('.stub', 'wake')")
            tab.pass_time(35, step=STEP)
        between = [gap for gap in gaps(tab) if gap < polling.LIVE.least_ms / 1_000 - STEP]

        assert len(between) <= minutes  # the one that was woken
        assert max(gaps(tab)) <= polling.LIVE.most_ms / 1_000 + A_TRIP
        assert len(tab.asked) <= minutes * (60_000 / polling.LIVE.least_ms + 1)

    def test_keeps_to_the_delays_of_the_server_on_the_way_to_the_opening(self, simulated: Any) -> None:
        tab = simulated(opens_in=100)
        tab.pass_time(60, step=STEP)
        assert_one_loop(tab, polling.Step(4_000, 8_000))
        tab.pass_time(15, step=STEP)
        tab.asked.clear()

        tab.pass_time(40, step=STEP)

        assert_one_loop(tab, polling.AROUND_OPENING)

    def test_asks_nothing_while_its_tab_is_hidden_and_at_once_when_it_is_shown(self, simulated: Any) -> None:
        tab = simulated(opens_in=-100)
        tab.put_aside(aside=True)
        tab.pass_time(600, step=30)
        assert tab.asked == []

        tab.put_aside(aside=False)
        tab.pass_time(0.5)

        assert len(tab.asked) == 1
        tab.pass_time(20, step=STEP)
        assert_one_loop(tab, polling.LIVE)

    def test_asks_nothing_once_the_sale_is_over(self, simulated: Any) -> None:
        tab = simulated(opens_in=-100, closes_in=10)
        tab.pass_time(20, step=STEP)
        assert tab.page.locator("#stub-h").inner_text().strip() == "This sale is over"
        asked = len(tab.asked)

        tab.pass_time(600, step=30)
        tab.put_aside(aside=True)
        tab.put_aside(aside=False)
        tab.pass_time(60, step=5)

        assert len(tab.asked) == asked

    def test_of_a_hold_asks_when_the_last_two_minutes_begin_and_at_the_deadline_only(self, simulated: Any) -> None:
        tab = simulated(held_for=150)

        for seconds, step in ((29, 5), (3, STEP), (117, 5), (3, STEP), (48, 5)):  # finely where something is due
            tab.pass_time(seconds, step=step)
        of_the_hold = [at for at in tab.asked if at < 152]

        assert of_the_hold == pytest.approx([30.3, 150.3], abs=2 * STEP)

"""The ledger stops answering and dies while people are on the page: it says so, and recovers by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, left_of, seen

AGAIN_MS = 40_000  # a new server, its proof, and the pages' next look


@contextmanager
def frozen_then_killed(shop: Shop) -> Iterator[None]:
    """Freeze the ledger; kill it at the end, as the demo's supervisor would find it after a crash."""
    pid = shop.demo.child_pid("ledger")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)


class TestALedgerThatDies:
    def test_is_told_of_on_the_page_which_recovers_by_itself(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale()
        heading = page_of_somebody.locator("#stub-h")
        seen(page_of_somebody, sale)

        with frozen_then_killed(shop):
            expect(page_of_somebody.get_by_text("We cannot see the stock right now")).to_be_visible()

        expect(heading).to_have_text("On sale now", timeout=AGAIN_MS)
        assert left_of(shop, sale) == 20

    def test_leaves_a_click_in_doubt_which_the_page_clears_up(self, shop: Shop, page_of_somebody: Page) -> None:
        sale = shop.sale(limit=2)
        seen(page_of_somebody, sale)

        with frozen_then_killed(shop):
            page_of_somebody.locator("#buy-button").click()
            expect(page_of_somebody.locator(".note h3")).to_have_text("We cannot tell right now", use_inner_text=True)

        expect(page_of_somebody.locator("#stub-h")).to_have_text("It is yours: number 1 of 20", timeout=AGAIN_MS)
        assert left_of(shop, sale) == 19

"""The ledger stops answering and dies while people are on the page: it says so, and recovers by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, expect

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
    def test_is_told_of_on_the_pages_which_recover_and_clear_up_a_click(
        self, shop: Shop, somebody: BrowserContext
    ) -> None:
        sale = shop.sale(limit=2)
        looking, clicking = somebody.new_page(), somebody.new_page()
        for tab in (looking, clicking):
            seen(tab, sale)

        with frozen_then_killed(shop):
            clicking.locator("#buy-button").click()
            expect(clicking.locator(".note h3")).to_have_text("We cannot tell right now")
            expect(looking.locator(".note h3")).to_have_text("We cannot see the stock right now")

        expect(clicking.locator("#stub-h")).to_have_text("It is yours: number 1 of 20", timeout=AGAIN_MS)
        expect(looking.locator("#stub-h")).to_have_text("On sale now", timeout=AGAIN_MS)
        assert left_of(shop, sale) == 19

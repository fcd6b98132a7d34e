"""The system's Chromium, driven by Playwright. No browser is downloaded: `.ci/run` installs Debian's."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import shop as shops
from tests.browser.shop import Shop
from tests.running_demo import started

ARGUMENTS = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
expect.set_options(timeout=15_000)  # a page's longest wait for news while a sale runs, on a busy machine
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser. Fails, saying so, where none is installed: nothing is skipped."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert path, f"No browser is installed (looked for {', '.join(NAMES)}): apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the run."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def shop(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for the run. Each test makes the sales and visitors that it needs, and leaves the others alone."""
    knobs = {"SHOP_LANGUAGES": "en,de,ar", "CATALOGUE_MAX_AGE_MS": "100"}  # nobody waits a second for each new sale
    with started(tmp_path_factory.mktemp("shop"), knobs=knobs) as demo, shops.opened(demo, chromium) as made:
        yield made


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A visitor who has never been here."""
    made = chromium.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def somebody(shop: Shop) -> Iterator[BrowserContext]:
    """A browser of somebody with an account, signed in and ready."""
    with shop.visitor() as made:
        yield made


@pytest.fixture
def page_of_somebody(somebody: BrowserContext) -> Page:
    """A tab of theirs."""
    return somebody.new_page()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()

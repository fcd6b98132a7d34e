"""A running shop as browser tests see it: where it is, sales made to order, visitors with or without an account."""

import itertools
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Response

from sales.management.demo_children import PROJECT
from tests.running_demo import Demo, clean_environment

DESKTOP, PHONE = (1280, 900), (390, 844)
NOTE_WHAT_BREAKS_THE_POLICY = """
window.broken = [];
document.addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective));
"""
KNOWN_WITHIN = 10.0  # seconds until the web server knows a new sale; it takes a tenth


class Shop:
    """A demo that runs, with a clerk in its office."""

    def __init__(self, *, demo: Demo, browser: Browser, clerk: "subprocess.Popen[str]") -> None:
        self.demo, self.url = demo, demo.url
        self._browser, self._clerk = browser, clerk
        self._numbers = itertools.count(1)

    def sale(self, **terms: Any) -> str:
        """Publish a sale on these terms; return its address once the web server knows it."""
        slug: str = self._ask(do="sale", **{"slug": f"sale-{next(self._numbers)}", **terms})
        address, until = f"{self.url}/sales/{slug}/", time.monotonic() + KNOWN_WITHIN
        while not is_there(address):
            assert time.monotonic() < until, f"{address} is not there"
            time.sleep(0.05)
        return address

    def product(self, **fields: Any) -> str:
        """Make something to sell; return its name."""
        name: str = self._ask(do="product", **fields)
        return name

    def buy(self, address: str, *, shopper: str, confirmed: bool = False) -> None:
        """Let somebody buy through the API, and confirm what is held for them."""
        named = {"userId": shopper, "flashSaleId": address.split("/")[-2]}
        status, answer = self.demo.ask("/api/flashsale/purchase", named)
        assert status in (200, 201), answer
        if confirmed:
            status, answer = self.demo.ask(
                "/api/flashsale/confirm", {**named, "purchaseId": answer["purchaseId"]}
            )  # fmt: skip
            assert status == 200, answer

    def act(self, address: str, verb: str) -> None:
        """Pause, resume or close the sale at this address."""
        self._ask(do="act", slug=address.rstrip("/").rsplit("/", maxsplit=1)[-1], verb=verb)

    @contextmanager
    def visitor(
        self,
        *,
        signed_in: bool = True,
        staff: bool = False,
        is_verified: bool = False,
        email: str = "",
        **options: Any,
    ) -> Iterator[BrowserContext]:
        """A browser of somebody, with an account of their own where they are signed in."""
        width, height = options.pop("size", DESKTOP)
        # Nothing moves while it is looked at.
        options = {"reduced_motion": "reduce", "locale": "en-GB", **options}
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(20_000)
        if signed_in:
            email = email or f"visitor-{next(self._numbers)}@example.org"
            cookie = self._ask(do="visitor", email=email, staff=staff, is_verified=is_verified)
            context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": self.url}])
        try:
            yield context
        finally:
            context.close()

    def _ask(self, **request: Any) -> Any:
        assert self._clerk.stdin
        assert self._clerk.stdout
        self._clerk.stdin.write(json.dumps(request) + "\n")
        self._clerk.stdin.flush()
        answer = self._clerk.stdout.readline()
        assert answer, "the clerk is gone"
        return json.loads(answer)


@contextmanager
def opened(demo: Demo, browser: Browser) -> Iterator[Shop]:
    """Send a clerk into a demo."""
    clerk = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.clerk"],
        cwd=PROJECT,
        env=clean_environment() | {"SITE": "demo", "DATA_DIR": str(demo.folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with clerk:
        yield Shop(demo=demo, browser=browser, clerk=clerk)
        assert clerk.stdin
        clerk.stdin.close()


def is_there(address: str) -> bool:
    """Whether a page is found."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refused:
        with refused:
            return False


def seen(page: Page, address: str) -> Response:
    """Go there, and return the answer."""
    answer = page.goto(address)
    assert answer
    return answer


def left_of(shop: Shop, sale: str) -> int:
    """Return how many are left, by the ledger; a reading may be a quarter of a second old."""
    time.sleep(0.3)
    status, answer = shop.demo.ask(f"/api/flashsale/status/{sale.rstrip('/').rsplit('/', maxsplit=1)[-1]}")
    assert status == 200
    return int(answer["remainingStock"])

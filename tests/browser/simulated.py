"""A sale's page in simulated time: the browser's clock stands still until a test moves it, and the shop's with it.

The page, its scripts and htmx are the real ones. The answers to polls are written here by the code that writes the
real ones (`panels`, `mine`, the templates), for the simulated moment.
"""

import random
import re
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from playwright.sync_api import Page, Route

from sales.answers.buying import BuyForm
from sales.answers.wire import instant
from sales.domain.outcomes import Outcome
from sales.live.entries import Entry, EntryState
from sales.live.results import Snapshot
from sales.queries import mine, panels
from sales.queries.catalogue import SaleEntry
from sales.web import states

BEGINNING = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
STUB = re.compile(r'<section class="stub".*?</section>', re.DOTALL)

# What Playwright's simulated clock does not have, and what a tab needs that can be put aside.
IN_EVERY_PAGE = """
const began = performance.now();
performance.getEntriesByType = () => [{requestStart: began, responseStart: began}];
let aside = false;
Object.defineProperty(document, 'hidden', {get: () => aside});
window.putAside = to => { aside = to; document.dispatchEvent(new Event('visibilitychange', {bubbles: true})); };
window.flying = 0;
addEventListener('htmx:beforeSend', e => {
  window.flying++;
  e.detail.xhr.addEventListener('loadend', () => window.flying--);
});
window.said = [];
addEventListener('DOMContentLoaded', () => {
  const say = document.getElementById('say');
  new MutationObserver(() => window.said.push(say.textContent)).observe(say, {childList: true, characterData: true});
});
"""


class SimulatedPage:
    """A tab with a sale. `asked` are the moments of its polls, in seconds since the beginning."""

    def __init__(
        self,
        *,
        page: Page,
        address: str,
        opens_in: float = -60,
        closes_in: float = 3_600,
        held_for: float = 0,
        browser_is_off: timedelta = timedelta(0),
    ) -> None:
        self.page, self.address, self.held_for = page, address, held_for
        self.now_ms = 0
        self.asked: list[float] = []
        self.chance: Callable[[], float] = random.Random(63).random
        self.sale: SaleEntry = replace(
            states._sale(),
            slug=address.rstrip("/").rsplit("/", maxsplit=1)[-1],
            opens_at=BEGINNING + timedelta(seconds=opens_in),
            closes_at=BEGINNING + timedelta(seconds=closes_in),
        )
        with urllib.request.urlopen(address, timeout=10) as answer:
            self._frame = answer.read().decode()
        page.clock.install(time=BEGINNING + browser_is_off)
        page.clock.pause_at(BEGINNING + browser_is_off + timedelta(seconds=1))
        page.add_init_script(IN_EVERY_PAGE)
        page.route(re.compile(re.escape(address) + "(panel|mine)?$"), self._answer)
        page.goto(address)
        self.pass_time(0.1)

    @property
    def now(self) -> datetime:
        """The shop's time."""
        return BEGINNING + timedelta(milliseconds=self.now_ms)

    @property
    def left(self) -> float:
        """Seconds until the moment that the page counts down to."""
        return ((BEGINNING + timedelta(seconds=self.held_for) if self.held_for else self.sale.opens_at) - self.now) / (
            timedelta(seconds=1)
        )

    def pass_time(self, seconds: float, *, step: float = 0.25) -> None:
        """Let time pass in the browser and in the shop alike; an answer is there before the next step."""
        end = self.now_ms + round(seconds * 1_000)
        while self.now_ms < end:
            length = min(round(step * 1_000), end - self.now_ms)
            self.now_ms += length
            self.page.clock.run_for(length)
            while self.page.evaluate("window.flying"):
                self.page.wait_for_timeout(5)  # of real time, in which simulated time stands still

    def sleep(self, seconds: float) -> None:
        """Close the laptop, and open it again: no timer runs in between, and each that is due runs once."""
        self.now_ms += round(seconds * 1_000)
        self.page.clock.fast_forward(round(seconds * 1_000))

    def put_aside(self, *, aside: bool) -> None:
        """Show another tab, or this one again."""
        self.page.evaluate("to => putAside(to)", aside)

    def digits(self) -> int | None:
        """What the countdown shows, in seconds; None where there is none."""
        shown: list[int] = self.page.evaluate("[...document.querySelectorAll('.count b')].map(b => +b.textContent)")
        total = 0
        for part in shown:
            total = 60 * total + part
        return total if shown else None

    def said(self) -> list[str]:
        """What was written into the region that is read aloud, in order."""
        spoken: list[str] = self.page.evaluate("window.said")
        return spoken

    def stub(self) -> str:
        """Write what the shop shows now."""
        if self.held_for:
            return self._hold()
        numbers: dict[str, Any] = {"now_ms": states._ms(self.now), "left": 37}
        panel = panels.of(self.sale, states._snapshot(self.sale, **numbers), chance=self.chance(), now=self.now)
        return render_to_string("sales/sale.html#panel", {"panel": panel})

    def _hold(self) -> str:
        deadline = BEGINNING + timedelta(seconds=self.held_for)
        entry: Entry = states._entry(EntryState.HELD)
        entry = entry._replace(at_ms=states._ms(deadline))
        now_ms = states._ms(self.now)
        if now_ms < entry.at_ms:
            shown = mine.held(self.sale, entry, now_ms=now_ms)
            return render_to_string("sales/sale.html#mine", {"mine": shown, "form": BuyForm(slug=self.sale.slug)})
        snapshot: Snapshot = states._snapshot(self.sale, now_ms=now_ms, outcome=Outcome.FOUND)
        panel = panels.of(self.sale, snapshot, chance=self.chance(), now=self.now)
        return render_to_string("sales/sale.html#panel", {"panel": panel})

    def _answer(self, route: Route) -> None:
        body = self.stub()
        headers = {"Content-Type": "text/html; charset=utf-8", "X-Server-Time": instant(states._ms(self.now))}
        if route.request.url == self.address:
            body = STUB.sub(lambda _: body, self._frame)
            body = re.sub(r'data-now="[^"]*"', f'data-now="{headers["X-Server-Time"]}"', body)
        else:
            self.asked.append(self.now_ms / 1_000)
        route.fulfill(status=200, headers=headers, body=body)

"""The page of a sale for visitors without a session: written by Django's view once in a moment, for all of them.

The page's numbers are those of one reading of the ledger; with the next reading it is written anew. Delay and time are
put in for each visitor.
"""

import random
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.urls import resolve

from sales import conf
from sales.answers.ask import Answer
from sales.answers.drawn import Drawn
from sales.answers.wire import written as instant
from sales.domain import polling
from sales.domain.reads import Read
from sales.lane.driving import Driver
from sales.lane.frames import Frames, Setting
from sales.lane.writing import headers_of
from sales.queries import catalogue, panels, snapshots
from sales.queries.catalogue import SaleEntry
from sales.web import sale as sale_page

MOST_KEPT = 512


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was written; it holds for this sale and this reading of its numbers."""

    sale: SaleEntry
    reading: object
    until: float
    status: int
    headers: tuple[tuple[str, str], ...]
    body: Drawn
    step: polling.Step | None

    def is_good(self) -> bool:
        """Whether it may still be shown."""
        known = catalogue.peek()
        same = known is not None and known.sales.get(self.sale.slug) is self.sale
        return same and time.monotonic() < self.until and snapshots.reading(self.sale) is self.reading

    def answer(self) -> Answer:
        """Give it to one visitor."""
        delay_ms = self.step.drawn(random.random()) if self.step else 0  # noqa: S311 - jitter
        body = self.body.drawn_anew(delay_ms=delay_ms, now=instant(datetime.now(UTC)))
        return Answer(status=self.status, headers=self.headers, body=body)


class Pages:
    """The pages of one worker."""

    def __init__(self, frames: Frames, driver: Driver) -> None:
        self._frames = frames
        self._driver = driver
        self._kept: dict[tuple[str, Setting, bool], Page] = {}

    def kept(self, slug: str, setting: Setting, *, with_cookies: bool) -> Page | None:
        """Return the page if it was written a moment ago."""
        kept = self._kept.get((slug, setting, with_cookies))
        return kept if kept and kept.is_good() else None

    async def get(self, slug: str, setting: Setting, *, with_cookies: bool) -> Page | None:
        """Return the page; None where it is Django's to answer: no such sale, or something is away."""
        if kept := self.kept(slug, setting, with_cookies=with_cookies):
            return kept
        name = (slug, setting, with_cookies)
        written = await self._driver.read(
            Read(partial(self._written, slug, setting, with_cookies=with_cookies), key=name)
        )
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        if written:
            self._kept[name] = written
        return written

    def _written(self, slug: str, setting: Setting, *, with_cookies: bool) -> Page | None:
        """Have Django's own view write the page, inside the middleware, for a visitor whom nobody knows."""
        known = catalogue.current()
        sale = known.sales.get(slug) if known else None
        if sale is None:
            return None
        path = f"/sales/{slug}/"
        request = WSGIRequest(setting.environ(path=path, cookies="visitor=1" if with_cookies else ""))
        request.resolver_match = resolve(path)
        until = time.monotonic() + conf.current().snapshot_max_age_ms / 1_000
        snapshot = snapshots.of(sale)
        reading = snapshots.reading(sale)
        response, language = self._frames.answered(request, lambda asked: sale_page.show(asked, slug=slug))
        if language is None or response.status_code != 200 or response.cookies:
            return None
        panel = panels.of(sale, snapshot, chance=0.0)
        return Page(
            sale=sale,
            reading=reading,
            until=until,
            status=response.status_code,
            headers=headers_of(response),
            body=Drawn.of(response.content.decode()),
            step=panel.step if panel.delay_ms is not None else None,
        )


_NOT_FOR_ALL = re.compile(rf"(?:^|[;\s])(?:{re.escape(settings.SESSION_COOKIE_NAME)}|messages)=")


def is_for_all(cookie_header: str) -> bool:
    """Whether these cookies say nothing of who this is."""
    return not _NOT_FOR_ALL.search(cookie_header)

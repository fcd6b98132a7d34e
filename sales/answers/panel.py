"""GET /sales/<slug>/panel: the public stub of a ticket as a fragment, with the delay after which to ask again.

Anybody may keep it, and asks about it each time (`no-cache` with an ETag): a 304 costs nothing and is as new. The ETag
is over what the stub says and the range of the delay, not over the delay drawn.

As long as the numbers are of the same reading, the stub is written once for each language; delay and time are put in
anew for each who asks.
"""

import hashlib
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.template.loader import get_template, render_to_string
from django.utils.translation import get_language

from sales.answers import steps
from sales.answers.ask import Answer, Ask, Headers, Steps
from sales.answers.drawn import Drawn
from sales.answers.wire import instant
from sales.domain import polling
from sales.live.results import Snapshot
from sales.queries import panels, snapshots
from sales.queries.catalogue import SaleEntry
from sales.queries.panels import Panel

TEMPLATE = "sales/sale.html"
HTML = (("Content-Type", "text/html; charset=utf-8"),)


def answer(ask: Ask, *, slug: str, chance: float) -> Steps:
    """Answer with the stub; 304 where the asker has it, an empty 404 where there is no such sale."""
    known = yield from steps.catalogue_now()
    sale = known.sales.get(slug) if known else None
    if sale is None:
        return Answer(status=404 if known else 503, headers=() if known else (("Retry-After", "2"),))
    snapshot = yield from steps.numbers(sale)
    return _written(sale, snapshot, chance).answer(ask, chance)


@dataclass(frozen=True, slots=True)
class _Written:
    """A stub as it was written for all who ask in this moment."""

    sale: SaleEntry
    reading: object
    step: polling.Step | None
    etag: str
    body: Drawn
    as_of_ms: int
    written_at: float

    def answer(self, ask: Ask, chance: float) -> Answer:
        """Give it to one of them, with a delay and the time of their own."""
        now_ms = self.as_of_ms + int((time.monotonic() - self.written_at) * 1_000)
        headers = _headers(self.etag, now_ms)
        if self.etag in ask.headers.get("if-none-match", ""):
            return Answer(status=304, headers=headers)
        delay_ms = self.step.drawn(chance) if self.step else 0
        return Answer(status=200, headers=HTML + headers, body=self.body.drawn_anew(delay_ms=delay_ms, now=""))


_kept: dict[tuple[str, str], _Written] = {}
"""By sale and language; there are few of both."""


def _written(sale: SaleEntry, snapshot: Snapshot, chance: float) -> _Written:
    language, reading = get_language() or "", snapshots.reading(sale)
    kept = _kept.get((sale.slug, language))
    if kept and reading and kept.reading is reading and kept.sale is sale:
        return kept
    panel = panels.of(sale, snapshot, chance=chance)
    body = render_to_string(f"{TEMPLATE}#panel", {"panel": panel})
    written = _kept[sale.slug, language] = _Written(
        sale=sale,
        reading=reading,
        step=panel.step if panel.delay_ms is not None else None,
        etag=etag_of(panel),
        body=Drawn.of(body),
        as_of_ms=round(panel.as_of.timestamp() * 1_000),
        written_at=time.monotonic(),
    )
    return written


def _headers(etag: str, now_ms: int) -> Headers:
    return (("Cache-Control", "public, no-cache"), ("ETag", etag), ("X-Server-Time", instant(now_ms)))


def etag_of(panel: Panel) -> str:
    """Return what stands for all that the stub says."""
    return f'"{panel.fingerprint(get_language() or "", _template_digest())}"'


@cache
def _template_digest() -> str:
    """Return what stands for the text of the template: after a deploy nobody is told that nothing changed."""
    template: Any = get_template(TEMPLATE)
    text: str = template.origin.loader.get_contents(template.origin)
    return hashlib.sha256(text.encode()).hexdigest()[:12]

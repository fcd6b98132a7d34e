"""What came of a click, as it goes over the wire where a page asked for a fragment, and where a plain form did it.

In a rush thousands win within seconds, and afterwards most are told the same. What differs is their own: the unit, the
order, the times, the pass and the delay drawn for them. So a fragment whose like came before is written once, with
places for all that, and each gets a copy with what is theirs.
"""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language

from sales.answers.ask import Answer, Headers
from sales.answers.buying import BuyForm, Reply
from sales.answers.panel import HTML, TEMPLATE
from sales.answers.places import Own, Placed, Shape, split
from sales.answers.wire import instant
from sales.queries.mine import Field, Mine, Note
from sales.queries.panels import Panel
from sales.queries.stubs import Cell, Countdown, Stock

PRIVATE = (("Cache-Control", "private, no-store"),)
MOST_KEPT = 256
_SHAPES = {
    Mine: Shape.of(
        Mine,
        own=("as_of", "unit", "slot", "order_id", "reference", "taken_at", "bought_at", "delay_ms"),
        parts=("countdown", "note", "panel", "stock", "again"),
    ),
    Note: Shape.of(Note, own=("at", "clicked_at", "unit", "order_id"), follows=("glyph", "tone")),
    Panel: Shape.of(Panel, own=("as_of", "delay_ms"), hidden=("stock", "last", "last_at", "countdown")),
    Stock: Shape.of(Stock, own=("left", "held", "sold", "left_width", "held_width"), follows=("tick_width",)),
    Countdown: Shape.of(Countdown, own=("to",), parts=("cells",)),
    Cell: Shape.of(Cell, own=("digits",)),
    Field: Shape.of(Field, own=("value",)),
    BuyForm: Shape.of(BuyForm, own=("pass_text",)),
}


def of(reply: Reply) -> Answer:
    """Return the stub, and beside it the form with the pass for the next attempt."""
    body = written(reply.mine, reply.form).encode()
    return Answer(status=reply.status, headers=HTML + timing(reply) + PRIVATE, body=body)


def written(mine: Mine, form: BuyForm) -> str:
    """Return a stub and the form beside it."""
    if settings.DEBUG:  # whoever edits a template sees it at once
        return _rendered(mine, form)
    kind: list[Hashable] = [get_language()]
    own: list[Any] = []
    split(mine, _SHAPES, kind, own)
    split(form, _SHAPES, kind, own)
    return _of_kind(tuple(kind)).written(mine, form, own)


class _Kind:
    """Fragments that differ in nothing but what is each one's own."""

    def __init__(self) -> None:
        self._placed: Placed | None = None
        self._came = 0

    def written(self, mine: Mine, form: BuyForm, own: Own) -> str:
        """Return one of them: rendered, or a copy where its like came before and one text was seen to serve both."""
        if self._placed:
            return self._placed.filled(own)
        rendered = _rendered(mine, form)
        self._came += 1
        if self._came == 2:  # many a kind comes once
            placed = Placed.of(_rendered, mine, form, shapes=_SHAPES)
            self._placed = placed if placed and placed.filled(own) == rendered else None
        return rendered


@lru_cache(maxsize=MOST_KEPT)
def _of_kind(_kind: tuple[Hashable, ...]) -> _Kind:
    return _Kind()


def _rendered(mine: Mine, form: BuyForm) -> str:
    return render_to_string(f"{TEMPLATE}#mine-answer", {"mine": mine, "panel": None, "form": form})


def back_to_sale(reply: Reply) -> Answer:
    """Send a plain form that did something back to the sale's page: F5 repeats nothing there."""
    location = ("Location", reverse("sale", args=[reply.sale.slug]))
    return Answer(status=303, headers=(HTML[0], location, *PRIVATE))


def timing(reply: Reply) -> Headers:
    """Return the instant that the stub tells of, and when to ask again."""
    server_time = ("X-Server-Time", instant(reply.server_ms))
    return (server_time, ("Retry-After", str(reply.retry_after))) if reply.retry_after else (server_time,)

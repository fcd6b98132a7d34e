"""What came of a click, as it goes over the wire where a page asked for a fragment, and where a plain form did it.

At the end of a rush most are told the same, in one instant, but for their own pass and the delay drawn for them. Such a
fragment is written once, with marks in the two places, and each is given a copy with what is theirs.
"""

import secrets
from dataclasses import replace
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import get_language

from sales.answers.ask import Answer, Headers
from sales.answers.buying import BuyForm, Reply
from sales.answers.panel import HTML, TEMPLATE
from sales.answers.wire import instant
from sales.queries.mine import Mine

PRIVATE = (("Cache-Control", "private, no-store"),)
MOST_KEPT = 256
# Drawn by each process, so that nothing people wrote can look like one.
_PASS = secrets.token_hex(16)
_DELAY_MS = 10**15 + secrets.randbelow(10**15)


def of(reply: Reply) -> Answer:
    """Return the stub, and beside it the form with the pass for the next attempt."""
    body = _told(reply.mine, reply.form) if _is_told(reply.mine) else _written(reply.mine, reply.form)
    return Answer(status=reply.status, headers=HTML + timing(reply) + PRIVATE, body=body.encode())


def _is_told(mine: Mine) -> bool:
    """Whether the stub is a note that others may get in the same words; one that asks the same again holds the pass."""
    return mine.state == "told" and not mine.again


def _told(mine: Mine, form: BuyForm) -> str:
    delay, panel = mine.delay_ms, mine.panel
    if panel and panel.delay_ms is not None:
        panel = replace(panel, delay_ms=0)  # drawn, too; the note stands in its place
    for_all = replace(mine, panel=panel, delay_ms=None if delay is None else _DELAY_MS)
    written = _written_once(get_language(), for_all, replace(form, pass_text=_PASS) if form.pass_text else form)
    return written.replace(str(_DELAY_MS), str(delay)).replace(_PASS, escape(form.pass_text))


@lru_cache(maxsize=MOST_KEPT)
def _written_once(_language: str | None, mine: Mine, form: BuyForm) -> str:
    return _written(mine, form)


def _written(mine: Mine, form: BuyForm) -> str:
    return render_to_string(f"{TEMPLATE}#mine-answer", {"mine": mine, "panel": None, "form": form})


def back_to_sale(reply: Reply) -> Answer:
    """Send a plain form that did something back to the sale's page: F5 repeats nothing there."""
    location = ("Location", reverse("sale", args=[reply.sale.slug]))
    return Answer(status=303, headers=(HTML[0], location, *PRIVATE))


def timing(reply: Reply) -> Headers:
    """Return the instant that the stub tells of, and when to ask again."""
    server_time = ("X-Server-Time", instant(reply.server_ms))
    return (server_time, ("Retry-After", str(reply.retry_after))) if reply.retry_after else (server_time,)

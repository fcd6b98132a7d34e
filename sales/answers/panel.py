"""GET /sales/<slug>/panel: the public stub of a ticket as a fragment, with the delay after which to ask again.

Anybody may keep it, and asks about it each time (`no-cache` with an ETag): a 304 costs nothing and is as new. The ETag
is over what the stub says and the range of the delay, not over the delay drawn.
"""

import hashlib
from functools import cache
from typing import Any

from django.template.loader import get_template, render_to_string
from django.utils.translation import get_language

from sales.answers import steps
from sales.answers.ask import Answer, Ask, Headers, Steps
from sales.answers.wire import instant
from sales.queries import panels
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
    panel = panels.of(sale, snapshot, chance=chance)
    headers = headers_of(panel)
    if dict(headers)["ETag"] in ask.headers.get("if-none-match", ""):
        return Answer(status=304, headers=headers)
    body = render_to_string(f"{TEMPLATE}#panel", {"panel": panel})
    return Answer(status=200, headers=HTML + headers, body=body.encode())


def headers_of(panel: Panel) -> Headers:
    """Return what goes with the stub, also with a 304."""
    return (
        ("Cache-Control", "public, no-cache"),
        ("ETag", f'"{panel.fingerprint(get_language() or "", _template_digest())}"'),
        ("X-Server-Time", instant(round(panel.as_of.timestamp() * 1_000))),
    )


@cache
def _template_digest() -> str:
    """Return what stands for the text of the template: after a deploy nobody is told that nothing changed."""
    template: Any = get_template(TEMPLATE)
    text: str = template.origin.loader.get_contents(template.origin)
    return hashlib.sha256(text.encode()).hexdigest()[:12]

"""What came of a click, as it goes over the wire where a page asked for a fragment, and where a plain form did it."""

from django.template.loader import render_to_string
from django.urls import reverse

from sales.answers.ask import Answer, Headers
from sales.answers.buying import Reply
from sales.answers.panel import HTML, TEMPLATE
from sales.answers.wire import instant

PRIVATE = (("Cache-Control", "private, no-store"),)


def of(reply: Reply) -> Answer:
    """Return the stub, and beside it the form with the pass for the next attempt."""
    context = {"mine": reply.mine, "panel": None, "form": reply.form}
    body = render_to_string(f"{TEMPLATE}#mine-answer", context)
    return Answer(status=reply.status, headers=HTML + timing(reply) + PRIVATE, body=body.encode())


def back_to_sale(reply: Reply) -> Answer:
    """Send a plain form that did something back to the sale's page: F5 repeats nothing there."""
    location = ("Location", reverse("sale", args=[reply.sale.slug]))
    return Answer(status=303, headers=(HTML[0], location, *PRIVATE))


def timing(reply: Reply) -> Headers:
    """Return the instant that the stub tells of, and when to ask again."""
    server_time = ("X-Server-Time", instant(reply.server_ms))
    return (server_time, ("Retry-After", str(reply.retry_after))) if reply.retry_after else (server_time,)

"""Buying: a click on the button, as a fragment or as a plain form.

These views, here and in `hold`, take no CSRF token *because* they take a pass: it is bound to the web session, so
another site that makes a browser send our cookie has no pass to send with it. They ask no session and no database.

A plain form that did something is sent back to the sale's page (303), where the stub shows what is so and F5 repeats
nothing. One that was refused is answered with the page and the refusal: a refusal is true of that click alone. Kept in
the address or the session it would be shown again when it no longer is so; and pressing F5 there sends the same pass,
which is the same purchase, and gets an answer as true as the first.
"""

import random
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt

from sales.answers import buying, fragments
from sales.answers.ask import Ask, Asking
from sales.answers.buying import Reply
from sales.queries import tickets
from sales.services import purchasing
from sales.web import caching, edge
from sales.web import sale as sale_page

Act = Callable[..., Asking[Reply | None]]


@csrf_exempt
def buy(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a unit, or say why not."""
    return answer(request, slug, buying.buy)


def answer(request: HttpRequest, slug: str, act: Act) -> HttpResponse:
    """Do what was pressed and say what came of it. Who comes with GET, as a refresh does, is sent to the sale."""
    if request.method != "POST":
        return redirect("sale", slug)
    ask: Ask = edge.ask_of(request)
    reply = purchasing.run(act(ask, slug=slug, chance=random.random()))  # noqa: S311 - jitter
    if reply is None:
        raise Http404(slug)
    if request.headers.get("HX-Request") == "true":
        return edge.response_of(fragments.of(reply))
    return edge.response_of(fragments.back_to_sale(reply)) if reply.is_done else refused(request, reply)


def refused(request: HttpRequest, reply: Reply) -> HttpResponse:
    """Answer a plain form with the page, and what was refused in its stub."""
    stub = sale_page.Stub(mine=reply.mine, panel=None, form=reply.form)
    context = sale_page.page_of(tickets.of(reply.sale), stub)
    context["form"] = sale_page.in_page(reply.form)
    response = render(request, "sales/sale.html", context, status=reply.status)
    for name, value in fragments.timing(reply):
        response.headers[name] = value
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - a refusal is an answer
    return caching.personal(response)

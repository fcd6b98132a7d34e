"""The personal stub as a fragment: asked for while something of this shopper's is about to change."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sales.answers import fragments
from sales.answers.wire import instant
from sales.web import caching
from sales.web import sale as sale_page


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer with what this shopper has; with the public stub where that is nothing, or nobody is signed in."""
    stub = sale_page.stub_of(request, sale_page.entry_of(slug))
    shown = stub.mine or stub.panel
    form = sale_page.beside(stub.form)
    if stub.mine:
        response = HttpResponse(fragments.written(stub.mine, form))
    else:
        response = render(request, "sales/sale.html#mine-answer", {"mine": None, "panel": stub.panel, "form": form})
    if shown:
        response.headers["X-Server-Time"] = instant(round(shown.as_of.timestamp() * 1_000))
    return caching.personal(response)

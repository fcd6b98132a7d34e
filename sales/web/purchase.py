"""One purchase: its receipt, with reference, QR code and the three steps with their times."""

import random
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import segno
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from sales.answers.wire import instant
from sales.domain import polling, shoppers
from sales.domain.outcomes import Outcome
from sales.queries import orders
from sales.queries.orders import Purchase
from sales.web import caching, errors

MOST_KEPT = 1_024


@require_safe
@login_required
def show(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Show the receipt. What is only held has none yet: its place is the sale's page."""
    return _answer(request, order_id, "sales/purchase.html")


@require_safe
@login_required
def receipt(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Answer with the stub of the receipt: asked for until the purchase is in the shop's books."""
    return _answer(request, order_id, "sales/purchase.html#receipt")


def _answer(request: HttpRequest, order_id: UUID, template: str) -> HttpResponse:
    purchase = orders.one(shoppers.of_account(request.user.pk or 0), order_id)
    if purchase is None:
        raise Http404(str(order_id))
    if isinstance(purchase, Outcome):
        return errors.unavailable(request)
    if purchase.state == "held":
        return redirect("sale", purchase.sale_slug)
    response = render(request, template, shown(request, purchase))
    response.headers["X-Server-Time"] = instant(round(datetime.now(UTC).timestamp() * 1_000))
    return caching.personal(response)


def shown(request: HttpRequest, purchase: Purchase) -> dict[str, Any]:
    """Return what the template shows."""
    is_recording = purchase.state == "recording"
    return {
        "purchase": purchase,
        "bought_by": getattr(request.user, "email", ""),
        "qr": _qr(request.build_absolute_uri(reverse("purchase", args=[purchase.order_id]))),
        "delay_ms": polling.RECORDING.drawn(random.random()) if is_recording else None,  # noqa: S311 - jitter
    }


@lru_cache(maxsize=MOST_KEPT)  # half of what a receipt costs, which asks again until it is on record
def _qr(address: str) -> SafeString:
    """Return the QR code of an address as inline SVG without a style; black on white is the page's business."""
    code = segno.make(address, micro=False, error="m")
    return mark_safe(code.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None))  # noqa: S308 - our own

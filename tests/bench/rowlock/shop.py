"""The row-lock baseline's views, URLs and WSGI application."""

import json
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.rowlock.settings")

import django

django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import transaction  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402

from tests.bench.rowlock.models import LockedPurchase, LockedSale  # noqa: E402


def purchase(request: HttpRequest) -> JsonResponse:
    """Buy a unit: the row of the sale is locked from the first question to the commit."""
    wanted = json.loads(request.body)
    with transaction.atomic():
        sale = LockedSale.objects.select_for_update().filter(slug=wanted["flashSaleId"]).first()
        if sale is None:
            return _refused("Flash sale not found")
        if not sale.opens_at <= timezone.now() < sale.closes_at:
            return _refused("Sale is not open")
        if LockedPurchase.objects.filter(sale=sale, user=wanted["userId"]).exists():
            return _refused("You have already purchased this item")
        if sale.left <= 0:
            return _refused("Item is sold out")
        sale.left -= 1
        sale.save(update_fields=["left"])
        bought = LockedPurchase.objects.create(sale=sale, user=wanted["userId"])
    return JsonResponse(
        {
            "success": True,
            "message": "Purchase successful!",
            "purchaseId": str(bought.pk),
            "remainingStock": sale.left,
        }
    )


def status(request: HttpRequest, slug: str) -> JsonResponse:
    """Say how a sale stands."""
    sale = LockedSale.objects.filter(slug=slug).first()
    if sale is None:
        return JsonResponse({"error": "Flash sale not found"}, status=404)
    return JsonResponse({"id": sale.slug, "totalStock": sale.stock, "remainingStock": sale.left})


def health(request: HttpRequest) -> JsonResponse:
    """Say that the process is alive."""
    return JsonResponse({"status": "OK"})


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"success": False, "message": message}, status=400)


urlpatterns = [
    path("health", health),
    path("api/flashsale/purchase", purchase),
    path("api/flashsale/status/<slug:slug>", status),
]

application = WSGIHandler()

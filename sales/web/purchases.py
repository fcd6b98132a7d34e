"""My purchases: everything this shopper bought or holds, over all sales."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sales.domain import shoppers
from sales.queries import orders
from sales.web import caching


@require_safe
@login_required
def show(request: HttpRequest) -> HttpResponse:
    """Show all of them, newest first."""
    purchases = orders.of_shopper(shoppers.of_account(request.user.pk or 0))
    return caching.personal(render(request, "sales/purchases.html", {"purchases": purchases}))

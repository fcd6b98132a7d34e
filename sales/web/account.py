"""The account's own page: who is signed in, and the way to each thing that can be changed."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sales.web import caching


@require_safe
@login_required
def show(request: HttpRequest) -> HttpResponse:
    """Show it."""
    return caching.personal(render(request, "sales/account.html"))

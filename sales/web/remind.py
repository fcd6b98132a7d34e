"""Asking to be reminded by e-mail before a sale opens, and taking that back: a plain form, back to the sale's page."""

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language

from sales.queries import reminders
from sales.services import reminding
from sales.web import caching
from sales.web import sale as sale_page


@login_required
def remind(request: HttpRequest, slug: str) -> HttpResponse:
    """Do what was pressed: `remind` is on or off. Who comes with GET, as after signing in, is sent to the sale."""
    sale, account = sale_page.entry_of(slug), request.user.pk or 0
    wanted = request.POST.get("remind")
    if wanted == "off":
        reminding.take_back(account=account, sale_pk=sale.pk)
    elif wanted == "on" and reminders.may_be_asked(sale, now=datetime.now(UTC)):
        page = request.build_absolute_uri(reverse("sale", args=[slug]))
        reminding.ask(account=account, sale_pk=sale.pk, language=get_language() or "en", page=page)
    response = redirect("sale", slug)
    response.status_code = 303
    return caching.personal(response)

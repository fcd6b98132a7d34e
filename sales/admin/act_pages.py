"""What the page of every act has: a form that asks why, today's numbers, and what the act will do with them.

Which acts there are, and what they do, is the business of `sale_acts`, `sale_changes` and `order_cancel`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from sales.admin.base import ModelAdmin
from sales.models import Order, Sale
from sales.queries import operations, verdicts
from sales.queries.operations import Standing
from sales.services.acting import WHY_LENGTH


class ReasonForm(forms.Form):
    """Why; it goes into the trail."""

    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=WHY_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
        help_text=gettext_lazy("One sentence for the trail: who reads it later was not there."),
        error_messages={"required": gettext_lazy("Say why. This cannot be undone, and the trail should tell.")},
    )


def context(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    *,
    of: Sale | Order,
    title: str,
    form: ReasonForm,
    will: Callable[[Standing], list[str]],
    **more: Any,
) -> dict[str, Any]:
    """Return what the page of an act on this sale or order shows; `will` says what the act will do."""
    standing = operations.standing(slug=of.slug if isinstance(of, Sale) else of.sale.slug)
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "original": of,
        "will": will(standing) if standing else [],
        "standing": standing,
        "verdict": verdicts.verdict(standing) if standing else "",
        "lag_ms": operations.record_lag_ms(of=standing) if standing else None,
        "form": form,
        "media": model_admin.media,
        **more,
    }


def clock(of: Standing | Sale, moment: datetime) -> str:
    """Return what the clocks of the sale's zone show, to the second."""
    return date_format(moment.astimezone(of.zone), "j F Y, H:i:s")

"""Cancelling an order in the admin: a page that says with today's numbers what it will do, and the act itself.

Record and ledger, in which order, and the trail are `sales.services.cancelling`'s business.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sales.admin import act_pages
from sales.admin.base import change_url
from sales.admin.site import actor
from sales.domain.states import OrderState, SaleState
from sales.models import Order
from sales.queries.operations import Standing
from sales.services import cancelling, lifecycle

if TYPE_CHECKING:
    from sales.admin.orders import OrderAdmin

BACK, KEPT = "back", "kept"


class CancelForm(act_pages.ReasonForm):
    """What becomes of the unit, and why."""

    unit = forms.ChoiceField(
        label=gettext_lazy("Its unit"),
        choices=[
            (BACK, gettext_lazy("goes back on sale")),
            (KEPT, gettext_lazy("is kept back: stock is one less")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say what becomes of the unit.")},
    )
    field_order = ("unit", "why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["why"].required = True
        self.fields["why"].widget.attrs.pop("autofocus", None)


def may_cancel(request: HttpRequest) -> bool:
    """Whether who asks may cancel orders: Django's permission to change them, which nobody can use otherwise."""
    return request.user.has_perm("sales.change_order")


def page(model_admin: "OrderAdmin", request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say what cancelling this order will do and ask for a reason; on POST, do it."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    order = Order.objects.filter(pk=pk).select_related("sale").first()
    if order is None:
        raise Http404(_("There is no such order."))
    if not may_cancel(request):
        raise PermissionDenied
    form = CancelForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _do(request, order, kept_back=form.cleaned_data["unit"] == KEPT, why=form.cleaned_data["why"])
        return HttpResponseRedirect(change_url(order))
    if order.state == OrderState.CANCELLED:
        messages.error(request, _("The order %(order)s is cancelled already.") % {"order": order})
        return HttpResponseRedirect(change_url(order))
    title = _("Cancel the order %(order)s") % {"order": order}
    shown = act_pages.context(model_admin, request, of=order, title=title, form=form, will=partial(_will, order))
    return TemplateResponse(request, "admin/sales/order/cancel.html", shown)


def _do(request: HttpRequest, order: Order, *, kept_back: bool, why: str) -> None:
    try:
        act = cancelling.cancel(order_pk=order.pk, kept_back=kept_back, actor=actor(request), why=why)
    except lifecycle.Refused as refusal:
        messages.error(request, _("Not done for %(order)s: %(refusal)s") % {"order": order, "refusal": refusal})
        return
    words = {"order": order, "unit": order.unit}
    sentence = (
        _("The order %(order)s is cancelled, and unit %(unit)s is kept back.")
        if kept_back
        else _("The order %(order)s is cancelled, and unit %(unit)s is back on sale.")
    ) % words
    if act.reached_ledger:
        messages.success(request, sentence)
    else:
        sentence = _("The order %(order)s is cancelled on record.") % words
        follows = _("The ledger was not reached: it will follow as soon as the keeper reaches it.")
        messages.warning(request, f"{sentence} {follows}")


def _will(order: Order, standing: Standing) -> list[str]:
    words = {"unit": order.unit, "sale": order.sale.slug, "recorded": standing.recorded, "then": standing.recorded - 1}
    says = [_("Unit %(unit)s of %(sale)s is nobody's any more. Orders on record: %(then)s then, %(recorded)s now.")]
    if standing.state is SaleState.SETTLED:
        says.append(_("The sale is settled, so nothing is sold again: only the record changes."))
    elif standing.live is None:
        says.append(_("The ledger is not reachable. The order is cancelled at once; the ledger follows once it is."))
    else:
        words |= {"left": standing.live.left, "more": standing.live.left + 1}
        words |= {"stock": standing.stock, "less": standing.stock - 1}
        says.append(_("Back on sale: %(more)s left then, %(left)s now. Kept back: stock %(less)s then, %(stock)s now."))
    says.append(
        _("It still counts to its shopper's limit: who bought it cannot buy another in its place.")
        if order.sale.cancelled_counts
        else _("Who bought it may buy another in its place, as long as the sale is on.")
    )
    says.append(_("This cannot be undone."))
    return [each % words for each in says]

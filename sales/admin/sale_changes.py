"""Stock and window of a running sale in the admin: a page with today's numbers for each, and the change itself.

Whether it can be, in what order record and ledger learn of it, and the trail are `sales.services.changing`'s business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sales.admin import act_pages, zones
from sales.admin.base import change_url
from sales.admin.site import actor
from sales.domain.states import SaleState
from sales.models import Sale
from sales.models.sales import MAX_STOCK
from sales.queries.operations import Standing
from sales.services import changing, lifecycle

if TYPE_CHECKING:
    from sales.admin.sales import SaleAdmin

RUNNING = frozenset({SaleState.PUBLISHED, SaleState.PAUSED})
_SAY_WHY = gettext_lazy("Say why: the trail should tell.")


class ChangeForm(act_pages.ReasonForm):
    """A change with its reason, and the number of the last change that its page showed."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sale = sale
        self.fields["why"].required = True
        self.fields["why"].error_messages["required"] = _SAY_WHY
        self.fields["why"].widget.attrs.pop("autofocus", None)


class RestockForm(ChangeForm):
    """How many more, or fewer."""

    by = forms.IntegerField(
        label=gettext_lazy("How many more"),
        min_value=-MAX_STOCK,
        max_value=MAX_STOCK,
        widget=forms.NumberInput(attrs={"class": "vIntegerField", "autofocus": True}),
        help_text=gettext_lazy("Fewer with a minus: -5 takes five away."),
    )
    field_order = ("by", "why")


class MoveForm(ChangeForm):
    """The window, as the clocks of the sale's zone show it."""

    opens_at = zones.WallClockField(label=gettext_lazy("Opens"))
    closes_at = zones.WallClockField(label=gettext_lazy("Ends"))
    field_order = ("opens_at", "closes_at", "why")

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, sale=sale, **kwargs)
        for name in ("opens_at", "closes_at"):
            self.initial.setdefault(name, zones.shown(moment=getattr(sale, name), zone=sale.zone))
        if sale.opens_at <= timezone.now():
            del self.fields["opens_at"]

    def clean(self) -> dict[str, Any]:
        """Turn what the clocks show into instants; what nobody touched stays as it was, to the microsecond."""
        cleaned = super().clean() or self.cleaned_data
        for name in ("opens_at", "closes_at"):
            untouched: datetime = getattr(self.sale, name)
            if (wall := cleaned.get(name)) is None:
                continue
            try:
                same = wall == zones.shown(moment=untouched, zone=self.sale.zone)
                cleaned[name] = untouched if same else zones.instant(wall=wall, zone=self.sale.zone)
            except ValidationError as refusal:
                self.add_error(name, refusal)
        return cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleChange:
    """One kind of change: its button, its form, and the sentences before and after."""

    name: str
    button: str | Promise
    form: type[ChangeForm]
    done: Callable[[Sale], str]
    does: Callable[..., lifecycle.Act]
    will: Callable[[Standing], list[str]]

    @property
    def url_name(self) -> str:
        """Return the name of the address of the change's page."""
        return f"admin:sales_sale_{self.name}"


def _will_restock(standing: Standing) -> list[str]:
    says = [_("More is on sale at once. Less takes away what nobody has: no unit that is sold or held is taken back.")]
    live = standing.live
    if live is None:
        return [*says, _follows_later()]
    numbers = {"stock": standing.stock, "sold": live.sold, "held": live.held, "left": live.left}
    counted = _("Stock is %(stock)s now: %(sold)s sold, %(held)s held, %(left)s left.") % numbers
    least = _("It can go down to %(least)s.") % {"least": live.sold + live.held}
    return [f"{counted} {least}", *says]


def _will_move(standing: Standing) -> list[str]:
    words = {
        "opens": act_pages.clock(standing, standing.opens_at),
        "ends": act_pages.clock(standing, standing.closes_at),
        "zone": standing.time_zone,
    }
    opened = standing.opens_at <= timezone.now()
    says = [
        _("The sale is on from %(opens)s to %(ends)s, by the clocks of %(zone)s.") % words,
        _("It has opened, so its opening stays. A new end has to be in the future; it may be later or sooner.")
        if opened
        else _("It has not opened yet, so both can be moved, as long as they are in the future."),
        _("Pages show it within a second. A unit that is held at the end can still be confirmed until its time is up."),
    ]
    return says if standing.live else [*says, _follows_later()]


def _follows_later() -> str:
    return _("The ledger is not reachable. What you ask for is done as soon as it is.")


RESTOCK = SaleChange(
    name="restock",
    button=gettext_lazy("Restock"),
    form=RestockForm,
    done=lambda sale: _("Stock of %(sale)s is %(stock)s now.") % {"sale": sale.slug, "stock": sale.stock},
    does=changing.restock,
    will=_will_restock,
)
MOVE = SaleChange(
    name="move",
    button=gettext_lazy("Move the window"),
    form=MoveForm,
    done=lambda sale: (
        _("The sale %(sale)s is on from %(opens)s to %(ends)s now.")
        % {
            "sale": sale.slug,
            "opens": act_pages.clock(sale, sale.opens_at),
            "ends": act_pages.clock(sale, sale.closes_at),
        }
    ),
    does=changing.move,
    will=_will_move,
)
CHANGES = (RESTOCK, MOVE)


def changes_for(sale: Sale) -> tuple[SaleChange, ...]:
    """Return what can be changed by a page of its own: of a running sale both, of others nothing."""
    return CHANGES if sale.state in RUNNING else ()


def page(model_admin: "SaleAdmin", request: HttpRequest, *, pk: int, change: SaleChange) -> HttpResponse:
    """Show today's numbers and ask what to change and why; on POST, change it."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    sale = Sale.objects.filter(pk=pk).first()
    if sale is None:
        raise Http404(_("There is no such sale."))
    if not model_admin.has_change_permission(request, sale):
        raise PermissionDenied
    if change not in changes_for(sale):
        words = {"sale": sale.slug, "state": sale.state}
        messages.error(request, _("The sale %(sale)s is %(state)s: this is not changed here.") % words)
        return HttpResponseRedirect(change_url(sale))
    form = change.form(request.POST if request.method == "POST" else None, sale=sale)
    if request.method == "POST" and form.is_valid():
        if _do(request, change, form):
            return HttpResponseRedirect(change_url(sale))
        # Not taken: the same form once more, beside the numbers that stood in its way.
        form = change.form(sale=sale, initial={name: request.POST.get(name) for name in form.fields if name != "seen"})
    title = _("%(act)s: %(sale)s") % {"act": change.button, "sale": sale.slug}
    shown = act_pages.context(model_admin, request, of=sale, title=title, form=form, will=change.will, act=change)
    if not form.is_bound and shown["standing"]:
        form.initial["seen"] = shown["standing"].change
    return TemplateResponse(request, "admin/sales/sale/act.html", shown)


def _do(request: HttpRequest, change: SaleChange, form: ChangeForm) -> bool:
    """Do it and say so. Returns whether it was taken."""
    given = dict(form.cleaned_data)
    why = given.pop("why")
    try:
        act = change.does(sale_pk=form.sale.pk, actor=actor(request), why=why, **given)
    except lifecycle.Refused as refusal:
        messages.error(request, _("Not done for %(sale)s: %(refusal)s") % {"sale": form.sale.slug, "refusal": refusal})
        return False
    if act.reached_ledger:
        messages.success(request, change.done(act.sale))
    else:
        sentence = _("Asked for %(sale)s, and on record. The ledger was not reached: it is done once the keeper does.")
        messages.warning(request, sentence % {"sale": act.sale.slug})
    return True

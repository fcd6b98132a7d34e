"""Publish, pause, resume and close in the admin: a page that says what the act will do today, and the act itself.

What may follow what is `sales.services.lifecycle`'s business, and so are the trail and the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sales.admin import act_pages
from sales.admin.base import change_url
from sales.admin.site import actor
from sales.domain.states import SaleState
from sales.models import Sale
from sales.queries.operations import Standing
from sales.services import lifecycle

if TYPE_CHECKING:
    from sales.admin.sales import SaleAdmin

type Words = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleAct:
    """One act: its button, where it leads, and the sentence that reports it."""

    name: str
    button: Words
    leads_to: SaleState
    begins_in: SaleState | None  # where two states lead to the same
    done: Words
    does: Callable[..., lifecycle.Act]
    will: Callable[[Standing], list[str]]  # what it will do, what stays as it is
    needs_why: bool = False

    @property
    def url_name(self) -> str:
        """Return the name of the address of the act's page."""
        return f"admin:sales_sale_{self.name}"


def _will_publish(standing: Standing) -> list[str]:
    words = {
        "stock": standing.stock,
        "opens": act_pages.clock(standing, standing.opens_at),
        "ends": act_pages.clock(standing, standing.closes_at),
        "zone": standing.time_zone,
    }
    return [
        _("The sale gets its page. %(stock)s are on sale from %(opens)s to %(ends)s, %(zone)s.") % words,
        _("Its name, product, limit and hold time are fixed from then on, and it can no longer be deleted."),
    ]


def _will_pause(standing: Standing) -> list[str]:
    return [
        _("Nobody can buy until you resume. %(left)s stay where they are.") % {"left": _left(standing)},
        _("Who holds one (%(held)s now) can still confirm it or let it go. The end of the sale does not move.")
        % {"held": _held(standing)},
    ]


def _will_resume(standing: Standing) -> list[str]:
    return [_("%(left)s are on sale again, within the window.") % {"left": _left(standing)}]


def _will_close(standing: Standing) -> list[str]:
    return [
        _("The sale ends now, for good: it cannot be opened again. %(left)s stay unsold.") % {"left": _left(standing)},
        _("Who holds one (%(held)s now) can still confirm it until its time is up. Orders stay as they are.")
        % {"held": _held(standing)},
    ]


PUBLISH = SaleAct(
    name="publish",
    button=gettext_lazy("Publish"),
    begins_in=SaleState.DRAFT,
    leads_to=SaleState.PUBLISHED,
    done=gettext_lazy("The sale %(sale)s is published."),
    does=lifecycle.publish,
    will=_will_publish,
)
PAUSE = SaleAct(
    name="pause",
    button=gettext_lazy("Pause"),
    begins_in=None,
    leads_to=SaleState.PAUSED,
    done=gettext_lazy("The sale %(sale)s is paused."),
    does=lifecycle.pause,
    will=_will_pause,
)
RESUME = SaleAct(
    name="resume",
    button=gettext_lazy("Resume"),
    begins_in=SaleState.PAUSED,
    leads_to=SaleState.PUBLISHED,
    done=gettext_lazy("The sale %(sale)s sells on."),
    does=lifecycle.resume,
    will=_will_resume,
)
CLOSE = SaleAct(
    name="close",
    button=gettext_lazy("Close for good"),
    begins_in=None,
    leads_to=SaleState.CLOSED,
    done=gettext_lazy("The sale %(sale)s is closed."),
    does=lifecycle.close,
    will=_will_close,
    needs_why=True,
)
ACTS = (PUBLISH, PAUSE, RESUME, CLOSE)


def acts_for(sale: Sale) -> tuple[SaleAct, ...]:
    """Return the acts that may follow."""
    return tuple(
        act for act in ACTS if sale.may_become(act.leads_to) and act.begins_in in {None, SaleState(sale.state)}
    )


def page(model_admin: "SaleAdmin", request: HttpRequest, *, pk: int, act: SaleAct) -> HttpResponse:
    """Say what the act will do with today's numbers and ask for a reason; on POST, do it."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    sale = Sale.objects.filter(pk=pk).first()
    if sale is None:
        raise Http404(_("There is no such sale."))
    if not model_admin.has_change_permission(request, sale):
        raise PermissionDenied
    form = act_pages.ReasonForm(request.POST if request.method == "POST" else None)
    form.fields["why"].required = act.needs_why
    if request.method == "POST" and form.is_valid():
        _do(request, act, sale, why=form.cleaned_data["why"])
        return HttpResponseRedirect(change_url(sale))
    if act not in acts_for(sale):
        words = {"sale": sale.slug, "state": sale.state}
        messages.error(request, _("The sale %(sale)s is %(state)s: this does not follow.") % words)
        return HttpResponseRedirect(change_url(sale))
    title = _("%(act)s: %(sale)s") % {"act": act.button, "sale": sale.slug}
    shown = act_pages.context(model_admin, request, of=sale, title=title, form=form, will=act.will, act=act)
    return TemplateResponse(request, "admin/sales/sale/act.html", shown)


def do_many(request: HttpRequest, act: SaleAct, sales: QuerySet[Sale]) -> None:
    """Do the same to several sales, one after the other; each gets its own sentence."""
    for sale in sales.order_by("pk"):
        _do(request, act, sale, why="")


def _do(request: HttpRequest, act: SaleAct, sale: Sale, *, why: str) -> None:
    try:
        done = act.does(sale_pk=sale.pk, by=actor(request), why=why)
    except lifecycle.Refused as refusal:
        messages.error(request, _("Not done for %(sale)s: %(refusal)s") % {"sale": sale.slug, "refusal": refusal})
        return
    sentence = str(act.done) % {"sale": sale.slug}
    if done.reached_ledger:
        messages.success(request, sentence)
    else:
        follows = _("The ledger was not reached: it will follow as soon as the keeper reaches it.")
        messages.warning(request, f"{sentence} {follows}")


def _left(standing: Standing) -> str:
    return _("what is left") if standing.live is None else _("%(left)s left") % {"left": standing.live.left}


def _held(standing: Standing) -> str:
    return _("how many, nobody can tell") if standing.live is None else str(standing.live.held)

"""The page of one sale: the ticket with its face, and in the stub what this visitor has, or what everybody sees."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from sales.answers import drawn, passes, steps
from sales.answers.buying import BuyForm
from sales.domain import shoppers
from sales.domain.outcomes import Outcome
from sales.live.results import Found
from sales.queries import catalogue, mine, panels, reminders, snapshots, tickets
from sales.queries.catalogue import SaleEntry
from sales.queries.mine import Mine
from sales.queries.panels import Panel
from sales.queries.stubs import local
from sales.queries.tickets import Ticket
from sales.services import purchasing
from sales.web import caching, preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """What stands in the stub, one of the two, and the form beside it."""

    mine: Mine | None
    panel: Panel | None
    form: BuyForm

    @property
    def refresh_seconds(self) -> int | None:
        """After how long a page without scripts asks anew; None where nothing will change."""
        shown = self.mine or self.panel
        if shown is None or shown.delay_ms is None:
            return None
        return drawn.refresh_seconds(shown.delay_ms)

    @property
    def title(self) -> str:
        """What the page's title says of the sale."""
        if self.mine and self.mine.state != "told":
            return {"held": _("held for you"), "bought": _("yours"), "cancelled": _("cancelled")}[self.mine.state]
        panel = self.panel or (self.mine and self.mine.panel)
        return _TITLES[panel.state]() if panel else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """The offer to write before the opening, to who is signed in; `at` is when the mail goes, in the sale's zone."""

    email: str
    at: datetime
    minutes: int
    is_set: bool


_TITLES = {
    "far": lambda: _("coming"),
    "near": lambda: _("opens today"),
    "zero": lambda: _("opening"),
    "live": lambda: _("on sale now"),
    "paused": lambda: _("paused"),
    "sold_out": lambda: _("sold out"),
    "ended": lambda: _("over"),
    panels.DEGRADED: lambda: _("one moment"),
}


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the sale. `?more` shows the panel also to who has something: to buy another."""
    sale = entry_of(slug)
    stub = stub_of(request, sale, wants_panel="more" in request.GET)
    ticket = tickets.of(sale)
    shown = preview.of(request, ticket, stub.panel) if stub.panel else None
    context = {**page_of(ticket, stub), "remind": _remind(request, sale), "preview": shown}
    return caching.page(request, render(request, "sales/sale.html", context))


def entry_of(slug: str) -> SaleEntry:
    """Return the public sale of this name, or answer 404."""
    sale = catalogue.get(slug)
    if sale is None:
        raise Http404(slug)
    return sale


def page_of(ticket: Ticket, stub: Stub) -> dict[str, Any]:
    """Return what the template of the page shows."""
    return {
        "ticket": ticket,
        "panel": stub.panel,
        "mine": stub.mine,
        "form": stub.form,
        "title": stub.title,
        "refresh_seconds": stub.refresh_seconds,
        "remind": None,
        "preview": None,
    }


def _remind(request: HttpRequest, sale: SaleEntry) -> Remind | None:
    """Return the offer; None for who is not signed in, and once it is too late for a mail."""
    account = request.user.pk
    if not request.user.is_authenticated or account is None or not reminders.may_be_asked(sale, now=datetime.now(UTC)):
        return None
    lead = reminders.lead()
    return Remind(
        email=request.user.email,
        at=local(sale.opens_at - lead, sale),
        minutes=lead // timedelta(minutes=1),
        is_set=reminders.is_set(account=account, sale_pk=sale.pk),
    )


def stub_of(request: HttpRequest, sale: SaleEntry, *, wants_panel: bool = False) -> Stub:
    """Return what this visitor's stub shows, with a pass for who is signed in."""
    chance = random.random()  # noqa: S311 - jitter
    having, form, found = None, BuyForm(slug=sale.slug), None
    if request.user.is_authenticated and request.user.pk is not None:
        found = purchasing.run(steps.find(sale, shopper=shoppers.of_account(request.user.pk)))
        form = form_of(sale, found, account=request.user.pk, session_key=request.session.session_key or "")
    snapshot = snapshots.of(sale)  # after what is theirs, so that a hold that ran out is not counted as held
    if found and not wants_panel:
        having = mine.of(sale, found, snapshot, chance=chance)
        having = having and mine.told_by_record(having)
    panel = None if having else panels.of(sale, snapshot, chance=chance)
    if panel and panel.state != "ended":
        email = getattr(request.user, "email", "")
        form = replace(form, ready=email, invites=not email)
    return Stub(mine=having, panel=panel, form=form)


def form_of(sale: SaleEntry, found: Found, *, account: int, session_key: str) -> BuyForm:
    """Return the form with a pass for the shopper's next slot.

    At the limit it is for the newest, and where the ledger is silent for the first: a pass of a slot that is taken is
    answered with the purchase of that slot.
    """
    slot = found.next_slot if found.outcome is Outcome.FOUND else 1
    if found.at_limit and found.counted:
        slot = found.counted[0].slot
    text = passes.mint(sale=sale.pk, account=account, slot=slot, session_key=session_key)
    return BuyForm(slug=sale.slug, pass_text=text)


def beside(form: BuyForm) -> BuyForm:
    """Return the form as it goes beside a fragment: it replaces the page's own."""
    return replace(form, out_of_band=True)


def in_page(form: BuyForm) -> BuyForm:
    """Return the form as it stands in a page."""
    return replace(form, out_of_band=False)

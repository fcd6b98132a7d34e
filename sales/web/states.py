"""The style guide: every state of a sale's page, each by one link, made by the same code as the real ones.

For staff, and for everybody in the demo. The numbers are made up; nothing is asked and nothing can be bought here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sales import conf
from sales.answers.buying import BuyForm
from sales.answers.passes import Flaw
from sales.answers.telling import Click, tell
from sales.conf import Site
from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live.entries import Entry, EntryState
from sales.live.limiter import Allowance
from sales.live.results import Snapshot, Taken
from sales.queries import mine, panels
from sales.queries.catalogue import SaleEntry
from sales.queries.mine import Mine
from sales.queries.stubs import Stock, local
from sales.queries.tickets import Ticket
from sales.web import caching, guide
from sales.web import sale as sale_page
from sales.web.sale import Stub

NOW = datetime(2026, 11, 22, 17, 17, 0, 418_000, tzinfo=UTC)
ORDER = UUID("9df2f152-1d00-4000-8000-000000000063")
NEVER_MS = 86_400_000  # nothing polls from here


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state: its name in the address, and how its stub is made."""

    name: str
    make: Callable[[], Stub]


@require_safe
def show_all(request: HttpRequest) -> HttpResponse:
    """List all states, and the other pages."""
    _only_for_staff(request)
    listed = {"names": tuple(STATES), "others": tuple(guide.PAGES), "accounts": guide.accounts()}
    return caching.personal(render(request, "sales/states.html", listed))


@require_safe
def show(request: HttpRequest, name: str) -> HttpResponse:
    """Show one state in its page, or one of the other pages."""
    _only_for_staff(request)
    if name in guide.PAGES:
        return caching.personal(guide.PAGES[name](request))
    if name not in STATES:
        raise Http404(name)
    context = {**sale_page.page_of(_ticket(_sale()), STATES[name].make()), "now": NOW}
    return caching.personal(render(request, "sales/sale.html", context))


def _only_for_staff(request: HttpRequest) -> None:
    if conf.current().site is not Site.DEMO and not getattr(request.user, "is_staff", False):
        raise Http404


def _sale(*, opens_in: timedelta = timedelta(minutes=-17), hold_seconds: int = 600) -> SaleEntry:
    opens_at = NOW + opens_in
    if opens_in < timedelta(0):
        opens_at = opens_at.replace(microsecond=0)
    return SaleEntry(
        pk=0,
        slug="night-ferry",
        state=SaleState.PUBLISHED,
        name="Night Ferry",
        subtitle="Screen print, 50 × 70 cm. 100 made, one each.",
        price=Decimal("48.00"),
        currency="EUR",
        stock=100,
        limit=1,
        opens_at=opens_at,
        closes_at=opens_at + timedelta(hours=1),
        time_zone="Europe/Berlin",
        hold_seconds=hold_seconds,
        hold_extension_seconds=300,
        cancelled_counts=False,
        recorded=0,
    )


def _ticket(sale: SaleEntry) -> Ticket:
    return Ticket(
        slug=sale.slug,
        name=sale.name,
        subtitle=sale.subtitle,
        description="Five colours on 300 g cotton paper, pulled by hand. Each sheet carries its number in pencil.",
        picture=None,
        picture_alt="",
        price=sale.price,
        currency=sale.currency,
        compare_at=Decimal("65.00"),
        compare_at_meaning="lowest_30_days",
        stock=sale.stock,
        limit=sale.limit,
        opens_at=local(sale.opens_at, sale),
        closes_at=local(sale.closes_at, sale),
        hold_seconds=sale.hold_seconds,
        zone=sale.time_zone,
    )


def _snapshot(sale: SaleEntry, *, left: int = 37, held: int = 5, **more: Any) -> Snapshot:
    values: dict[str, Any] = {
        "outcome": Outcome.FOUND,
        "now_ms": _ms(NOW),
        "stock": sale.stock,
        "sold": sale.stock - left - held,
        "held": held,
        "opens_ms": _ms(sale.opens_at),
        "closes_ms": _ms(sale.closes_at),
        "sold_out_ms": 0 if left else _ms(sale.opens_at) + 192_401,
        "limit": sale.limit,
    }
    return Snapshot(**{**values, **more})


def _panel(*, opens_in: timedelta = timedelta(minutes=-17), **numbers: Any) -> Callable[[], Stub]:
    def make() -> Stub:
        sale = _sale(opens_in=opens_in)
        panel = panels.of(sale, _snapshot(sale, **numbers), chance=0.5, now=NOW)
        shown = replace(panel, delay_ms=panel.delay_ms and NEVER_MS)
        return Stub(mine=None, panel=shown, form=BuyForm(slug=sale.slug))

    return make


def _degraded() -> Stub:
    sale, stub = _sale(), _panel(outcome=Outcome.UNREACHABLE)()
    last, at = Stock(of=100, left=37, held=5), local(NOW - timedelta(seconds=41), sale)
    return replace(stub, panel=stub.panel and replace(stub.panel, last=last, last_at=at))


def _mine(made: Mine) -> Stub:
    return Stub(mine=replace(made, delay_ms=made.delay_ms and NEVER_MS), panel=None, form=BuyForm(slug=made.slug))


def _entry(state: EntryState, *, to_deadline: timedelta = timedelta(0), order_id: UUID = ORDER) -> Entry:
    at = NOW + to_deadline
    return Entry(
        slot=1, state=state, lost=0, unit=63, seq=58, taken_ms=_ms(NOW) - 19_000, at_ms=_ms(at), order_id=order_id,
        key_digest="",
    )  # fmt: skip


def _held(left: timedelta) -> Callable[[], Stub]:
    return lambda: _mine(mine.held(_sale(), _entry(EntryState.HELD, to_deadline=left), now_ms=_ms(NOW)))


def _bought(*, recorded: bool) -> Callable[[], Stub]:
    entry = _entry(EntryState.BOUGHT)
    return lambda: _mine(
        mine.bought(_sale(), entry, now_ms=_ms(NOW), recorded=recorded, another=False, chance=0.5)
    )  # fmt: skip


def _cancelled() -> Stub:
    made = mine.cancelled(_sale(), _entry(EntryState.CANCELLED), now_ms=_ms(NOW), another=True)
    return _mine(replace(made, cancelled_at=made.as_of, cancel_reason="print damaged in the press"))


def _click(done: Taken | Allowance | Flaw, *, opens_in: timedelta = timedelta(minutes=-17), **numbers: Any) -> Stub:
    sale = _sale(opens_in=opens_in)
    click = Click(verb="buy", fields={}, own_order=ORDER, chance=0.5)
    return _mine(tell(sale, click, done, _snapshot(sale, **numbers)).mine)


def _refused(
    outcome: Outcome, *, left: int = 37, held: int = 5, entry: Entry | None = None, **more: Any
) -> Callable[[], Stub]:
    moment_ms = more.pop("moment_ms", 0)
    done = Taken(outcome=outcome, now_ms=_ms(NOW), left=left, held=held, moment_ms=moment_ms, entry=entry)
    return lambda: _click(done, left=left, held=held, **more)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


_SOON, _OVER = timedelta(minutes=5), timedelta(minutes=-61)
_ANOTHERS = UUID("11111111-1d00-4000-8000-000000000063")

STATES = {
    state.name: state
    for state in (
        State(name="far", make=_panel(opens_in=timedelta(days=5, hours=1))),
        State(name="near", make=_panel(opens_in=timedelta(minutes=4, seconds=37), left=100, held=0)),
        State(name="last-seconds", make=_panel(opens_in=timedelta(seconds=8), left=100, held=0)),
        State(name="zero", make=_panel(opens_in=timedelta(milliseconds=400), left=100, held=0)),
        State(name="live", make=_panel()),
        State(name="low", make=_panel(left=2, held=6)),
        State(name="paused", make=_panel(held=0, state=LedgerState.PAUSED)),
        State(name="sold-out-held", make=_panel(left=0, held=3)),
        State(name="sold-out", make=_panel(left=0, held=0)),
        State(name="ended", make=_panel(opens_in=_OVER, left=4, held=0)),
        State(name="degraded", make=_degraded),
        State(name="held", make=_held(timedelta(minutes=9, seconds=41))),
        State(name="held-last-minutes", make=_held(timedelta(minutes=1, seconds=12))),
        State(name="bought-recording", make=_bought(recorded=False)),
        State(name="bought-recorded", make=_bought(recorded=True)),
        State(name="cancelled", make=_cancelled),
        State(
            name="ran-out",
            make=_refused(
                Outcome.GONE, left=4, held=3, entry=_entry(EntryState.GONE, to_deadline=-timedelta(seconds=4))
            ),
        ),
        State(
            name="let-go",
            make=_refused(Outcome.LET_GO, left=5, entry=_entry(EntryState.GONE, to_deadline=timedelta(minutes=3))),
        ),
        State(name="refused-upcoming", make=_refused(
            Outcome.UPCOMING, left=100, held=0, opens_in=_SOON, moment_ms=_ms(NOW + _SOON))),
        State(name="refused-sold-out", make=_refused(Outcome.SOLD_OUT, left=0, held=3, moment_ms=_ms(NOW) - 17)),
        State(name="refused-ended", make=_refused(
            Outcome.ENDED, left=4, held=0, opens_in=_OVER, moment_ms=_ms(NOW + _OVER + timedelta(hours=1)))),
        State(name="refused-paused", make=_refused(Outcome.PAUSED, held=0, state=LedgerState.PAUSED)),
        State(name="refused-already", make=_refused(
            Outcome.BOUGHT, left=35, held=4, entry=_entry(EntryState.BOUGHT, order_id=_ANOTHERS))),
        State(name="refused-too-many", make=lambda: _click(Allowance(allowed=False, reset_ms=24_000))),
        State(name="refused-lost-holds", make=_refused(Outcome.LOST_HOLDS)),
        State(name="refused-stale-page", make=_refused(Outcome.UNKNOWN_SLOT)),
        State(name="refused-other-session", make=lambda: _click(Flaw.OTHER_SESSION)),
        State(name="refused-other-sale", make=lambda: _click(Flaw.OTHER_SALE)),
        State(name="refused-bad-pass", make=lambda: _click(Flaw.TAMPERED)),
        State(name="refused-no-extension", make=_refused(
            Outcome.NO_EXTENSION, entry=_entry(EntryState.HELD, to_deadline=timedelta(minutes=1)))),
        State(name="cannot-tell", make=lambda: _click(Taken(outcome=Outcome.UNKNOWN))),
        State(name="not-now", make=lambda: _click(Taken(outcome=Outcome.NO_SCRIPT), outcome=Outcome.NO_SCRIPT)),
    )
}  # fmt: skip

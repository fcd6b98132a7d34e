"""What the stub of a ticket says to everybody: upcoming, on sale, paused, over, or that we cannot see it right now.

The same for all but for language and jitter. What one shopper has, and every refusal, is `mine`.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sales.domain import phases, polling
from sales.domain.outcomes import Outcome
from sales.domain.phases import Phase
from sales.domain.states import IN_LEDGER, LedgerState
from sales.live.results import Snapshot
from sales.queries import snapshots
from sales.queries.catalogue import SaleEntry
from sales.queries.stubs import Countdown, Stock, moment

DEGRADED = "degraded"
_LOOKS = {
    Phase.FAR: "upcoming",
    Phase.NEAR: "upcoming",
    Phase.ZERO: "upcoming",
    Phase.LIVE: "live",
    Phase.PAUSED: "live",
    Phase.SOLD_OUT: "gone",
    Phase.ENDED: "gone",
}
_TONES = {Phase.LIVE: "go", Phase.PAUSED: "info", Phase.SOLD_OUT: "gone", Phase.ENDED: "gone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The public stub. `state` is a phase or "degraded"; times are in the sale's zone.

    `delay_ms` is when to ask again, None never; `step` says which range it was drawn from.
    """

    slug: str
    state: str
    look: str  # data-state: which kind of thing the stub is
    tone: str
    as_of: datetime
    opens_at: datetime
    closes_at: datetime
    zone: str
    price: Decimal
    currency: str
    limit: int
    stock: Stock | None = None
    last: Stock | None = None  # where there is no stock: the last that we saw, and when
    last_at: datetime | None = None
    countdown: Countdown | None = None
    days: int = 0  # to the opening, where that is far
    ends_in_minutes: int | None = None
    went_in_seconds: int | None = None  # from the opening until the last one went
    closed_early: bool = False
    step: polling.Step | None = None
    delay_ms: int | None = None

    @property
    def is_degraded(self) -> bool:
        """Whether the numbers cannot be had right now."""
        return self.state == DEGRADED

    def fingerprint(self, *salt: str) -> str:
        """Return a digest of what the stub says, leaving out what is new each time: when, and the delay drawn."""
        said = replace(self, as_of=self.opens_at, delay_ms=None, countdown=None)
        return hashlib.sha256(repr((said, salt)).encode()).hexdigest()[:20]


def of(sale: SaleEntry, snapshot: Snapshot, *, chance: float, now: datetime | None = None) -> Panel:
    """Return what the stub says. `chance` in [0, 1) draws the delay; `now` is asked only where the ledger is silent."""
    if snapshot.outcome is not Outcome.FOUND:
        return _without_numbers(sale, now or datetime.now(UTC), chance)
    stock = Stock(of=snapshot.stock, left=snapshot.left, held=snapshot.held)
    return _panel(
        sale,
        now_ms=snapshot.now_ms,
        opens_ms=snapshot.opens_ms,
        closes_ms=snapshot.closes_ms,
        sold_out_ms=snapshot.sold_out_ms,
        state=snapshot.state,
        stock=stock,
        chance=chance,
    )


def _without_numbers(sale: SaleEntry, now: datetime, chance: float) -> Panel:
    """Say what the record alone knows: a window that has yet to open, or is over. In between we cannot see."""
    panel = _panel(
        sale,
        now_ms=_ms(now),
        opens_ms=_ms(sale.opens_at),
        closes_ms=_ms(sale.closes_at),
        sold_out_ms=0,
        state=IN_LEDGER.get(sale.state, LedgerState.CLOSED),
        stock=None,
        chance=chance,
    )
    if panel.state in {Phase.FAR, Phase.NEAR, Phase.ENDED}:
        return panel
    step, last = polling.DEGRADED, snapshots.last(sale.pk)
    return replace(
        panel,
        state=DEGRADED,
        look="live",
        tone="stop",
        last=Stock(of=last.stock, left=last.left, held=last.held) if last else None,
        last_at=moment(last.now_ms, sale) if last else None,
        ends_in_minutes=None,
        step=step,
        delay_ms=step.drawn(chance),
    )


def _panel(
    sale: SaleEntry,
    *,
    now_ms: int,
    opens_ms: int,
    closes_ms: int,
    sold_out_ms: int,
    state: LedgerState,
    stock: Stock | None,
    chance: float,
) -> Panel:
    left = stock.left if stock else 1
    phase = phases.of(state=state, now_ms=now_ms, opens_ms=opens_ms, closes_ms=closes_ms, left=left)
    step = polling.step(phase=phase, to_opening_ms=opens_ms - now_ms, held=stock.held if stock else 0)
    as_of, opens_at = moment(now_ms, sale), moment(opens_ms, sale)
    more: dict[str, Any] = {}
    if phase is Phase.FAR:
        more["days"] = (opens_ms - now_ms) // phases.DAY_MS
    elif phase.is_upcoming:
        more["countdown"] = Countdown.of(to=opens_at, now=as_of, says="opens", hours=True)
    elif phase is Phase.LIVE and closes_ms - now_ms < phases.DAY_MS:
        more["ends_in_minutes"] = -((now_ms - closes_ms) // 60_000)
    elif phase is Phase.ENDED:
        more["closed_early"] = now_ms < closes_ms
    if phase in {Phase.SOLD_OUT, Phase.ENDED} and stock and not stock.left and sold_out_ms > opens_ms:
        more["went_in_seconds"] = (sold_out_ms - opens_ms) // 1_000
    return Panel(
        slug=sale.slug,
        state=phase,
        look=_LOOKS[phase],
        tone=_TONES.get(phase, ""),
        as_of=as_of,
        opens_at=opens_at,
        closes_at=moment(closes_ms, sale),
        zone=sale.time_zone,
        price=sale.price,
        currency=sale.currency,
        limit=sale.limit,
        stock=stock,
        step=step,
        delay_ms=step.drawn(chance) if step else None,
        **more,
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)

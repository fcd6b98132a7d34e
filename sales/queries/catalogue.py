"""The published sales and the ledger's epoch, in memory: what every request needs to know of a sale before it asks.

It comes from the database and never from the ledger, so that an old ledger cannot vouch for itself. It holds what is on
record; the numbers of this second are in `snapshots`. Drafts are not in it: to the public there is no such sale.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import Error as DatabaseFault
from django.db.models import F

from sales import conf
from sales.domain.states import LIVE_STATES, SaleState
from sales.models import LedgerServer, Sale
from sales.queries.copies import RECORD_PATIENCE_SECONDS, Copy, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleEntry:
    """One sale that the public may know of. `price` is in `currency`.

    Times are aware datetimes in UTC, in whole milliseconds as the ledger has them: a page that has one of each tells
    one instant.
    """

    pk: int
    slug: str
    state: SaleState
    name: str
    subtitle: str
    price: Decimal
    currency: str
    stock: int
    limit: int
    opens_at: datetime
    closes_at: datetime
    time_zone: str
    hold_seconds: int
    hold_extension_seconds: int
    cancelled_counts: bool
    recorded: int  # orders on record that are not cancelled

    @property
    def is_live(self) -> bool:
        """Whether the live ledger answers for this sale; a settled one is answered from the record."""
        return self.state in LIVE_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All public sales by slug, newest opening first, and the epoch in which the ledger may sell."""

    epoch: int
    sales: Mapping[str, SaleEntry]


_COLUMNS = (
    "pk", "slug", "state", "stock", "limit", "opens_at", "closes_at", "time_zone", "hold_seconds",
    "hold_extension_seconds", "cancelled_counts", "recorded",
)  # fmt: skip


def get(slug: str) -> SaleEntry | None:
    """Return the public sale of this name. Raises Unavailable, as all here, where the database was never reached."""
    return _copy.get().sales.get(slug)


def all() -> tuple[SaleEntry, ...]:  # noqa: A001 - read as catalogue.all()
    """Return every public sale, newest opening first."""
    return tuple(_copy.get().sales.values())


def epoch() -> int:
    """Return the epoch in which the ledger may sell; 0 before the ledger was proven for the first time."""
    return _copy.get().epoch


def peek() -> Catalogue | None:
    """Return the catalogue if that needs no reading, else None."""
    return _copy.peek()


def current() -> Catalogue | None:
    """Return the catalogue, read anew where it is too old; None where the database was never reached."""
    try:
        return _copy.get()
    except Unavailable:
        return None


def refresh() -> Catalogue | None:
    """Read the catalogue at once, because the ledger said STALE_EPOCH; None where the database was never reached."""
    try:
        return _copy.refresh()
    except Unavailable:
        return None


def forget() -> None:
    """Forget the copy, as a new process would not have it."""
    _copy.forget()


def _load() -> Catalogue:
    # The epoch is read first: a sale published after it is of this epoch or a later one, and a later one is refused.
    epoch = LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER).values_list("epoch", flat=True).first()
    rows = (
        Sale.objects.exclude(state=SaleState.DRAFT)
        .order_by("-opens_at", "-pk")
        .values(*_COLUMNS, **{name: F(f"product__{name}") for name in ("name", "subtitle", "price", "currency")})
    )
    return Catalogue(
        epoch=epoch or 0,
        sales={row["slug"]: _entry(row) for row in rows},
    )


def _entry(row: dict[str, Any]) -> SaleEntry:
    times = {name: _in_whole_ms(row[name]) for name in ("opens_at", "closes_at")}
    return SaleEntry(**{**row, **times, "state": SaleState(row["state"])})


def _in_whole_ms(at: datetime) -> datetime:
    return datetime.fromtimestamp(round(at.timestamp() * 1_000) / 1_000, tz=UTC)


_copy = Copy(
    _load,
    max_age_ms=lambda: conf.current().catalogue_max_age_ms,
    faults=(DatabaseFault,),
    patience_seconds=RECORD_PATIENCE_SECONDS,
)

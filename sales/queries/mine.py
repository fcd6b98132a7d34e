"""What the stub of a ticket says to one shopper: held, bought, cancelled, or a note that answers what they just did.

Made from what the ledger's `find` says when a page is opened, and from the answer of a click. Times are in the sale's
zone. What everybody sees is `panels`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sales import conf
from sales.domain import polling, references
from sales.live.entries import Entry, EntryState
from sales.live.results import Found, Snapshot
from sales.models import Order
from sales.queries import panels
from sales.queries.catalogue import SaleEntry
from sales.queries.panels import Panel
from sales.queries.stubs import Countdown, Stock, moment

LAST_MINUTES_MS = 120_000
RAN_OUT_IS_TOLD_MS = 600_000  # afterwards the page shows the sale, as to everybody


class NoteKind(StrEnum):
    """What a note says; each has its own sentence in `sales/note.html`."""

    UPCOMING = "upcoming"
    SOLD_OUT = "sold_out"
    ENDED = "ended"
    PAUSED = "paused"
    ALREADY = "already"
    TOO_MANY = "too_many"
    CANNOT_TELL = "cannot_tell"  # sent, and no answer came
    NOT_NOW = "not_now"  # not taken: the ledger cannot be asked, or nobody can count
    RAN_OUT = "ran_out"
    LET_GO = "let_go"
    LOST_HOLDS = "lost_holds"
    NO_EXTENSION = "no_extension"
    STALE_PAGE = "stale_page"  # the page is older than what the ledger knows
    BAD_PASS = "bad_pass"  # noqa: S105 - a word, not a secret
    OTHER_SESSION = "other_session"
    OTHER_SALE = "other_sale"


_GLYPHS = {
    NoteKind.UPCOMING: "clock",
    NoteKind.SOLD_OUT: "none",
    NoteKind.ENDED: "flag",
    NoteKind.PAUSED: "pause",
    NoteKind.ALREADY: "ticket",
    NoteKind.TOO_MANY: "fast",
    NoteKind.RAN_OUT: "hourglass",
    NoteKind.LET_GO: "tick",
    NoteKind.LOST_HOLDS: "hourglass",
    NoteKind.NO_EXTENSION: "clock",
}
_TONES = {
    NoteKind.SOLD_OUT: "gone",
    NoteKind.ENDED: "gone",
    NoteKind.ALREADY: "go",
    NoteKind.TOO_MANY: "stop",
    NoteKind.CANNOT_TELL: "stop",
    NoteKind.NOT_NOW: "stop",
    NoteKind.BAD_PASS: "stop",
    NoteKind.OTHER_SESSION: "stop",
    NoteKind.OTHER_SALE: "stop",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A refusal or a notice. Only what its kind needs is given; what is not known is left out, never invented."""

    kind: NoteKind
    at: datetime | None = None  # the moment that its sentence names: opening, end, deadline, when the last one went
    clicked_at: datetime | None = None
    left: int = 0
    held: int = 0
    unit: int = 0
    limit: int = 1
    seconds: int = 0
    order_id: UUID | None = None

    @property
    def glyph(self) -> str:
        """Name of its drawing."""
        return _GLYPHS.get(self.kind, "question")

    @property
    def tone(self) -> str:
        """How it sounds: go, stop, info or gone."""
        return _TONES.get(self.kind, "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a form carries."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """The personal stub. `state` is held, bought, cancelled or told; told has a note, and the panel it stands in.

    `delay_ms` is when to ask again by itself, None never; `ask` says what: mine, the panel, or the same purchase again.
    """

    slug: str
    state: str
    look: str
    tone: str = ""
    as_of: datetime
    zone: str
    price: Decimal
    currency: str
    limit: int
    of: int = 0  # the sale's stock: number 63 of this many
    unit: int = 0
    slot: int = 0
    order_id: UUID | None = None
    taken_at: datetime | None = None
    bought_at: datetime | None = None
    recorded: bool = False
    may_be_lost: bool = False  # bought, and where the ledger's machine falls now, perhaps nobody's
    was_held: bool = False
    countdown: Countdown | None = None
    is_last_minutes: bool = False
    extension_seconds: int = 0  # what one extension would add; 0 where none may be had now
    may_buy: bool = False
    may_buy_another: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str = ""
    note: Note | None = None
    panel: Panel | None = None
    delay_ms: int | None = None
    ask: str = "mine"
    again_verb: str = "buy"  # what to send once more, and with which fields
    again: tuple[Field, ...] = ()
    focus: bool = False  # the answer to a click takes the focus; a poll never does

    @property
    def reference(self) -> str:
        """The order's reference as people see it."""
        return references.spaced(references.of(self.order_id)) if self.order_id else ""

    @property
    def stock(self) -> Stock | None:
        """The numbers beside a note."""
        return self.panel.stock if self.panel else None


def of(sale: SaleEntry, found: Found, snapshot: Snapshot, *, chance: float) -> Mine | None:
    """Return what this shopper has in the sale, newest first; None where that is nothing, and the panel is shown."""
    if found.open_holds:
        return held(sale, found.open_holds[0], now_ms=found.now_ms, extension_ms=found.hold_extension_ms)
    if found.bought:
        entry = found.bought[0]
        recorded = entry.is_recorded(found.recorded_seq)
        return bought(sale, entry, now_ms=found.now_ms, recorded=recorded, another=not found.at_limit, chance=chance)
    newest = max(found.entries, key=lambda entry: entry.seq, default=None)
    if newest is None:
        return None
    if newest.is_cancelled:
        return cancelled(sale, newest, now_ms=found.now_ms, another=not found.at_limit)
    return _ran_out(sale, newest, found.now_ms, snapshot, chance)


def held(sale: SaleEntry, entry: Entry, *, now_ms: int, extension_ms: int | None = None, focus: bool = False) -> Mine:
    """Return the stub of a hold. It asks again when the last two minutes begin, and at the deadline."""
    to_deadline = entry.at_ms - now_ms
    last = to_deadline <= LAST_MINUTES_MS
    deadline, now = moment(entry.at_ms, sale), moment(now_ms, sale)
    extension = sale.hold_extension_seconds if extension_ms is None else extension_ms // 1_000
    return _mine(
        sale,
        state="held",
        look="held",
        now_ms=now_ms,
        entry=entry,
        countdown=Countdown.of(to=deadline, now=now, says="hold", hours=to_deadline > 3_600_000),
        is_last_minutes=last,
        extension_seconds=extension if last and entry.state is EntryState.HELD else 0,
        # A moment after the instant, so that the ledger's word has changed when we ask.
        delay_ms=max(to_deadline if last else to_deadline - LAST_MINUTES_MS, 0) + 300,
        focus=focus,
    )


def bought(
    sale: SaleEntry, entry: Entry, *, now_ms: int, recorded: bool, another: bool, chance: float, focus: bool = False
) -> Mine:
    """Return the stub of a unit that is the shopper's. It asks again only until the unit is in the shop's books."""
    return _mine(
        sale,
        state="bought",
        look="bought",
        tone="go",
        now_ms=now_ms,
        entry=entry,
        bought_at=moment(entry.at_ms, sale),
        recorded=recorded,
        may_be_lost=not recorded and conf.current().may_lose_a_second,
        may_buy_another=another,
        delay_ms=None if recorded else polling.RECORDING.drawn(chance),
        focus=focus,
    )


def cancelled(sale: SaleEntry, entry: Entry, *, now_ms: int, another: bool, focus: bool = False) -> Mine:
    """Return the stub of an order that the shop cancelled. The record knows when and why (`told_by_record`)."""
    return _mine(
        sale, state="cancelled", look="bought", tone="stop", now_ms=now_ms, entry=entry, may_buy_another=another,
        focus=focus,
    )  # fmt: skip


def told_by_record(mine: Mine) -> Mine:
    """Add when and why an order was cancelled, which only the record knows; the same where it is not cancelled."""
    if mine.state != "cancelled" or mine.order_id is None:
        return mine
    order = Order.objects.filter(order_id=mine.order_id).first()
    if order is None or order.cancelled_at is None:
        return mine
    zone = ZoneInfo(mine.zone)
    return replace(mine, cancelled_at=order.cancelled_at.astimezone(zone), cancel_reason=order.cancel_reason)


def told(sale: SaleEntry, note: Note, *, panel: Panel, focus: bool = True, **more: Any) -> Mine:
    """Return the stub with a note in the button's place; number and bar stay.

    After a while it turns into the panel again, unless `more` says what to ask and when.
    """
    asks = {"ask": "panel", "delay_ms": panel.delay_ms and max(panel.delay_ms, polling.REFUSED.least_ms)}
    return Mine(
        slug=sale.slug,
        state="told",
        look=panel.look,
        tone=panel.tone,
        as_of=panel.as_of,
        zone=sale.time_zone,
        price=sale.price,
        currency=sale.currency,
        limit=sale.limit,
        of=sale.stock,
        note=note,
        panel=panel,
        focus=focus,
        **{**asks, **more},
    )


def _ran_out(sale: SaleEntry, entry: Entry, now_ms: int, snapshot: Snapshot, chance: float) -> Mine | None:
    """Tell somebody whose hold came to nothing a moment ago; None where it was let go, or is long past."""
    if not 0 <= now_ms - entry.at_ms <= RAN_OUT_IS_TOLD_MS:
        return None
    panel = panels.of(sale, snapshot, chance=chance)
    if panel.state != "live" or not panel.stock:
        return None
    note = Note(kind=NoteKind.RAN_OUT, unit=entry.unit, at=moment(entry.at_ms, sale), left=panel.stock.left)
    return told(sale, note, panel=panel, focus=False, may_buy=True)


def _mine(sale: SaleEntry, *, state: str, look: str, now_ms: int, entry: Entry, **more: Any) -> Mine:
    return Mine(
        slug=sale.slug,
        state=state,
        look=look,
        as_of=moment(now_ms, sale),
        zone=sale.time_zone,
        price=sale.price,
        currency=sale.currency,
        limit=sale.limit,
        of=sale.stock,
        unit=entry.unit,
        slot=entry.slot,
        order_id=entry.order_id,
        taken_at=moment(entry.taken_ms, sale),
        was_held=sale.hold_seconds > 0,
        **more,
    )

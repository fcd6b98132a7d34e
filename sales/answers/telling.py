"""From what came of a click to what the stub says of it: one table from outcomes to notes and statuses.

The sentences stand in the templates, the choice of them here. Nothing is asked and nothing is written.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sales.answers.passes import Flaw
from sales.domain import polling
from sales.domain.outcomes import UNDECIDED, Outcome
from sales.live.limiter import Allowance
from sales.live.results import Snapshot, Taken
from sales.queries import mine as stubs_of_mine
from sales.queries import panels
from sales.queries.catalogue import SaleEntry
from sales.queries.mine import Field, Mine, Note, NoteKind
from sales.queries.panels import Panel
from sales.queries.stubs import moment

RETRY_AFTER_SECONDS = 5
_FIELDS = frozenset({"pass", "order", "slot"})  # of our forms; whatever else was sent means nothing

_REFUSED = {
    Outcome.UPCOMING: NoteKind.UPCOMING,
    Outcome.SOLD_OUT: NoteKind.SOLD_OUT,
    Outcome.ENDED: NoteKind.ENDED,
    Outcome.PAUSED: NoteKind.PAUSED,
    Outcome.LOST_HOLDS: NoteKind.LOST_HOLDS,
    Outcome.NO_EXTENSION: NoteKind.NO_EXTENSION,
}
_FLAWS = {
    Flaw.TAMPERED: NoteKind.BAD_PASS,
    Flaw.OTHER_SALE: NoteKind.OTHER_SALE,
    Flaw.OTHER_SESSION: NoteKind.OTHER_SESSION,
}
_ENDS_THE_ATTEMPT = frozenset(
    {Outcome.BOUGHT, Outcome.LET_GO, Outcome.GONE, Outcome.CANCELLED, Outcome.UNKNOWN_SLOT, Outcome.UNKNOWN_ORDER}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """What was pressed, with what it sent; `own_order` is the id of the order that it meant."""

    verb: str
    fields: dict[str, str]
    own_order: UUID | None
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The stub and its status. `same_attempt` says that the pass still stands for what was tried."""

    mine: Mine
    status: int
    retry_after: int | None = None
    same_attempt: bool = True

    @property
    def server_ms(self) -> int:
        """The instant that the stub tells of, by the ledger's clock."""
        return round(self.mine.as_of.timestamp() * 1_000)


def tell_of_unit(sale: SaleEntry, click: Click, done: Taken | Allowance | Flaw) -> Told | None:
    """Return what the stub says of the unit that the click was about: no numbers stand beside it.

    None where something else is to be said, by `tell`.
    """
    if not isinstance(done, Taken) or done.entry is None or done.outcome in _REFUSED:
        return None
    entry, same_attempt = done.entry, done.outcome not in _ENDS_THE_ATTEMPT
    if done.outcome in (Outcome.HELD, Outcome.EXTENDED):
        mine = stubs_of_mine.held(sale, entry, now_ms=done.now_ms, focus=True)
        return Told(mine=mine, status=200, same_attempt=same_attempt)
    if done.outcome is Outcome.BOUGHT and (sale.limit > 1 or entry.order_id == click.own_order):
        mine = stubs_of_mine.bought(
            sale, entry, now_ms=done.now_ms, recorded=done.recorded, another=sale.limit > 1, chance=click.chance,
            focus=True,
        )  # fmt: skip
        return Told(mine=mine, status=200, same_attempt=same_attempt)
    if entry.is_cancelled:
        mine = stubs_of_mine.cancelled(sale, entry, now_ms=done.now_ms, another=True, focus=True)
        return Told(mine=mine, status=409, same_attempt=same_attempt)
    return None


def tell(sale: SaleEntry, click: Click, done: Taken | Allowance | Flaw, snapshot: Snapshot) -> Told:
    """Return what the stub says after a click, where `tell_of_unit` says nothing."""
    if isinstance(done, Flaw):
        return _noted(sale, click, snapshot, Note(kind=_FLAWS[done]), status=403)
    if isinstance(done, Allowance):
        return _too_many(sale, click, done, snapshot)
    if done.outcome in UNDECIDED:
        kind = NoteKind.CANNOT_TELL if done.outcome is Outcome.UNKNOWN else NoteKind.NOT_NOW
        return _asks_again(sale, click, snapshot, kind)
    told = _note(sale, click, done, _as_answered(snapshot, done))
    return replace(told, same_attempt=False) if done.outcome in _ENDS_THE_ATTEMPT else told


def _note(sale: SaleEntry, click: Click, done: Taken, snapshot: Snapshot) -> Told:
    entry = done.entry
    if entry is None or done.outcome in _REFUSED:
        kind = _REFUSED.get(done.outcome, NoteKind.STALE_PAGE)
        note = Note(
            kind=kind,
            at=moment(done.moment_ms, sale) if done.moment_ms and not _closed_early(kind, done) else None,
            clicked_at=moment(done.now_ms, sale),
            left=done.left,
            held=done.held,
        )
        return _noted(sale, click, snapshot, note, status=409)
    if done.outcome in (Outcome.ALREADY, Outcome.BOUGHT):
        note = Note(kind=NoteKind.ALREADY, unit=entry.unit, at=moment(entry.at_ms, sale), order_id=entry.order_id)
        return _noted(sale, click, snapshot, note, status=409, delay_ms=None)
    # LET_GO, or GONE: the hold ran out, was let go or was taken over.
    ran_out = done.outcome is Outcome.GONE and entry.at_ms <= done.now_ms
    note = Note(
        kind=NoteKind.RAN_OUT if ran_out else NoteKind.LET_GO,
        unit=entry.unit,
        at=moment(entry.at_ms, sale),
        left=done.left,
    )
    return _noted(sale, click, snapshot, note, status=200 if done.outcome is Outcome.LET_GO else 409, again=True)


def _noted(
    sale: SaleEntry,
    click: Click,
    snapshot: Snapshot,
    note: Note,
    *,
    status: int,
    again: bool = False,
    **more: Any,
) -> Told:
    panel = panels.of(sale, snapshot, chance=click.chance)
    if again:
        more["may_buy"] = panel.state == "live"
    return Told(mine=stubs_of_mine.told(sale, note, panel=panel, **more), status=status)


def _too_many(sale: SaleEntry, click: Click, allowance: Allowance, snapshot: Snapshot) -> Told:
    """Say when the button works again; or, where the policy is to refuse then, that nobody can count right now."""
    if allowance.allowed is None:
        return _asks_again(sale, click, snapshot, NoteKind.NOT_NOW)
    panel = panels.of(sale, snapshot, chance=click.chance)
    seconds = max(1, -(-allowance.reset_ms // 1_000))
    at = moment(_ms(panel) + seconds * 1_000, sale)
    note = Note(kind=NoteKind.TOO_MANY, seconds=seconds, at=at)
    mine = stubs_of_mine.told(sale, note, panel=panel, delay_ms=seconds * 1_000)
    return Told(mine=mine, status=429, retry_after=seconds)


def _asks_again(sale: SaleEntry, click: Click, snapshot: Snapshot, kind: NoteKind) -> Told:
    """Say that we do not know, or cannot take it, and ask the same again by ourselves with the same pass."""
    panel = panels.of(sale, snapshot, chance=click.chance)
    note = Note(kind=kind, seconds=RETRY_AFTER_SECONDS)
    mine = stubs_of_mine.told(
        sale,
        note,
        panel=panel,
        ask="again",
        delay_ms=polling.CANNOT_TELL.drawn(click.chance),
        again_verb=click.verb,
        again=tuple([Field(name=name, value=value) for name, value in click.fields.items() if name in _FIELDS]),
    )
    return Told(mine=mine, status=503, retry_after=RETRY_AFTER_SECONDS)


def _as_answered(snapshot: Snapshot, done: Taken) -> Snapshot:
    """Return the numbers with which the ledger answered this click: the note and the bar tell of one instant."""
    if snapshot.outcome is not Outcome.FOUND or not done.now_ms:
        return snapshot
    return replace(
        snapshot,
        now_ms=done.now_ms,
        sold=max(snapshot.stock - done.left - done.held, 0),
        held=done.held,
        sold_out_ms=done.moment_ms if done.outcome is Outcome.SOLD_OUT else snapshot.sold_out_ms,
    )


def _closed_early(kind: NoteKind, done: Taken) -> bool:
    """Whether the moment is an end that has not come: the shop closed the sale before it."""
    return kind is NoteKind.ENDED and done.moment_ms > done.now_ms


def _ms(panel: Panel) -> int:
    return round(panel.as_of.timestamp() * 1_000)

"""Sequences that several answers have in common: find the sale, ask the ledger in the right epoch, or the record.

Each returns a result of `sales.live.results`, also where it came from the record; words for it are the edges' business.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol
from uuid import UUID

from sales.answers.ask import Asking, result_of
from sales.domain.outcomes import Outcome
from sales.domain.reads import Read
from sales.live import ledger
from sales.live.calls import Call
from sales.live.entries import Entry, EntryState
from sales.live.results import Found, Snapshot, Taken
from sales.queries import catalogue, ended_sessions, purchases, snapshots
from sales.queries.catalogue import Catalogue, SaleEntry
from sales.queries.ended_sessions import EndedSessions


class HasOutcome(Protocol):
    """A result of the ledger."""

    @property
    def outcome(self) -> Outcome:
        """The one word."""


def catalogue_now() -> Asking[Catalogue | None]:
    """Return the published sales; None where the database has not been reached since this process began."""
    known = catalogue.peek()
    return known or (yield from result_of(Read(catalogue.current, key="catalogue")))


def ended_sessions_now() -> Asking[EndedSessions | None]:
    """Return which web sessions ended; None where the database has not been reached since this process began."""
    known = ended_sessions.peek()
    return known or (yield from result_of(Read(ended_sessions.current, key="ended_sessions")))


def in_epoch[R: HasOutcome](call: Callable[[int], Call[R]]) -> Asking[R | None]:
    """Ask the ledger in the epoch that the record knows; where that is just over, read it anew and ask once more.

    `call` makes the call for an epoch; None is returned where the epoch is not known.
    """
    known = yield from catalogue_now()
    if known is None:
        return None
    result = yield from result_of(call(known.epoch))
    if result.outcome is Outcome.STALE_EPOCH:
        newer = yield from result_of(Read(catalogue.refresh))
        if newer and newer.epoch != known.epoch:
            result = yield from result_of(call(newer.epoch))
    return result


def numbers(sale: SaleEntry) -> Asking[Snapshot]:
    """Return the sale's numbers, not older than a moment."""
    known = snapshots.peek(sale)
    return known or (yield from result_of(Read(partial(snapshots.of, sale), key=("snapshot", sale.pk))))


def find(sale: SaleEntry, *, shopper: str, key_digest: str = "") -> Asking[Found]:
    """Return all that ledger or record know of one shopper in this sale, and who holds a key. Writes nothing."""
    if not sale.is_live:
        return (yield from result_of(Read(partial(purchases.found, sale, shopper=shopper, key_digest=key_digest))))
    found = yield from in_epoch(
        lambda epoch: ledger.find(sale=sale.pk, epoch=epoch, shopper=shopper, key_digest=key_digest)
    )
    return found or Found.failed(Outcome.UNREACHABLE)


def take(sale: SaleEntry, *, shopper: str, order_id: UUID, slot: int = 0, key_digest: str = "") -> Asking[Taken]:
    """Take a unit of the sale; in a settled one, say what it came to."""
    if not sale.is_live:
        found = yield from find(sale, shopper=shopper, key_digest=key_digest)
        said = decided(found, shopper=shopper, slot=slot, key_digest=key_digest)
        return (yield from _with_left(sale, said or Taken(outcome=Outcome.ENDED, moment_ms=_closed_ms(sale))))
    taken = yield from in_epoch(
        lambda epoch: ledger.purchase(
            sale=sale.pk, epoch=epoch, shopper=shopper, slot=slot, order_id=order_id, key_digest=key_digest
        )
    )
    return taken or Taken.failed(Outcome.UNREACHABLE)


def take_again(sale: SaleEntry, *, shopper: str, slot: int = 0, key_digest: str = "") -> Asking[Taken | None]:
    """Return what was decided before for this key, slot or shopper, without taking anything; None where nothing was."""
    found = yield from find(sale, shopper=shopper, key_digest=key_digest)
    said = decided(found, shopper=shopper, slot=slot, key_digest=key_digest)
    return (yield from _with_left(sale, said)) if said else None


HoldVerb = Callable[..., Call[Taken]]
"""`ledger.confirm`, `ledger.release` or `ledger.extend`."""


def about_hold(verb: HoldVerb, sale: SaleEntry, *, shopper: str, order_id: UUID, slot: int = 0) -> Asking[Taken]:
    """Confirm, let go or extend a hold; in a settled sale there is none, but there may be what it became."""
    if not sale.is_live:
        return (yield from standing(sale, shopper=shopper, order_id=order_id))
    taken = yield from in_epoch(
        lambda epoch: verb(sale=sale.pk, epoch=epoch, shopper=shopper, slot=slot, order_id=order_id)
    )
    return taken or Taken.failed(Outcome.UNREACHABLE)


def standing(sale: SaleEntry, *, shopper: str, order_id: UUID) -> Asking[Taken]:
    """Return how an order stands: HELD, EXTENDED, BOUGHT, CANCELLED, GONE or UNKNOWN_ORDER. Changes nothing."""
    found = yield from find(sale, shopper=shopper)
    if found.outcome is not Outcome.FOUND:
        return Taken.failed(found.outcome)
    entry = next((each for each in found.entries if each.order_id == order_id), None)
    if entry is None:
        replaced = any(each.took_over_a_slot for each in found.entries)
        return Taken(outcome=Outcome.GONE if replaced else Outcome.UNKNOWN_ORDER)
    said = _said_of(entry, found.now_ms) or Outcome.GONE
    if said is Outcome.HELD and entry.state is EntryState.EXTENDED:
        said = Outcome.EXTENDED
    return (yield from _with_left(sale, _taken(said, found, entry)))


def decided(found: Found, *, shopper: str, slot: int = 0, key_digest: str = "") -> Taken | None:
    """Return what a purchase would be answered without writing anything, by the rules of `purchase.lua`; else None.

    That is: this key, this slot, an open hold, the limit, in this order.
    """
    if found.outcome is not Outcome.FOUND:
        return Taken.failed(found.outcome)
    said = _decided_by_name(found, shopper=shopper, slot=slot, key_digest=key_digest)
    if said:
        return said
    if not slot and not key_digest and found.open_holds:
        return _taken(Outcome.HELD, found, found.open_holds[0])
    if found.at_limit and found.counted:
        newest = found.counted[0]
        return _taken(Outcome.HELD if newest.is_hold else Outcome.ALREADY, found, newest)
    return None


def _decided_by_name(found: Found, *, shopper: str, slot: int, key_digest: str) -> Taken | None:
    """Return what this key, else this slot, already stands for."""
    by_slot = {entry.slot: entry for entry in found.entries}
    if key_digest and found.key_holder:
        owner, key_slot = found.key_holder
        if owner != shopper:
            return _taken(Outcome.KEY_TAKEN, found, None)
        entry = by_slot.get(key_slot)
        said = _said_of(entry, found.now_ms)
        if entry and said and entry.key_digest == key_digest:
            return _taken(said, found, entry)
    entry = by_slot.get(slot)
    said = _said_of(entry, found.now_ms)
    return _taken(said, found, entry) if said else None


def _said_of(entry: Entry | None, now_ms: int) -> Outcome | None:
    """Return what is said of a slot that is somebody's; None where it is free to be used."""
    if entry is None or entry.state is EntryState.GONE or entry.is_due(now_ms):
        return None
    if entry.is_hold:
        return Outcome.HELD
    return Outcome.CANCELLED if entry.is_cancelled else Outcome.BOUGHT


def _taken(outcome: Outcome, found: Found, entry: Entry | None) -> Taken:
    return Taken(outcome=outcome, now_ms=found.now_ms, recorded_seq=found.recorded_seq, entry=entry)


def _with_left(sale: SaleEntry, taken: Taken) -> Asking[Taken]:
    """Fill in how many are left, which a find does not say."""
    if taken.entry is None:
        return taken
    snapshot = yield from numbers(sale)
    if snapshot.outcome is not Outcome.FOUND:
        return Taken.failed(snapshot.outcome)
    return taken._replace(left=snapshot.left, held=snapshot.held)


def _closed_ms(sale: SaleEntry) -> int:
    return round(sale.closes_at.timestamp() * 1_000)

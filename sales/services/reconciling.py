"""Making a sale's ledger good again after it was lost or damaged, as far as nothing sold can be missing by that.

One sale at a time, under a lease: first it is shut, then judged (`judging`), then made anew beside the old keys, in a
new epoch, and put in their place at once. Where purchases may be missing it stays shut until a person accepts that, or
sells on by itself where the sale says so. Not here: when to look (the keeper).
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from django.db import transaction

from sales.domain.states import OrderState, SaleState
from sales.live import drafting, ledger, rebuilding
from sales.live.entries import Entry, EntryState
from sales.live.line import Line
from sales.live.rebuilding import Kept, Rebuilt, Slot
from sales.live.results import Terms
from sales.live.stream import EventKind
from sales.models import DeadLetter, Order, Sale, TrailEntry
from sales.models.sales import OnLedgerLoss
from sales.services import asking, faults, fencing, following, incidents, judging, leasing, lifecycle
from sales.services.acting import KEEPER, Actor
from sales.services.incidents import IncidentKind, Trouble
from sales.services.judging import Judgement, Worth
from sales.services.leasing import Held, LeaseLost

logger = logging.getLogger(__name__)

AFTER_A_LOSS = 1_000_000
"""How far a stream made anew begins above the last event known, where others may have come after that."""

_EVERY_EPOCH = 2**53
_BY_HAND = frozenset({"publish", "pause", "resume", "close"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was found and done. `trouble` is a sentence where the sale stays shut."""

    worth: Worth
    why: str = ""
    done: str = ""
    trouble: str = ""
    epoch: int = 0  # the epoch that sells now; 0 where it is not known to be another

    @property
    def ok(self) -> bool:
        """Whether the sale is as it should be now."""
        return not self.trouble


def look(*, line: Line, sale: Sale) -> Judgement:
    """Judge a sale and change nothing in the ledger. What can be recorded is recorded."""
    return judging.judge(line=line, sale=sale, epoch=fencing.epoch(), whole=True)


def reconcile(
    *, line: Line, sale_pk: int, by: Actor = KEEPER, accept_loss: bool = False, whole: bool = False
) -> Reconciled:
    """Make a sale good again; `whole` looks at every entry for that.

    Raises LedgerUnavailable, and what the database raises when it is in trouble.
    """
    try:
        with leasing.held(name=leasing.of_sale(sale_pk), owner=by.who) as lease:
            if lease is None:
                return Reconciled(worth=Worth.DEGRADED, trouble="Somebody else is repairing this sale right now.")
            return _reconcile(line, sale_pk, lease=lease, by=by, accept_loss=accept_loss, whole=whole)
    except LeaseLost as lost:
        return Reconciled(worth=Worth.DEGRADED, trouble=f"The repair took too long. {lost}")


def _reconcile(line: Line, sale_pk: int, *, lease: Held, by: Actor, accept_loss: bool, whole: bool) -> Reconciled:
    sale = Sale.objects.select_related("product").get(pk=sale_pk)
    epoch = fencing.epoch()
    if not sale.is_live:
        return Reconciled(worth=Worth.SOUND, done="The live ledger does not answer for this sale.")
    first = judging.judge(line=line, sale=sale, epoch=epoch, whole=whole)
    if first.worth in (Worth.SOUND, Worth.NEW):
        return Reconciled(worth=Worth.SOUND, done="Nothing was to be done.")
    lease.keep()
    if first.epoch > epoch:  # the database was set back: epochs only grow
        epoch = fencing.raise_for_repair(line=line, epoch=epoch, but=sale.pk, above=first.epoch)
    line.run(ledger.fence(sale=sale.pk, below=_EVERY_EPOCH))
    sale.refresh_from_db()
    found = judging.judge(line=line, sale=sale, epoch=epoch, whole=whole)
    sale.refresh_from_db()
    if found.worth is Worth.COMPLETE:
        why_not = fencing.prove_sale(line=line, sale=sale, epoch=epoch)
        return Reconciled(worth=found.worth, done="Its ledger is complete and sells on.", trouble=why_not)
    may_go_on = found.worth is not Worth.DEGRADED or accept_loss or sale.on_ledger_loss == OnLedgerLoss.SELL_ON
    if not may_go_on:
        return _degrade(sale, found)
    return _make_anew(line, sale, found, lease=lease, by=by, epoch=epoch)


def _degrade(sale: Sale, found: Judgement) -> Reconciled:
    """Keep it shut, pause it on record, and say what may be missing."""
    text = f"{found.why} {_may_be_missing(sale)} It stays shut until somebody accepts that (--accept-loss)."
    with suppress(lifecycle.Refused):
        lifecycle.pause(sale_pk=sale.pk, by=KEEPER, why=text[:500])
    return Reconciled(worth=Worth.DEGRADED, why=found.why, trouble=text)


def _may_be_missing(sale: Sale) -> str:
    last = Order.objects.filter(sale=sale).order_by("-seq").values_list("bought_at", flat=True).first()
    since = f"after {last:%Y-%m-%d %H:%M:%S} UTC" if last else "since the opening"
    return f"Up to {sale.stock - sale.recorded} purchases {since} may be missing: {sale.recorded} are on record."


def _make_anew(
    line: Line, sale: Sale, found: Judgement, *, lease: Held, by: Actor, epoch: int
) -> Reconciled:  # fmt: skip
    if sale.ledger_epoch >= epoch or found.epoch >= epoch:
        epoch = fencing.raise_for_repair(line=line, epoch=epoch, but=sale.pk)
    last_change = _read_again(sale)
    drafting.remove_drafts(line, sale.pk)
    now_ms = drafting.now_ms(line)
    terms = _terms(sale)
    missing = _may_be_missing(sale)
    try:
        rebuilt = _rebuilt(line, sale, found, lease=lease, terms=terms, now_ms=now_ms)
    except rebuilding.Impossible as impossible:
        return Reconciled(worth=found.worth, why=found.why, trouble=f"{found.why} {impossible}", epoch=epoch)
    numbers = {
        "epoch": epoch,
        "recorded_seq": sale.stream_offset,
        "change": last_change,
        "clock_ms": now_ms,
    }
    done = drafting.write(
        line, sale=sale.pk, draft=uuid4().hex, rebuilt=rebuilt, terms=terms, numbers=numbers, check=lease.keep
    )
    faults.reach("reconciler_between_sides")
    if not done.ok:
        return Reconciled(worth=found.worth, why=found.why, trouble=f"The ledger answers {done.outcome}.", epoch=epoch)
    Sale.objects.filter(pk=sale.pk, ledger_epoch__lt=epoch).update(ledger_epoch=epoch)
    said = (
        f"Made anew from {'events and record' if found.worth is Worth.REBUILD else 'the record'}: {rebuilt.sold} sold."
    )
    if rebuilt.dropped:
        said += f" {rebuilt.dropped} open holds were dropped; their shoppers are told."
    if found.worth is Worth.DEGRADED:
        said += f" {missing} {len(rebuilt.happenings) - rebuilt.dropped} others were found in the old ledger."
        _resume(sale, by=by)
    _note(sale, found, said)
    return Reconciled(worth=found.worth, why=found.why, done=said, epoch=epoch)


def _read_again(sale: Sale) -> int:
    """Read the sale's row, and return the number of its last change as it was at that instant.

    Once the new epoch has begun, nobody puts on record any more what the old ledger took; and who was about to has the
    row locked until then. Read earlier, a change could be on record before its number is, and missing in the stock.
    """
    with transaction.atomic():
        Sale.objects.select_for_update(of=("self",)).get(pk=sale.pk)
        sale.refresh_from_db()
        return asking.last_number(sale_pk=sale.pk)


def _note(sale: Sale, found: Judgement, said: str) -> None:
    """Leave an incident that has begun and ended, so that an operator can read what happened."""
    kind = IncidentKind.LOSS_ACCEPTED if found.worth is Worth.DEGRADED else IncidentKind.SALE_REBUILT
    text = f"Sale {sale.slug}: {found.why} {said}"
    logger.warning("%s", text)
    incidents.note(Trouble(kind=kind, sale_pk=sale.pk, text=text))


def _resume(sale: Sale, *, by: Actor) -> None:
    """Sell on where it was the keeper that paused."""
    last = TrailEntry.objects.filter(sale=sale, act__in=_BY_HAND).order_by("-pk").first()
    if sale.state == SaleState.PAUSED and last and last.act == "pause" and last.who == KEEPER.who:
        with suppress(lifecycle.Refused):
            lifecycle.resume(sale_pk=sale.pk, by=by, why="The loss was accepted.")


def _terms(sale: Sale) -> Terms:
    terms = following.terms(sale)
    if sale.state == SaleState.CLOSED and sale.closed_at:
        terms = replace(terms, closes_ms=min(terms.closes_ms, following.in_ms(sale.closed_at)))
    return terms


def _rebuilt(line: Line, sale: Sale, found: Judgement, *, lease: Held, terms: Terms, now_ms: int) -> Rebuilt:
    above = max(found.highest, sale.stream_offset)
    return rebuilding.rebuild(
        terms=terms,
        entries=_believed(line, sale, found, terms, lease),
        kept=_alive(_kept(sale), lease),
        now_ms=now_ms,
        above=above + (AFTER_A_LOSS if found.worth is Worth.DEGRADED else 0),
        sold_out_ms=0,
    )


def _believed(line: Line, sale: Sale, found: Judgement, terms: Terms, lease: Held) -> dict[Slot, Entry]:
    """Return what the old ledger says of slots, as far as it counts.

    With every event there, the events; a map is asked only for holds that came to nothing before them. Where a part is
    lost, whichever of both knows more: somebody was told that these units are theirs.
    """
    if found.worth is Worth.QUIET or found.shape is None:
        return {}
    believed: dict[Slot, Entry] = {}
    if found.shape.kinds["events"] == "stream":
        believed = rebuilding.replay(_alive(drafting.events_of(line, sale.pk), lease), terms=terms)
    if found.shape.kinds["shoppers"] != "hash":
        return believed
    for place, entry in _alive(drafting.entries_of(line, sale.pk), lease):
        known = believed.get(place)
        if entry is None or place[1] < 1 or (known and known.seq >= entry.seq):
            continue
        if found.worth is Worth.DEGRADED or (known is None and entry.state is EntryState.GONE):
            believed[place] = entry
    return believed


def _alive[T](rows: Iterable[T], lease: Held) -> Iterator[T]:
    """Keep the lease while many rows are read."""
    for number, row in enumerate(rows):
        if number % 5_000 == 0:
            lease.keep()
        yield row


def _kept(sale: Sale) -> Iterator[Kept]:
    orders = Order.objects.filter(sale=sale).values_list(
        "shopper", "slot", "unit", "order_id", "key_digest", "seq", "taken_at", "bought_at", "state"
    )
    for shopper, slot, unit, order_id, key_digest, seq, taken_at, bought_at, state in orders.iterator(chunk_size=2_000):
        yield Kept(
            shopper=shopper,
            slot=slot,
            unit=unit,
            order_id=order_id,
            key_digest=key_digest,
            seq=seq,
            taken_ms=following.in_ms(taken_at),
            at_ms=following.in_ms(bought_at),
            cancelled=state == OrderState.CANCELLED,
        )
    for seq, event in DeadLetter.objects.filter(
        sale=sale, ended_at=None, event__what=EventKind.BOUGHT
    ).values_list("seq", "event"):  # fmt: skip
        if event.get("order_id") and event["slot"] >= 1:
            yield Kept(
                shopper=event["shopper"],
                slot=event["slot"],
                unit=event["unit"],
                order_id=UUID(event["order_id"]),
                key_digest=event["key_digest"],
                seq=seq,
                taken_ms=event["taken_ms"],
                at_ms=event["time_ms"],
                unrecorded=True,
            )

"""From the stream to the database: each event of a bought unit becomes one order, exactly once.

The offset of the last recorded event stands in the sale's row and moves in the transaction that writes the orders,
only from the value behind which the events were read: a second keeper on the same sale finds it moved and rolls back.
And only in the epoch in which they were read: else a keeper that slept could write what was sold anew since.
Nothing is passed over: an event the database refuses becomes a dead letter in the same way; a gap stops the sale.
Not here: when to read (the keeper), and what becomes of dead letters afterwards.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import DataError, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from sales import conf
from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.line import Line, Unreadable
from sales.live.stream import Event, EventKind
from sales.models import LedgerServer, Order, Sale
from sales.services import dead_letters, faults, inserting

logger = logging.getLogger(__name__)

_REFUSED = (IntegrityError, DataError, OverflowError, ValueError)
"""How a database, or its driver, says that it will not take a row. Anything else is a database in trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of one batch."""

    offset: int  # number of the last event that is on record now
    orders: int = 0  # rows written
    dead: int = 0  # events that the record refused
    lost: bool = False  # another keeper was first, or began an epoch; nothing was written here
    gap: str = ""  # a sentence, where an event is missing
    stranger: str = ""  # a sentence, where the stream holds what no script of ours wrote
    lag_ms: int = 0  # age of the oldest order of the batch when it was committed, by the two servers' clocks
    marked: Outcome | None = None  # what the ledger said when it was told; None where there was nothing to tell

    def after(self, earlier: "Recorded") -> "Recorded":
        """Add an earlier batch of the same sale to this one."""
        return replace(
            self,
            orders=self.orders + earlier.orders,
            dead=self.dead + earlier.dead,
            lag_ms=max(self.lag_ms, earlier.lag_ms),
        )


class _OffsetMoved(Exception):
    """Another keeper recorded these events, or began an epoch since they were read."""


def drain(*, sale_pk: int, line: Line, epoch: int | None) -> Recorded:
    """Record everything that the sale's stream holds now. Epoch None: tell the ledger nothing (it is being proven).

    Raises LedgerUnavailable, LedgerRefused, and what the database raises when it is in trouble.
    """
    count = conf.current().keeper_batch
    within = _epoch() if epoch is None else epoch
    total = Recorded(offset=Sale.objects.values_list("stream_offset", flat=True).get(pk=sale_pk))
    while events := line.read_events({sale_pk: total.offset}, count=count).get(sale_pk):
        before = total.offset
        total = record(sale_pk=sale_pk, after=before, events=events, epoch=epoch, within=within).after(total)
        if total.offset == before or total.gap:
            break
    return total


def record(
    *, sale_pk: int, after: int, events: Sequence[Event | Unreadable], epoch: int | None, within: int | None = None
) -> Recorded:
    """Put events on record that were read from behind the offset `after`, then tell the ledger (see `drain`).

    They were read in the epoch `within`, which is `epoch` where that is told.
    """
    within = epoch if within is None else within
    batch, gap, stranger = _in_order(events, after=after)
    if not batch:
        return Recorded(offset=after, gap=gap, stranger=stranger)
    sale = Sale.objects.select_related("product").get(pk=sale_pk)
    try:
        written = _write(sale, after=after, batch=batch, within=within)
    except _OffsetMoved:
        offset = Sale.objects.values_list("stream_offset", flat=True).get(pk=sale_pk)
        return Recorded(offset=offset, lost=True)
    marked = None if epoch is None else mark(sale_pk=sale_pk, epoch=epoch, offset=written.offset, since=after)
    return replace(written, gap=gap, stranger=stranger, marked=marked)


def mark(*, sale_pk: int, epoch: int, offset: int, since: int = 0) -> Outcome:
    """Tell the ledger how far the stream is on record, and of the dead letters after event `since`.

    Only ever called after the commit. Safe to repeat: the ledger never lowers its number.
    """
    dead = dead_letters.open_orders(sale_pk=sale_pk, since=since)
    return connection.run(ledger.mark_recorded(sale=sale_pk, epoch=epoch, seq=offset, dead=dead)).outcome


def _in_order(events: Sequence[Event | Unreadable], *, after: int) -> tuple[list[Event | Unreadable], str, str]:
    """Return the events that follow each other without a gap, and what stands in the way of the rest."""
    batch: list[Event | Unreadable] = []
    last, stranger = after, ""
    for event in events:
        if event.seq == 0:  # its id is none of ours, so it stands between two events and not in place of one
            stranger = f"The stream holds an entry behind event {last} that no script wrote."
            continue
        anew = isinstance(event, Event) and event.what is EventKind.REBUILT and event.seq > last
        if event.seq != last + 1 and not anew:
            return batch, f"Event {last + 1} is missing: behind event {last} comes {event.seq}.", stranger
        batch.append(event)
        last = event.seq
    return batch, "", stranger


def _write(sale: Sale, *, after: int, batch: Sequence[Event | Unreadable], within: int | None) -> Recorded:
    try:
        return _write_at_once(sale, after=after, batch=batch, within=within)
    except _REFUSED as refusal:
        logger.warning("Sale %s: a batch was refused (%s); its events go one by one.", sale.slug, refusal)
        return _write_one_by_one(sale, after=after, batch=batch, within=within)


def _write_at_once(sale: Sale, *, after: int, batch: Sequence[Event | Unreadable], within: int | None) -> Recorded:
    faults.reach("keeper_after_read")
    bought = [event for event in batch if _is_order(event)]
    rows = inserting.rows_of(sale, bought, now=timezone.now())
    with transaction.atomic():
        # First, because it locks: the slower of two keepers waits here, then finds that it has lost.
        _move_offset(sale, after=after, to=batch[-1].seq, orders=len(bought))
        _refuse_if_over(within)
        faults.reach("keeper_before_insert")
        inserting.insert(rows)
        faults.reach("keeper_in_transaction")
    faults.reach("keeper_after_commit")
    return Recorded(offset=batch[-1].seq, orders=len(bought), lag_ms=_lag_ms(bought))


def _write_one_by_one(sale: Sale, *, after: int, batch: Sequence[Event | Unreadable], within: int | None) -> Recorded:
    total = Recorded(offset=after)
    for event in batch:
        total = _write_one(sale, after=total.offset, event=event, within=within).after(total)
    return total


def _write_one(sale: Sale, *, after: int, event: Event | Unreadable, within: int | None) -> Recorded:
    try:
        return _write_at_once(sale, after=after, batch=[event], within=within)
    except _REFUSED as refusal:
        reason = str(refusal)
    with transaction.atomic():
        _move_offset(sale, after=after, to=event.seq, orders=0)
        _refuse_if_over(within)
        if _is_repetition(sale, event):
            return Recorded(offset=event.seq)
        dead_letters.bury(sale=sale, event=event, reason=reason)
    return Recorded(offset=event.seq, dead=1)


def _move_offset(sale: Sale, *, after: int, to: int, orders: int) -> None:
    moved = Sale.objects.filter(pk=sale.pk, stream_offset=after).update(
        stream_offset=to, recorded=F("recorded") + orders
    )
    if not moved:
        raise _OffsetMoved


def _refuse_if_over(within: int | None) -> None:
    """Roll back where another epoch has begun. Asked behind the row's lock, for which whoever began it waits."""
    if within is not None and within != _epoch():
        raise _OffsetMoved


def _epoch() -> int | None:
    return LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER).values_list("epoch", flat=True).first()


def _is_order(event: Event | Unreadable) -> bool:
    return isinstance(event, Unreadable) or event.what is EventKind.BOUGHT


def _is_repetition(sale: Sale, event: Event | Unreadable) -> bool:
    """Whether this very purchase is on record already, as after a stream was made anew."""
    return (
        isinstance(event, Event)
        and event.order_id is not None
        and Order.objects.filter(
            sale=sale, order_id=event.order_id, unit=event.unit, shopper=event.shopper, slot=event.slot
        ).exists()
    )


def _lag_ms(bought: Sequence[Event | Unreadable]) -> int:
    times = [event.time_ms for event in bought if isinstance(event, Event)]
    return max(0, round(time.time() * 1_000) - min(times)) if times else 0

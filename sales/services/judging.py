"""What a returned ledger is worth, sale by sale: complete, to be made anew, or such that purchases may be missing.

Judging records whatever of the stream can be recorded; it repairs nothing. What follows from it is `reconciling`'s.
"""

from dataclasses import dataclass
from enum import StrEnum

from sales.domain.outcomes import Outcome
from sales.live import drafting, ledger
from sales.live.drafting import Shape
from sales.live.line import LedgerRefused, Line
from sales.models import Order, Sale
from sales.services import comparing, fencing, recording

CLOCK_AHEAD_MS = 5_000


class Worth(StrEnum):
    """How much of a sale the ledger has."""

    SOUND = "sound"  # all of it, in the epoch that sells
    NEW = "new"  # the ledger never had it
    COMPLETE = "complete"  # all of it; it only wants the epoch
    REBUILD = "rebuild"  # every event is there; the rest can be made anew from events and record
    QUIET = "quiet"  # nothing was sold that is not on record; it can be made anew from the record
    DEGRADED = "degraded"  # purchases may be missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found, why it is not better, and how far it goes. `highest` is the highest event number ever seen."""

    worth: Worth
    why: str = ""
    epoch: int = 0
    highest: int = 0
    offset: int = 0
    shape: Shape | None = None


def judge(*, line: Line, sale: Sale, epoch: int, whole: bool = False) -> Judgement:
    """Judge what the ledger has of a sale; `whole` compares every entry, too. Raises LedgerUnavailable."""
    seen = line.run(ledger.snapshot(sale=sale.pk, epoch=None))
    shape = drafting.shape_of(line, sale.pk)
    if sale.is_new_to_ledger and not shape.is_there:
        return Judgement(worth=Worth.NEW)
    now_ms = drafting.now_ms(line)
    why = fencing.why_incomplete(line=line, sale=sale, seen=seen, epoch=epoch)
    if not why and (shape.clock_ms or 0) > now_ms + CLOCK_AHEAD_MS:
        why = "its clock is ahead of the server's."
    if not why and whole:
        why = " ".join(comparing.differences(line=line, sale=sale))
    highest = max(shape.seq or 0, shape.stream_last or 0)
    if not why:
        worth = Worth.SOUND if seen.epoch == epoch else Worth.COMPLETE
        return Judgement(worth=worth, epoch=seen.epoch, highest=highest, shape=shape)
    gap = _gap(line, sale, shape)
    offset = Sale.objects.values_list("stream_offset", flat=True).get(pk=sale.pk)
    highest = max(highest, offset, _last_order(sale))
    if not gap and not fencing.may_lack_the_end(sale):
        worth = Worth.REBUILD
    else:
        worth = Worth.QUIET if sale.is_quiet or _is_unopened(sale, now_ms) else Worth.DEGRADED
    known = seen.epoch if seen.outcome is Outcome.FOUND else 0
    return Judgement(worth=worth, why=gap or why, epoch=known, highest=highest, offset=offset, shape=shape)


def _gap(line: Line, sale: Sale, shape: Shape) -> str:
    """Record what the stream has; return why it does not hold every event up to the last one, or nothing."""
    last = shape.stream_last
    if last is None:
        return "its stream is gone." if shape.kinds["events"] == "none" else "its stream is of another type."
    offset = Sale.objects.values_list("stream_offset", flat=True).get(pk=sale.pk)
    if last < offset:
        return f"the ledger is at event {last}, the record at {offset} already."
    if last < (shape.seq or 0):
        return f"its stream ends at event {last}, the ledger is at {shape.seq}."
    try:
        recorded = recording.drain(sale_pk=sale.pk, line=line, epoch=None)
    except LedgerRefused as refusal:
        return f"its stream cannot be read: {refusal}"
    is_short = recorded.offset < last
    return recorded.gap or (f"Event {recorded.offset + 1} is missing, and what came after it." if is_short else "")


def _is_unopened(sale: Sale, now_ms: int) -> bool:
    """Whether nobody can have bought yet. An opening that has been is never moved."""
    return now_ms < sale.opens_at.timestamp() * 1_000 and not Order.objects.filter(sale=sale).exists()


def _last_order(sale: Sale) -> int:
    return Order.objects.filter(sale=sale).order_by("-seq").values_list("seq", flat=True).first() or 0

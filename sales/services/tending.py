"""What the keeper does for one running sale each second: repair it, put it in, tell it its state, tick it.

Looks at one snapshot of the ledger beside the sale's row, which was read before it. Not here: recording, which does not
wait for the second.
"""

from dataclasses import dataclass

from sales.domain.outcomes import Outcome
from sales.domain.states import SaleState
from sales.live.line import Line
from sales.live.results import Snapshot
from sales.models import Sale
from sales.services import asking, cancelling, changing, deciding, following, reconciling, recording, ticking
from sales.services.incidents import IncidentKind, Trouble
from sales.services.judging import Worth

_TICK_BEFORE_MS = 3_600_000  # the clock must not go back over an opening that somebody has seen
_AWAKE_BEFORE_MS = 5_000

TELLING = frozenset({Outcome.FOUND, Outcome.NO_LEDGER, Outcome.STALE_EPOCH, Outcome.CORRUPT})
"""Answers that say something of the sale; the others say something of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What is wrong with a sale, if anything, and whether its stream must be watched closely."""

    trouble: Trouble | None = None
    awake: bool = False
    repaired: bool = False


def tend(*, sale: Sale, seen: Snapshot, epoch: int, line: Line, doubted: bool = False) -> Tended:
    """Do what this second asks for. `doubted`: look closely, whatever the snapshot says. Raises LedgerUnavailable."""
    match seen.outcome:
        case Outcome.FOUND if seen.sound and seen.seq >= sale.stream_offset and not doubted:
            return _tend_sound(sale=sale, seen=seen, epoch=epoch)
        case Outcome.NO_LEDGER if sale.is_new_to_ledger:
            return Tended(awake=following.follow(sale=sale, epoch=epoch))
        case outcome if outcome in TELLING:
            return _repair(sale=sale, line=line)
        case _:
            return Tended(awake=True)


def _repair(*, sale: Sale, line: Line) -> Tended:
    repaired = reconciling.reconcile(line=line, sale_pk=sale.pk)
    sale.refresh_from_db()
    if repaired.ok:
        following.follow(sale=sale)
        return Tended(awake=True, repaired=True)
    kind = IncidentKind.SALE_DEGRADED if repaired.worth is Worth.DEGRADED else IncidentKind.SALE_UNPROVEN
    text = f"Sale {sale.slug}: {repaired.trouble}"
    return Tended(trouble=Trouble(kind=kind, sale_pk=sale.pk, text=text))


def _tend_sound(*, sale: Sale, seen: Snapshot, epoch: int) -> Tended:
    if sale.ledger_epoch < epoch:
        Sale.objects.filter(pk=sale.pk, ledger_epoch__lt=epoch).update(ledger_epoch=epoch)
    if seen.state_number < sale.state_number:
        following.follow(sale=sale, epoch=epoch)
    if seen.recorded_seq < sale.stream_offset:
        # Whoever committed this did not get to say so: all dead letters again, too.
        recording.mark(sale_pk=sale.pk, epoch=epoch, offset=sale.stream_offset)
    if _is_running(sale, seen, before_ms=_TICK_BEFORE_MS):
        ticking.tick_sale(sale_pk=sale.pk, epoch=epoch)
    if _is_quiet(sale, seen):
        Sale.objects.filter(pk=sale.pk, state_number=sale.state_number).update(quiet_number=sale.state_number)
    awake = seen.seq > sale.stream_offset or _is_running(sale, seen, before_ms=_AWAKE_BEFORE_MS)
    return Tended(awake=awake, trouble=_finish_asked(sale, seen, epoch=epoch))


def _finish_asked(sale: Sale, seen: Snapshot, *, epoch: int) -> Trouble | None:
    """Bring to an end what a person asked for and a crash, or a ledger that was away, left between the two sides."""
    asking.take_up_late(sale_pk=sale.pk, seen=seen)
    stuck = (
        changing.finish_asked(sale_pk=sale.pk, epoch=epoch),
        cancelling.finish_asked(sale_pk=sale.pk, epoch=epoch),
        deciding.finish_asked(sale_pk=sale.pk, epoch=epoch),
    )
    text = f"Sale {sale.slug}: {' '.join(filter(None, stuck))}"
    return Trouble(kind=IncidentKind.CHANGE_STUCK, sale_pk=sale.pk, text=text) if any(stuck) else None


def _is_quiet(sale: Sale, seen: Snapshot) -> bool:
    """Whether it is seen for the first time that, since this pause or close, nothing can be sold and all is on record.

    The row was read first, so that what it lacks is missing in it; a unit that is held could still be confirmed.
    """
    return (
        sale.state in (SaleState.PAUSED, SaleState.CLOSED)
        and sale.quiet_number != sale.state_number == seen.state_number
        and seen.held + seen.due == 0
        and seen.seq == sale.stream_offset
    )


def _is_running(sale: Sale, seen: Snapshot, *, before_ms: int) -> bool:
    """Whether units can change hands, or soon will: in the window, and as long as anything is held."""
    if seen.held + seen.due > 0:
        return True
    return sale.state != SaleState.CLOSED and seen.opens_ms - before_ms <= seen.now_ms < seen.closes_ms

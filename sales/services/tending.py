"""What the keeper does for one running sale each second: prove it, put it in, tell it its state, tick it.

Looks at one snapshot of the ledger beside the sale's row, which was read before it. Not here: recording, which does not
wait for the second.
"""

from dataclasses import dataclass

from sales.domain.outcomes import Outcome
from sales.domain.states import SaleState
from sales.live.line import Line
from sales.live.results import Snapshot
from sales.models import Sale
from sales.services import fencing, following, recording, ticking
from sales.services.incidents import IncidentKind, Trouble

_TICK_BEFORE_MS = 3_600_000  # the clock must not go back over an opening that somebody has seen
_AWAKE_BEFORE_MS = 5_000

TELLING = frozenset({Outcome.FOUND, Outcome.NO_LEDGER, Outcome.STALE_EPOCH, Outcome.CORRUPT})
"""Answers that say something of the sale; the others say something of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What is wrong with a sale, if anything, and whether its stream must be watched closely."""

    trouble: Trouble | None = None
    awake: bool = False


def tend(*, sale: Sale, seen: Snapshot, epoch: int, line: Line) -> Tended:
    """Do what this second asks for. Raises LedgerUnavailable over the line."""
    match seen.outcome:
        case Outcome.FOUND if seen.sound:
            return _tend_sound(sale=sale, seen=seen, epoch=epoch)
        case Outcome.FOUND | Outcome.CORRUPT:
            return _trouble(
                IncidentKind.SALE_CORRUPT, sale, "the ledger's numbers contradict each other; it sells nothing."
            )
        case Outcome.STALE_EPOCH:
            why_not = fencing.prove_sale(line=line, sale=sale, epoch=epoch)
            return _trouble(IncidentKind.SALE_UNPROVEN, sale, why_not) if why_not else Tended(awake=True)
        case Outcome.NO_LEDGER if sale.is_new_to_ledger:
            return Tended(awake=following.follow(sale=sale, epoch=epoch))
        case Outcome.NO_LEDGER:
            return _trouble(IncidentKind.SALE_MISSING, sale, "the ledger had it and has it no more; it sells nothing.")
        case _:
            return Tended(awake=True)


def _tend_sound(*, sale: Sale, seen: Snapshot, epoch: int) -> Tended:
    if seen.seq < sale.stream_offset:
        text = f"the ledger is at event {seen.seq}, the record at {sale.stream_offset} already."
        return _trouble(IncidentKind.SALE_UNPROVEN, sale, text)
    if sale.ledger_epoch < epoch:
        Sale.objects.filter(pk=sale.pk, ledger_epoch__lt=epoch).update(ledger_epoch=epoch)
    if seen.state_number < sale.state_number:
        following.follow(sale=sale, epoch=epoch)
    if seen.recorded_seq < sale.stream_offset:
        # Whoever committed this did not get to say so: all dead letters again, too.
        recording.mark(sale_pk=sale.pk, epoch=epoch, offset=sale.stream_offset)
    if _is_running(sale, seen, before_ms=_TICK_BEFORE_MS):
        ticking.tick_sale(sale_pk=sale.pk, epoch=epoch)
    awake = seen.seq > sale.stream_offset or _is_running(sale, seen, before_ms=_AWAKE_BEFORE_MS)
    return Tended(awake=awake)


def _is_running(sale: Sale, seen: Snapshot, *, before_ms: int) -> bool:
    """Whether units can change hands, or soon will: in the window, and as long as anything is held."""
    if seen.held + seen.due > 0:
        return True
    return sale.state != SaleState.CLOSED and seen.opens_ms - before_ms <= seen.now_ms < seen.closes_ms


def _trouble(kind: IncidentKind, sale: Sale, text: str) -> Tended:
    """Say what is wrong; what its stream still holds is recorded all the same."""
    return Tended(trouble=Trouble(kind=kind, sale_pk=sale.pk, text=f"Sale {sale.slug}: {text}"), awake=True)

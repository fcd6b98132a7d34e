"""The auditor: recomputes every few seconds what must always be true of a running sale, and stops it where it is not.

The ledger's own sums are looked at each second already (`tending`). Here its events are followed one by one, and ledger
and record are compared: both move, so a finding counts only when two readings of the same version agree. Whole
comparisons, entry by entry, are `comparing`'s.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live import drafting, ledger
from sales.live.line import LedgerRefused, Line, Unreadable
from sales.live.results import Snapshot
from sales.live.stream import Event, EventKind
from sales.live.tallying import Tally
from sales.models import DeadLetter, Order, Sale
from sales.services import fencing, lifecycle
from sales.services.acting import KEEPER
from sales.services.incidents import IncidentKind, Trouble

EVERY_SECONDS = 5.0
_MOST_EVENTS = 2_000  # of one sale in one round: recording must not wait for the auditor


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Ledger and record of one sale, read one after the other, and what does not agree."""

    version: tuple[int, int, int]  # epoch, number of the last change, offset
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What an audit found of one sale. `doubted`: its keys must be looked at closely, and repaired."""

    findings: tuple[str, ...] = ()
    doubted: bool = False


class Auditor:
    """Follows the events of every running sale from one audit to the next."""

    def __init__(self) -> None:
        self._tallies: dict[int, Tally] = {}

    def saw(self, sale_pk: int, events: Iterable[Event | Unreadable]) -> None:
        """Follow events that were read for another reason, where they are the next ones."""
        tally = self._tallies.get(sale_pk)
        if tally:
            for event in events:
                if isinstance(event, Event) and event.seq == tally.last + 1:
                    tally.follow(event)

    def forget(self, sale_pk: int) -> None:
        """Begin anew with this sale: its stream was made anew."""
        self._tallies.pop(sale_pk, None)

    def audit(self, *, line: Line, sale: Sale, seen: Snapshot) -> Audited:
        """Audit one sale that the ledger knows. `seen` was read a moment ago."""
        if seen.outcome is not Outcome.FOUND:
            return Audited()
        shape = drafting.shape_of(line, sale.pk)
        if fencing.why_misshapen(shape):
            return Audited(doubted=True)
        tally = self._followed(line, sale, until=seen.seq)
        if tally.gap:
            self.forget(sale.pk)
            return Audited(doubted=True)
        findings = tally.against(seen) or self._compared(line, sale, tally)
        return Audited(findings=tuple(findings))

    def _followed(self, line: Line, sale: Sale, *, until: int) -> Tally:
        """Return the sale's tally, brought up to this event, or as far as one round may go."""
        tally = self._tallies.get(sale.pk)
        if tally is None:
            tally = Tally(limit=sale.limit, cancelled_counts=sale.cancelled_counts)
            self._tallies[sale.pk] = tally
        wanted = min(until - tally.last, _MOST_EVENTS) if tally.last else _MOST_EVENTS
        if until > tally.last:
            with suppress(LedgerRefused):  # its type is the business of the next look
                for event in line.read_events({sale.pk: tally.last}, count=wanted).get(sale.pk, []):
                    if isinstance(event, Event) and event.seq <= until:
                        tally.follow(event)
        return tally

    def _compared(self, line: Line, sale: Sale, tally: Tally) -> list[str]:
        """Read ledger and record twice; return what both readings found, if they are of one version."""
        first = read(line=line, sale_pk=sale.pk, tally=tally)
        if first is None or not first.findings:
            return []
        second = read(line=line, sale_pk=sale.pk, tally=tally)
        return list(first.findings) if first == second else []


def read(*, line: Line, sale_pk: int, tally: Tally | None) -> Reading | None:
    """Compare ledger and record once; None where the ledger has no numbers."""
    sale = Sale.objects.get(pk=sale_pk)
    seen = line.run(ledger.snapshot(sale=sale_pk, epoch=None))
    if seen.outcome is not Outcome.FOUND:
        return None
    findings = []
    counted = Order.objects.filter(sale=sale_pk).exclude(state=OrderState.CANCELLED).count()
    if counted != sale.recorded:
        findings.append(f"{counted} orders are on record and not cancelled, and {sale.recorded} are counted.")
    if counted > sale.stock:
        findings.append(f"{counted} orders are on record, {counted - sale.stock} more than the stock of {sale.stock}.")
    if seen.stock > sale.stock:
        findings.append(
            f"The ledger sells from a stock of {seen.stock}, {seen.stock - sale.stock} more than is on record."
        )
    if tally and tally.start <= sale.stream_offset <= tally.last:
        findings += _untraced(sale, tally)
    return Reading(version=(seen.epoch, seen.change, sale.stream_offset), findings=tuple(findings))


def _untraced(sale: Sale, tally: Tally) -> list[str]:
    """Compare the bought units of the stream with the orders and dead letters that they became."""
    of_stream = {"sale": sale.pk, "seq__gte": tally.start, "seq__lte": sale.stream_offset}
    orders = Order.objects.filter(**of_stream)
    refused = DeadLetter.objects.filter(**of_stream, event__what=EventKind.BOUGHT).exclude(seq__in=orders.values("seq"))
    bought, became = tally.bought_until(sale.stream_offset), orders.count() + refused.count()
    if bought == became:
        return []
    return [f"{bought} units were bought up to event {sale.stream_offset}, and {became} are orders or dead letters."]


def stop(*, sale: Sale, findings: Iterable[str]) -> Trouble:
    """Pause a sale of which something is not true, and say what: stop rather than go on wrong."""
    text = " ".join(findings)
    with suppress(lifecycle.Refused):
        lifecycle.pause(sale_pk=sale.pk, by=KEEPER, why=text[:500])
    return Trouble(kind=IncidentKind.SALE_DISAGREES, sale_pk=sale.pk, text=f"Sale {sale.slug}: {text} It is paused.")

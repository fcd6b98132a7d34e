"""What should not be: a row with its beginning and its end. What to do about each is in the operator's book.

`begin` and `end` are safe to repeat. Who looks again and again at the same things (the keeper) uses a `Watch`, which
writes only what changed since its last look.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.utils import timezone

from sales.models import Incident

logger = logging.getLogger(__name__)


class IncidentKind(StrEnum):
    """What kinds of incident there are."""

    LEDGER_AWAY = "ledger_away"  # the server has not answered the keeper for some seconds
    LEDGER_UNFIT = "ledger_unfit"  # the server's settings, or its role, cannot keep what the ledger promises
    LEDGER_FULL = "ledger_full"  # the server refuses writes: its memory or its disk
    LEDGER_CLOCK = "ledger_clock"  # the server's clock jumped
    SALE_DEGRADED = "sale_degraded"  # purchases may be missing in the ledger; somebody must accept that
    SALE_UNPROVEN = "sale_unproven"  # what the ledger has of a sale cannot be shown to be complete
    SALE_DISAGREES = "sale_disagrees"  # ledger and record, or two parts of the ledger, tell different stories
    SALE_REBUILT = "sale_rebuilt"  # a sale's ledger was made anew; over when it is written
    LOSS_ACCEPTED = "loss_accepted"  # the same, where purchases may be missing
    STREAM_UNREADABLE = "stream_unreadable"  # the stream is of another type, or holds what no script wrote
    CHANGE_STUCK = "change_stuck"  # the ledger does not take a change or a cancellation that is asked on record
    DEAD_LETTER = "dead_letter"  # the record refused an event
    KEEPER_FAILED = "keeper_failed"  # the keeper met an error that nobody foresaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong now, of one sale or of the ledger as a whole."""

    kind: IncidentKind
    text: str
    sale_pk: int | None = None

    @property
    def subject(self) -> tuple[int | None, IncidentKind]:
        """What two looks at the same trouble have in common; its text may change."""
        return self.sale_pk, self.kind


def begin(trouble: Trouble) -> None:
    """Open an incident, unless one of this kind is open for this sale already."""
    if not _standing(sale_pk=trouble.sale_pk, kind=trouble.kind).exists():
        Incident.objects.create(sale_id=trouble.sale_pk, kind=trouble.kind, text=trouble.text)


def note(trouble: Trouble) -> None:
    """Write down something that is over already."""
    Incident.objects.create(sale_id=trouble.sale_pk, kind=trouble.kind, text=trouble.text, ended_at=timezone.now())


def end(*, sale_pk: int | None, kind: IncidentKind) -> None:
    """Close the incident of this kind for this sale, if one is open."""
    _standing(sale_pk=sale_pk, kind=kind).update(ended_at=timezone.now())


def _standing(*, sale_pk: int | None, kind: IncidentKind) -> QuerySet[Incident]:
    about = Q(sale=None) if sale_pk is None else Q(sale=sale_pk)
    return Incident.objects.filter(about, kind=kind, ended_at=None)


class Watch:
    """The troubles of the last look, so that the next one writes and says only what changed."""

    def __init__(self, kinds: Iterable[IncidentKind]) -> None:
        self._kinds = tuple(kinds)
        self._known: dict[tuple[int | None, IncidentKind], str] | None = None

    def see(self, troubles: Iterable[Trouble]) -> None:
        """Take note of everything that is wrong now; what is not among it any more has ended."""
        known = self._on_record() if self._known is None else self._known
        now = {trouble.subject: trouble for trouble in troubles}
        for subject, trouble in now.items():
            if known.get(subject) != trouble.text:
                logger.error("%s", trouble.text)
            if subject not in known:
                begin(trouble)
        for subject in known.keys() - now.keys():
            logger.info("This is over: %s", known[subject])
            end(sale_pk=subject[0], kind=subject[1])
        self._known = {subject: trouble.text for subject, trouble in now.items()}

    def _on_record(self) -> Mapping[tuple[int | None, IncidentKind], str]:
        """What an earlier process left open."""
        rows = Incident.objects.filter(kind__in=self._kinds, ended_at=None)
        return {(row.sale_id, IncidentKind(row.kind)): row.text for row in rows}

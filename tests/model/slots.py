"""What the rules speak of: slots, answers and events, as values. The rules themselves are in `reference`."""

from dataclasses import dataclass
from uuid import UUID

from sales.domain.outcomes import Outcome
from sales.live.entries import EntryState

COUNTING = {
    EntryState.HELD,
    EntryState.EXTENDED,
    EntryState.BOUGHT,
    EntryState.UNRECORDED,
    EntryState.CANCELLED_FOR_GOOD,
}
MOST_LOST_HOLDS = 3

type Where = tuple[str, int]
"""A shopper's slot: (shopper, number)."""
type Happened = tuple[str, str, int, int, UUID | None]
"""An event: what, shopper, slot, unit, order."""


@dataclass(frozen=True)
class Slot:
    """One slot of one shopper."""

    state: EntryState
    unit: int
    order: UUID
    key: str
    seq: int
    taken: int
    at: int
    lost: int


@dataclass(frozen=True)
class Said:
    """An answer: the outcome, and the slot it is about."""

    outcome: Outcome
    slot: int = 0
    entry: Slot | None = None
    moment: int = 0

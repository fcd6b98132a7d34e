"""The events of a sale followed one by one, outside the ledger: who has which unit, and what the sums must be.

Pure. A `Tally` says where the events contradict themselves, and what they make of the numbers that the ledger keeps
beside them. Where a stream was made anew it goes on from the numbers of `rebuilt`, without knowing whose units those
are.
"""

from bisect import bisect_right
from collections import Counter

from sales.live.results import Snapshot
from sales.live.stream import Event, EventKind

_GIVEN_BACK = frozenset({EventKind.LET_GO, EventKind.RAN_OUT, EventKind.TAKEN_OVER})
_MOST_FINDINGS = 5  # a person has to read them


class Tally:
    """What the events up to `last` say."""

    def __init__(self, *, limit: int, cancelled_counts: bool) -> None:
        self.last = 0
        self.start = 0  # number of the event that this stream began with
        self.gap = ""
        self.findings: list[str] = []
        self._limit, self._cancelled_counts = limit, cancelled_counts
        self._begin(sold=0)

    def _begin(self, *, sold: int) -> None:
        self.sold, self.held = sold, 0
        self._owners: dict[int, tuple[str, int]] = {}
        self._holds: set[int] = set()
        self._counted: Counter[str] = Counter()
        self._bought: list[int] = []
        self.findings = []

    def bought_until(self, seq: int) -> int:
        """Return how many events of this stream up to this one are about a bought unit."""
        return bisect_right(self._bought, seq)

    def follow(self, event: Event) -> None:
        """Take the next event."""
        if event.what in (EventKind.REBUILT, EventKind.PUBLISHED):
            self.start = event.seq
            self._begin(sold=event.sold)
        elif event.seq != self.last + 1:
            self.gap = f"Event {self.last + 1} is missing: behind event {self.last} comes {event.seq}."
        self.last = event.seq
        match event.what:
            case EventKind.HELD:
                self._take(event)
                self.held += 1
                self._holds.add(event.unit)
            case EventKind.BOUGHT:
                self._buy(event)
            case what if what in _GIVEN_BACK:
                self._give_back(event)
            case EventKind.CANCELLED:
                self._cancel(event)

    def _take(self, event: Event) -> None:
        place = (event.shopper, event.slot)
        owner = self._owners.get(event.unit)
        if owner and owner != place:
            self._say(f"Unit {event.unit} is {owner[0]}'s, and event {event.seq} gives it to {event.shopper}.")
        self._owners[event.unit] = place
        self._counted[event.shopper] += 1
        if self._counted[event.shopper] > self._limit:
            self._say(
                f"{event.shopper} has {self._counted[event.shopper]} units by event {event.seq}; "
                f"the limit is {self._limit}."
            )

    def _buy(self, event: Event) -> None:
        self._bought.append(event.seq)
        self.sold += 1
        if event.unit in self._holds and self._owners.get(event.unit) == (event.shopper, event.slot):
            self._holds.discard(event.unit)
            self.held -= 1
        else:
            self._take(event)

    def _give_back(self, event: Event) -> None:
        if event.unit not in self._holds or self._owners.get(event.unit) != (event.shopper, event.slot):
            self._say(f"Event {event.seq} gives unit {event.unit} back, which {event.shopper} does not hold.")
            return
        self._holds.discard(event.unit)
        del self._owners[event.unit]
        self.held -= 1
        self._counted[event.shopper] -= 1

    def _cancel(self, event: Event) -> None:
        self.sold -= 1
        if self._owners.pop(event.unit, None) and not self._cancelled_counts:
            self._counted[event.shopper] -= 1

    def _say(self, finding: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(finding)

    def against(self, seen: Snapshot) -> list[str]:
        """Return what is wrong with the events, and, where the snapshot is of the same event, with its numbers."""
        if self.gap:
            return [self.gap]
        found = list(self.findings)
        if seen.seq == self.last:
            held = seen.held + seen.due
            if self.sold != seen.sold:
                found.append(f"The events make {self.sold} sold, the ledger's number is {seen.sold}.")
            if self.held != held:
                found.append(f"The events make {self.held} held, the ledger's number is {held}.")
        return found

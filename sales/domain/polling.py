"""How long a page waits before it asks again: short near the opening, long far from it, never once a sale is over.

A step is a range; each answer draws its own delay from it, so that pages opened together do not ask together. While
nothing changes, a page is answered 304 and keeps the delay of the answer it has, so what is promised here is promised
for the longest delay of a step: whoever drew it wakes before the step that follows has become too late.
"""

from dataclasses import dataclass

from sales.domain.phases import Phase

_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Step:
    """Wait at least `least_ms` and at most `most_ms`."""

    least_ms: int
    most_ms: int

    def drawn(self, chance: float) -> int:
        """Return the delay in milliseconds for a random number in [0, 1)."""
        return self.least_ms + int(chance * (self.most_ms - self.least_ms))


# The same on both sides of the opening, so that the rate of asking is level when everybody wants to know.
AROUND_OPENING = Step(1_000, 3_000)
AROUND_OPENING_MS = 30_000

# How far from the opening, and the step from there on; each wakes everybody well within the next range.
_BEFORE = (
    (60 * _MINUTE, Step(60_000, 180_000)),
    (10 * _MINUTE, Step(30_000, 60_000)),
    (2 * _MINUTE, Step(10_000, 20_000)),
    (AROUND_OPENING_MS, Step(4_000, 8_000)),
)
LIVE = Step(2_000, 4_000)
PAUSED = Step(4_000, 8_000)
SOLD_OUT_BUT_HELD = Step(3_000, 7_000)
SOLD_OUT = Step(15_000, 30_000)
DEGRADED = Step(4_000, 6_000)
RECORDING = Step(1_000, 2_000)
REFUSED = Step(12_000, 18_000)  # time to read the refusal before the stub shows the sale again
CANNOT_TELL = Step(4_500, 5_500)


def step(*, phase: Phase, to_opening_ms: int, held: int) -> Step | None:
    """Return how long to wait in this phase; None where nothing will change any more.

    `to_opening_ms` is negative once the sale is open.
    """
    if phase is Phase.ENDED:
        return None
    if phase is Phase.PAUSED:
        return PAUSED
    if to_opening_ms > 0:
        return next((step for distance, step in _BEFORE if to_opening_ms > distance), AROUND_OPENING)
    if phase is Phase.SOLD_OUT:
        return SOLD_OUT_BUT_HELD if held else SOLD_OUT
    return AROUND_OPENING if -to_opening_ms <= AROUND_OPENING_MS else LIVE

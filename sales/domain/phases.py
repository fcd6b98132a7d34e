"""Where a sale stands at an instant, by the ledger's clock: which of its faces a page shows.

Pure: who knows the numbers says them. What may be bought is the ledger's scripts' to decide; a phase is only shown.
"""

from enum import StrEnum

from sales.domain.states import LedgerState

DAY_MS = 86_400_000


class Phase(StrEnum):
    """One face of a sale. The first three are before the opening."""

    FAR = "far"  # a day and more: the date says it all
    NEAR = "near"
    ZERO = "zero"  # less than a second to go: the button comes with the shop's word
    LIVE = "live"
    PAUSED = "paused"
    SOLD_OUT = "sold_out"  # nothing left now; what is held may come back
    ENDED = "ended"

    @property
    def is_upcoming(self) -> bool:
        """Whether the sale has yet to open."""
        return self in (Phase.FAR, Phase.NEAR, Phase.ZERO)


def of(*, state: LedgerState, now_ms: int, opens_ms: int, closes_ms: int, left: int) -> Phase:
    """Return the phase. Over comes first, because a paused sale whose end has passed does not go on."""
    if state is LedgerState.CLOSED or now_ms >= closes_ms:
        return Phase.ENDED
    if state is LedgerState.PAUSED:
        return Phase.PAUSED
    to_opening = opens_ms - now_ms
    if to_opening >= DAY_MS:
        return Phase.FAR
    if to_opening >= 1_000:
        return Phase.NEAR
    if to_opening > 0:
        return Phase.ZERO
    return Phase.LIVE if left > 0 else Phase.SOLD_OUT

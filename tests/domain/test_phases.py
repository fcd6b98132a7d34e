"""Which face a sale shows."""

import pytest

from sales.domain import phases
from sales.domain.phases import DAY_MS, Phase
from sales.domain.states import LedgerState

OPENS, CLOSES = 10 * DAY_MS, 11 * DAY_MS


def phase(now_ms: int, state: LedgerState = LedgerState.OPEN, left: int = 5) -> Phase:
    return phases.of(state=state, now_ms=now_ms, opens_ms=OPENS, closes_ms=CLOSES, left=left)


class TestPhase:
    @pytest.mark.parametrize(
        ("now_ms", "expected"),
        [
            (OPENS - DAY_MS, Phase.FAR),
            (OPENS - DAY_MS + 1, Phase.NEAR),
            (OPENS - 1_000, Phase.NEAR),
            (OPENS - 999, Phase.ZERO),
            (OPENS - 1, Phase.ZERO),
            (OPENS, Phase.LIVE),
            (CLOSES - 1, Phase.LIVE),
            (CLOSES, Phase.ENDED),
        ],
    )
    def test_follows_the_window_which_is_closed_at_its_end(self, now_ms, expected):
        assert phase(now_ms) is expected

    def test_is_sold_out_only_within_the_window(self):
        assert phase(OPENS, left=0) is Phase.SOLD_OUT
        assert phase(OPENS - 5_000, left=0) is Phase.NEAR
        assert phase(CLOSES, left=0) is Phase.ENDED

    def test_is_paused_before_and_during_but_not_after_the_window(self):
        assert phase(OPENS - DAY_MS, LedgerState.PAUSED) is Phase.PAUSED
        assert phase(OPENS, LedgerState.PAUSED, left=0) is Phase.PAUSED
        assert phase(CLOSES, LedgerState.PAUSED) is Phase.ENDED

    def test_is_ended_once_closed_whatever_the_clock_says(self):
        assert phase(OPENS - DAY_MS, LedgerState.CLOSED) is Phase.ENDED

    def test_says_which_phases_are_before_the_opening(self):
        assert {each for each in Phase if each.is_upcoming} == {Phase.FAR, Phase.NEAR, Phase.ZERO}

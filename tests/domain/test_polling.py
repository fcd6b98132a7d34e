"""How long pages wait before they ask again."""

import random
from collections import Counter

import pytest

from sales.domain import phases, polling
from sales.domain.phases import Phase
from sales.domain.polling import Step
from sales.domain.states import LedgerState


def step_at(to_opening_ms: int) -> Step:
    phase = phases.of(
        state=LedgerState.OPEN, now_ms=-to_opening_ms, opens_ms=0, closes_ms=3_600_000, left=5
    )  # fmt: skip
    step = polling.step(phase=phase, to_opening_ms=to_opening_ms, held=0)
    assert step
    return step


class TestStep:
    def test_draws_within_its_range(self):
        step = Step(1_000, 3_000)

        drawn = [step.drawn(chance) for chance in (0.0, 0.5, 0.999_999)]

        assert drawn == [1_000, 2_000, 2_999]

    def test_gets_shorter_towards_the_opening(self):
        longest = [step_at(seconds * 1_000).most_ms for seconds in (100_000, 3_000, 500, 100, 20, 1)]

        assert longest == sorted(longest, reverse=True)

    def test_wakes_everybody_within_the_range_around_the_opening(self):
        """Also who draws the longest delay each time, and keeps it while the page is answered 304."""
        for distance in (2 * 86_400_000, 3_600_001, 600_001, 120_001, 30_001):
            left = distance
            while left > polling.AROUND_OPENING_MS:
                left -= step_at(left).most_ms
            assert left > 10_000

    def test_is_the_same_on_both_sides_of_the_opening(self):
        assert step_at(1) == step_at(-1) == step_at(-polling.AROUND_OPENING_MS) == polling.AROUND_OPENING

    def test_ends_with_the_sale(self):
        assert polling.step(phase=Phase.ENDED, to_opening_ms=-1, held=3) is None

    @pytest.mark.parametrize(("held", "expected"), [(3, polling.SOLD_OUT_BUT_HELD), (0, polling.SOLD_OUT)])
    def test_is_slower_where_nothing_can_come_back(self, held, expected):
        assert polling.step(phase=Phase.SOLD_OUT, to_opening_ms=-1, held=held) is expected


class TestAThousandPages:
    def test_ask_evenly_around_the_opening(self):
        """Open since a minute before it; no second of the twenty around it is asked twice as often as the mean."""
        seed = random.randrange(2**32)
        draw = random.Random(seed)
        asked: Counter[int] = Counter()
        for _ in range(1_000):
            now = -60_000 + draw.randrange(2_000)  # they came within two seconds
            while now < 12_000:
                now += step_at(-now).drawn(draw.random())
                asked[now // 1_000] += 1
        bins = [asked[second] for second in range(-10, 10)]

        assert max(bins) <= 2 * sum(bins) / len(bins), f"seed {seed}: {bins}"

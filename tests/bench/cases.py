"""What a benchmark is made of: cases, fired in turn over several rounds, and their medians.

A scenario is a list of cases. In each round every case of a scenario is fired once, A B A B, so that whatever else the
machine does falls on all of them alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.progress import Progress

SUMMED = frozenset({"timeouts", "broken", "pages_timeouts", "polls_timeouts", "failed"})
"""What counts over all rounds: one time-out in five rounds must not vanish in a median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long everything takes."""

    quick: bool
    rounds: int
    seconds: int
    shoppers: int  # who want a unit in the sell-out
    units: int
    few: int  # buyers in the small sale and in the large one
    many: int
    connections: tuple[int, ...] = (32, 256, 1_000)


FULL = Pace(quick=False, rounds=3, seconds=3, shoppers=20_000, units=10_000, few=1_000, many=1_000_000)
QUICK = Pace(quick=True, rounds=1, seconds=1, shoppers=2_000, units=1_000, few=1_000, many=20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to measure: who, under what condition, and how. `fire` gets the number of the round."""

    who: str
    title: str
    condition: str
    fire: Callable[[int], dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What came of a case: the median of each value over the rounds, and all rounds."""

    scenario: str
    who: str
    title: str
    condition: str
    values: dict[str, float] = field(default_factory=dict)
    rounds: tuple[dict[str, float], ...] = ()

    def get(self, name: str) -> float | None:
        """Return a value, or None where it was not measured."""
        return self.values.get(name)


def carry_out(scenario: str, cases: Sequence[Case], *, rounds: int, progress: Progress) -> list[Figure]:
    """Fire every case in every round, and return the figures in the order of the cases."""
    seen: list[list[dict[str, float]]] = [[] for _ in cases]
    bar = progress.add_task(scenario, total=rounds * len(cases))
    for number in range(1, rounds + 1):
        for case, values in zip(cases, seen, strict=True):
            progress.update(bar, description=f"{scenario}: {case.title}, {case.condition} ({number}/{rounds})")
            values.append(case.fire(number))
            if not progress.console.is_terminal:  # whoever reads a log sees that it goes on, and with what
                progress.console.print(f"{scenario} {number}/{rounds}: {case.title}, {case.condition}")
            progress.advance(bar)
    progress.update(bar, description=scenario)
    return [
        Figure(
            scenario=scenario,
            who=case.who,
            title=case.title,
            condition=case.condition,
            values=_medians(values),
            rounds=tuple(values),
        )
        for case, values in zip(cases, seen, strict=True)
    ]


def _medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    names = {name: None for each in rounds for name in each}
    return {
        name: (sum if name in SUMMED else median)([each[name] for each in rounds if name in each]) for name in names
    }

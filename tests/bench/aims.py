"""What the lane is meant to reach, and what it reached: ratios made of the figures.

A ratio is the median of the rounds' ratios, and not the ratio of medians: what the machine did meanwhile was done to
both sides of a round alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, le
from statistics import median

from tests.bench.cases import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One thing aimed at; `short_by` says how far it is from what it must be, and is empty where it is there."""

    what: str
    must: str
    goal: str
    measured: str
    reached: str
    short_by: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures, to be asked by name."""

    found: Sequence[Figure]

    def find(self, scenario: str, who: str, condition: str = "") -> Figure | None:
        """Return the figure whose condition starts so, or None."""
        named = (each for each in self.found if (each.scenario, each.who) == (scenario, who))
        return next((each for each in named if each.condition.startswith(condition)), None)

    def get(self, scenario: str, who: str, condition: str, name: str) -> float | None:
        """Return a value of such a figure, or None."""
        found = self.find(scenario, who, condition)
        return found.get(name) if found else None

    def cost(self, who: str) -> float | None:
        """Return the processor time of one purchase at 256 connections: server and ledger, in microseconds."""
        found = self.find("purchases", who, "256")
        return _cost(found.values) if found else None

    def against_express(self, scenario: str, condition: str, value: "_Value | None" = None) -> float | None:
        """Return how often the lane's value holds the Express baseline's."""
        return ratio(self.find(scenario, "lane", condition), self.find(scenario, "express", condition), value)


type _Value = Callable[[Mapping[str, float]], float | None]


def ratio(ours: Figure | None, theirs: Figure | None, value: _Value | None = None) -> float | None:
    """Return how often a value of ours holds theirs, round by round: the median. Left out: what comes per second."""
    if ours is None or theirs is None:
        return None
    read: _Value = value or (lambda values: values.get("per_second"))
    pairs = zip(ours.rounds or (ours.values,), theirs.rounds or (theirs.values,), strict=False)
    known = [(one, other) for one, other in ((read(a), read(b)) for a, b in pairs) if one is not None and other]
    return median([one / other for one, other in known]) if known else None


def _cost(values: Mapping[str, float]) -> float | None:
    """Return the processor time of one purchase, server and ledger, in microseconds."""
    parts = [values.get(name) for name in ("cpu_web_us", "cpu_store_us")]
    return None if None in parts else sum(part for part in parts if part is not None)


def of(found: Sequence[Figure]) -> list[Aim]:
    """Return every aim of which the figures tell."""
    figures = Figures(found)
    aims = [
        _least("Purchases/s at 256 connections, against Express without persistence", "×", 3, 4,
               figures.against_express("purchases", "256")),
        _most("CPU per purchase, server and ledger, against it", "×", 0.45, 1 / 3,
              figures.against_express("purchases", "256", _cost)),
        _least("Status reads, against it", "×", 6, 8, figures.against_express("reads", "status")),
        _least("Refusals when sold out, against it", "×", 3, 6, figures.against_express("refusals", "sold out")),
        _most("Time-outs at 1,000 connections", "", 0, 0, figures.get("purchases", "lane", "1,000", "timeouts")),
        _most("p99 at 1,000 connections", " ms", 250, 125, figures.get("purchases", "lane", "1,000", "p99_ms")),
        _least("Page views without a web session", "/s", 2_700, 10_000,
               figures.get("reads", "lane", "page, nobody", "per_second")),
    ]  # fmt: skip
    for condition in ("nobody", "100"):
        name = "nobody signed in" if condition == "nobody" else "a tenth of the page views signed in"
        get = _asking(figures, condition)
        aims += [
            _least(f"Mixed profile, two services, {name}: purchases", "/s", 5_000, 10_000, get("per_second")),
            _most(f"Mixed profile, two services, {name}: p99 of purchases", " ms", 150, 60, get("p99_ms")),
        ]
    return [each for each in (*aims, *_of_the_ledger(figures)) if each is not None]


def _asking(figures: Figures, condition: str) -> Callable[[str], float | None]:
    return lambda name: figures.get("mixed", "two services", condition, name)


def _of_the_ledger(figures: Figures) -> list[Aim | None]:
    aims: list[Aim | None] = []
    for connections, must, goal in (("256", 25.0, 15.0), ("32", None, None)):
        always, none = (figures.find("durability", who, connections) for who in ("always", "none"))
        kept = ratio(always, none)
        share = (1 - kept) * 100 if kept is not None else None
        aims.append(
            _most(f"What `appendfsync always` costs at {connections} connections", " % of purchases", must, goal, share)
        )
    sizes = [each for each in figures.found if each.scenario == "buyers"]
    if len(sizes) == 2:
        few, many = (f"{int(each.who):,}" for each in sizes)
        what = f"Purchases/s with {many} buyers in the ledger, against {few}"
        aims.append(_least(what, "×", 0.9, None, ratio(sizes[1], sizes[0])))
        aims.append(_most(f"Bytes of the ledger per buyer, of {many}", "", 200, None, sizes[1].get("bytes_per_buyer")))
    return aims


type _Bound = float | None


def _least(what: str, unit: str, must: float, goal: _Bound, value: float | None) -> Aim | None:
    return _aim(what=what, unit=unit, bounds=("≥", must, goal), value=value)


def _most(what: str, unit: str, must: _Bound, goal: _Bound, value: float | None) -> Aim | None:
    return _aim(what=what, unit=unit, bounds=("≤", must, goal), value=value)


def _aim(*, what: str, unit: str, bounds: tuple[str, _Bound, _Bound], value: float | None) -> Aim | None:
    sign, must, goal = bounds
    if value is None:
        return None
    holds = ge if sign == "≥" else le
    if must is None:
        reached = "no aim"
    elif not holds(value, must):
        reached = "missed"
    else:
        reached = "goal" if goal is not None and holds(value, goal) else "yes"
    return Aim(
        what=what,
        must=_written(sign, must, unit),
        goal=_written(sign, goal, unit),
        measured=f"{short(value)}{unit}",
        reached=reached,
        short_by=f"{abs(value / must - 1) * 100:.0f} %" if reached == "missed" and must else "",
    )


def _written(sign: str, value: _Bound, unit: str) -> str:
    return "" if value is None else f"{sign} {short(value)}{unit}"


def short(value: float) -> str:
    """Write a number with about three digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"

"""What the lane is meant to reach, and what it reached: ratios made of the figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, le

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

    def get(self, scenario: str, who: str, condition: str, name: str) -> float | None:
        """Return a value of the figure whose condition starts so, or None."""
        for each in self.found:
            if (each.scenario, each.who) == (scenario, who) and each.condition.startswith(condition):
                return each.get(name)
        return None

    def ratio(self, scenario: str, condition: str, name: str = "per_second") -> float | None:
        """Return how often the lane's value holds the Express baseline's."""
        ours = self.get(scenario, "lane", condition, name)
        theirs = self.get(scenario, "express", condition, name)
        return ours / theirs if ours is not None and theirs else None

    def cost(self, who: str) -> float | None:
        """Return the processor time of one purchase at 256 connections: server and ledger, in microseconds."""
        parts = [self.get("purchases", who, "256", name) for name in ("cpu_web_us", "cpu_store_us")]
        return None if None in parts else sum(part for part in parts if part is not None)


def of(found: Sequence[Figure]) -> list[Aim]:
    """Return every aim of which the figures tell."""
    figures = Figures(found)
    cost, express_cost = figures.cost("lane"), figures.cost("express")
    aims = [
        _least("Purchases/s at 256 connections, against Express without persistence", "×", 3, 4,
               figures.ratio("purchases", "256")),
        _most("CPU per purchase, server and ledger, against it", "×", 0.45, 1 / 3,
              cost / express_cost if cost and express_cost else None),
        _least("Status reads, against it", "×", 6, 8, figures.ratio("reads", "status")),
        _least("Refusals when sold out, against it", "×", 3, 6, figures.ratio("refusals", "sold out")),
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
        kept = figures.get("durability", "always", connections, "per_second")
        lost = figures.get("durability", "none", connections, "per_second")
        share = (1 - kept / lost) * 100 if kept and lost else None
        aims.append(
            _most(f"What `appendfsync always` costs at {connections} connections", " % of purchases", must, goal, share)
        )
    sizes = [(each.who, each.get("per_second"), each.get("bytes_per_buyer")) for each in figures.found
             if each.scenario == "buyers"]  # fmt: skip
    if len(sizes) == 2 and sizes[0][1] and sizes[1][1]:
        few, many = (f"{int(each[0]):,}" for each in sizes)
        what = f"Purchases/s with {many} buyers in the ledger, against {few}"
        aims.append(_least(what, "×", 0.9, None, sizes[1][1] / sizes[0][1]))
        aims.append(_most(f"Bytes of the ledger per buyer, of {many}", "", 200, None, sizes[1][2]))
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

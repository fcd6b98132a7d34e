"""Every order in which the steps of a small world can come, each state once: `python -m tests.model.explore [SCOPE …]`.

States that differ in names alone are one (`alike`), and each is kept as a few bytes (`rows`): there can be millions.
Breadth first, so that the trace that leads to a broken promise is a shortest one. Ends with 1 where one is broken.
"""

import sys
import time
from array import array
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.model import acting, keeping, promises, shopping, trouble
from tests.model.rows import Row, Rows
from tests.model.scopes import SCOPES
from tests.model.world import Scope, Steps, World


@dataclass(slots=True)
class Explored:
    """What was found: numbers that are the same on every machine, and the trace to what is broken, if anything is."""

    scope: Scope
    states: int = 0
    stands_for: int = 0  # states, where those that differ in names alone are counted one by one
    transitions: int = 0
    depth: int = 0
    at_rest: int = 0
    seconds: float = 0.0
    broken: str = ""
    trace: list[str] = field(default_factory=list)

    @property
    def figures(self) -> str:
        """The line of this scope in `docs/reliability.md`."""
        worlds = f"{self.states:>9,} states for {self.stands_for:>9,}"
        ways = f"{self.transitions:>9,} transitions {self.depth:>3} deep"
        return f"{self.scope.name:<19} {worlds} {ways}   {self.scope.about}"

    def __str__(self) -> str:
        steps = "\n".join(f"  {n:2}. {text}" for n, text in enumerate(self.trace, start=1))
        return f"{self.scope.name}: {self.broken}\n{steps}"


def steps(scope: Scope, world: World) -> Steps:
    """Everything that can happen next.

    Where no answer can be lost any more, reading one stands in nobody's way, and what must be so afterwards is only
    more: so all that have come are read before anything else is tried.
    """
    if not world.faults.crashes and not world.faults.losses and (reading := shopping.reading(world)):
        yield reading
        return
    yield from shopping.steps(scope, world)
    yield from acting.steps(scope, world)
    yield from keeping.steps(scope, world)
    yield from trouble.steps(scope, world)


class Search:
    """The states found so far, in the order they were found in, each with the one that first led to it."""

    def __init__(self, scope: Scope, *, alike: bool = True) -> None:
        self.scope = scope
        self.rows = Rows(scope, alike=alike)
        self.begin = scope.begin()
        self.places: dict[bytes, int] = {}
        self.packed: list[bytes] = []
        self.came_from = array("i")
        self.depths = array("H")
        self.starts, self.ends = array("I"), array("I")  # where the transitions of a state begin, and where each leads
        self.found = Explored(scope)

    def run(self) -> Explored:
        began = time.process_time()
        self.arrive(self.rows.first(self.begin), -1)
        place = 0
        while place < len(self.packed) and not self.found.broken:
            self.look_at(place)
            place += 1
        if not self.found.broken and self.goes_round():
            self.found.broken = "I16: some steps can go round for ever"
        self.found.states = len(self.places)
        self.found.transitions = len(self.ends)
        self.found.depth = max(self.depths)
        self.found.seconds = time.process_time() - began
        return self.found

    def arrive(self, row: Row, came_from: int) -> int:
        """The place of the state that stands for this one."""
        least, stands_for = self.rows.least(row)
        packed = self.rows.pack(*least)
        there = self.places.setdefault(packed, len(self.packed))
        if there == len(self.packed):
            self.packed.append(packed)
            self.came_from.append(came_from)
            self.depths.append(self.depths[came_from] + 1 if there else 0)
            self.found.stands_for += stands_for
        return there

    def look_at(self, place: int) -> None:
        row = self.rows.unpack(self.packed[place])
        world = self.rows.world(row)
        self.starts.append(len(self.ends))
        if broken := promises.in_state(self.scope, world):
            self.stop(place, broken=broken)
            return
        is_at_rest = True
        try:
            for step in steps(self.scope, world):
                after = self.rows.row(step.world, before=world, row=row)
                if after != row:
                    is_at_rest = is_at_rest and step.is_fault
                    there = self.arrive(after, place)
                    self.ends.append(there)
                    if broken := promises.between(world, step.world):
                        self.stop(place, there, broken=broken)
        except promises.Broken as broken_by:
            self.stop(place, broken=str(broken_by))
            return
        if is_at_rest:
            self.found.at_rest += 1
            if broken := promises.at_rest(self.scope, world):
                self.stop(place, broken=broken)

    def stop(self, *places: int, broken: str) -> None:
        if self.found.broken:
            return
        self.found.broken = broken
        way = [self.packed[each] for each in places]
        place = places[0]
        while place:
            place = self.came_from[place]
            way.insert(0, self.packed[place])
        self.found.trace = self.retrace(way)

    def retrace(self, way: list[bytes]) -> list[str]:
        """Go the way once more, under the names that everybody has at first."""
        world, row, trace = self.begin, self.rows.first(self.begin), []
        for wanted in way[1:]:
            for step in steps(self.scope, world):
                after = self.rows.row(step.world, before=world, row=row)
                if self.rows.pack(*self.rows.least(after)[0]) == wanted:
                    trace.append(step.text)
                    world, row = step.world, after
                    break
        return trace

    def goes_round(self) -> bool:
        """Whether a run need never come to rest: take away what nothing leads to any more, and see what stays."""
        self.starts.append(len(self.ends))
        ways_in = array("I", bytes(array("I").itemsize * len(self.packed)))
        for end in self.ends:
            ways_in[end] += 1
        begun = [place for place, ways in enumerate(ways_in) if not ways]
        count = 0
        while begun:
            count += 1
            place = begun.pop()
            for end in self.ends[self.starts[place] : self.starts[place + 1]]:
                ways_in[end] -= 1
                if not ways_in[end]:
                    begun.append(end)
        return count < len(self.packed)


def explore(scope: Scope, *, alike: bool = True) -> Explored:
    """Explore a scope to its end, or to the first broken promise; not `alike`: every name by itself."""
    return Search(scope, alike=alike).run()


def main(names: list[str]) -> int:
    """Print the table; return the exit code. Without names: everything."""
    if unknown := set(names) - set(SCOPES):
        raise SystemExit(f"There is no scope {', '.join(sorted(unknown))}. There are: {', '.join(SCOPES)}.")
    console = Console(width=150)
    table = Table("scope", "states", "stand for", "transitions", "depth", "at rest", "seconds", "result")
    broken = []
    for scope in SCOPES.values():
        if names and scope.name not in names:
            continue
        found = explore(scope)
        numbers = (found.states, found.stands_for, found.transitions, found.depth, found.at_rest)
        table.add_row(
            f"{scope.name}: {scope.about}",
            *(f"{n:,}" for n in numbers),
            f"{found.seconds:.1f}",
            found.broken or "all kept",
        )
        if found.broken:
            broken.append(found)
    console.print(table)
    for each in broken:
        console.print(str(each), highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

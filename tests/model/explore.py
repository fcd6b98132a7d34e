"""Every order in which the steps of a small world can come, each state once: `python -m tests.model.explore [SCOPE …]`.

Breadth first, so that the trace that leads to a broken promise is a shortest one. Ends with 1 where one is broken.
"""

import sys
import time
from array import array
from collections import Counter, deque
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.model import acting, keeping, promises, shopping, trouble
from tests.model.scopes import SCOPES
from tests.model.world import Scope, Step, Steps, World


@dataclass(slots=True)
class Explored:
    """What was found: numbers that are the same on every machine, and the trace to what is broken, if anything is."""

    scope: Scope
    states: int = 0
    transitions: int = 0
    depth: int = 0
    at_rest: int = 0
    seconds: float = 0.0
    broken: str = ""
    trace: list[str] = field(default_factory=list)

    @property
    def figures(self) -> str:
        """The line of this scope in `docs/reliability.md`."""
        counts = f"{self.states:>9,} states {self.transitions:>9,} transitions {self.depth:>3} deep"
        return f"{self.scope.name:<19} {counts}   {self.scope.about}"

    def __str__(self) -> str:
        steps = "\n".join(f"  {n:2}. {text}" for n, text in enumerate(self.trace, start=1))
        return f"{self.scope.name}: {self.broken}\n{steps}"


def steps(scope: Scope, world: World) -> Steps:
    """Everything that can happen next.

    Where no answer can be lost any more, reading one stands in nobody's way, and what must be so afterwards is only
    more: so nothing else is tried before it.
    """
    if not world.faults.crashes and not world.faults.losses and (reading := shopping.reading(world)):
        yield reading
        return
    yield from shopping.steps(scope, world)
    yield from acting.steps(scope, world)
    yield from keeping.steps(scope, world)
    yield from trouble.steps(scope, world)


class _Search:
    """The states found so far, each with the step that first led to it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        begin = scope.begin()
        self.places: dict[World, int] = {begin: 0}
        self.came_from: list[tuple[int, str]] = [(-1, "")]
        self.depths = array("H", [0])
        self.edges = (array("l"), array("l"))
        self.waiting = deque([begin])
        self.found = Explored(scope)

    def run(self) -> Explored:
        began = time.process_time()
        while self.waiting and not self.found.broken:
            self.look_at(self.waiting.popleft())
        if not self.found.broken and self.goes_round():
            self.found.broken = "I16: some steps can go round for ever"
        self.found.states = len(self.places)
        self.found.transitions = len(self.edges[0])
        self.found.depth = max(self.depths)
        self.found.seconds = time.process_time() - began
        return self.found

    def look_at(self, world: World) -> None:
        place = self.places[world]
        if broken := promises.in_state(self.scope, world):
            self.stop(place, broken)
            return
        is_at_rest = True
        try:
            for step in steps(self.scope, world):
                if step.world != world:
                    is_at_rest = is_at_rest and step.is_fault
                    self.follow(place, world, step)
        except promises.Broken as broken_by:
            self.stop(place, str(broken_by))
            return
        if is_at_rest:
            self.found.at_rest += 1
            if broken := promises.at_rest(self.scope, world):
                self.stop(place, broken)

    def follow(self, place: int, world: World, step: Step) -> None:
        there = self.places.setdefault(step.world, len(self.places))
        if there == len(self.came_from):
            self.came_from.append((place, step.text))
            self.depths.append(self.depths[place] + 1)
            self.waiting.append(step.world)
        self.edges[0].append(place)
        self.edges[1].append(there)
        if broken := promises.between(world, step.world):
            self.stop(there, broken)

    def stop(self, place: int, broken: str) -> None:
        if self.found.broken:
            return
        self.found.broken = broken
        while place > 0:
            place, text = self.came_from[place]
            self.found.trace.insert(0, text)

    def goes_round(self) -> bool:
        """Whether a run need never come to rest: take away what leads nowhere any more, and see what stays."""
        ways_out = Counter(self.edges[0])
        back: dict[int, list[int]] = {}
        for start, end in zip(*self.edges, strict=True):
            back.setdefault(end, []).append(start)
        ended = deque(place for place in range(len(self.places)) if not ways_out[place])
        count = 0
        while ended:
            count += 1
            for start in back.get(ended.popleft(), ()):
                ways_out[start] -= 1
                if not ways_out[start]:
                    ended.append(start)
        return count < len(self.places)


def explore(scope: Scope) -> Explored:
    """Explore a scope to its end, or to the first broken promise."""
    return _Search(scope).run()


def main(names: list[str]) -> int:
    """Print the table; return the exit code. Without names: everything."""
    if unknown := set(names) - set(SCOPES):
        raise SystemExit(f"There is no scope {', '.join(sorted(unknown))}. There are: {', '.join(SCOPES)}.")
    console = Console(width=150)
    table = Table("scope", "states", "transitions", "depth", "at rest", "seconds", "result")
    broken = []
    for scope in SCOPES.values():
        if names and scope.name not in names:
            continue
        found = explore(scope)
        numbers = (found.states, found.transitions, found.depth, found.at_rest)
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

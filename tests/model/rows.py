"""A world as a row of numbers, one for each of its parts, and one row for all worlds that differ in names alone.

There are millions of worlds in a scope and some thousands of values that each part can have, so each value is kept and
compared once. Rows are exact: two worlds have one row if they are equal, and only then.
"""

from collections.abc import Hashable, Sequence
from struct import Struct
from typing import Any

from tests.model.alike import Names, renamed, renamings
from tests.model.world import Scope, World

type Row = tuple[int, ...]


class _Part:
    """All values that one part of a world has had so far, and the number of each, also under other names."""

    def __init__(self, names: Sequence[Names]) -> None:
        self.names = names
        self.values: list[Any] = []
        self.numbers: dict[Hashable, int] = {}
        self.renamed: list[dict[int, int]] = [{} for _ in names]

    def number(self, value: Hashable) -> int:
        found = self.numbers.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found

    def under(self, nth: int, number: int) -> int:
        """The number of what this value is under the nth names."""
        others = self.renamed[nth]
        if (found := others.get(number)) is None:
            found = others[number] = self.number(renamed(self.values[number], self.names[nth]))
        return found


class Rows:
    """The rows of one scope. Shoppers and keepers come first, then the other parts of a world."""

    def __init__(self, scope: Scope, *, alike: bool = True) -> None:
        begin = scope.begin()
        self.names = list(renamings(scope)) if alike else [next(renamings(scope))]
        self.shoppers, self.people = len(begin.shoppers), len(begin.shoppers) + len(begin.keepers)
        self.rest = [_Part(self.names) for _ in _parts_of(begin)[self.people :]]
        shopper, keeper = _Part(self.names), _Part(self.names)
        self.parts = [shopper] * self.shoppers + [keeper] * len(begin.keepers) + self.rest
        people = [each.name for each in begin.shoppers] + [each.name for each in begin.keepers]
        self.places = [[people.index(names[name]) for name in people] for names in self.names]
        self.least_people: dict[Row, tuple[Row, list[int]]] = {}
        packing = Struct(f"{len(self.parts)}I")
        self.pack, self.unpack = packing.pack, packing.unpack

    def first(self, world: World) -> Row:
        """The row of a world to begin with."""
        return tuple(part.number(value) for part, value in zip(self.parts, _parts_of(world), strict=True))

    def row(self, world: World, *, before: World, row: Row) -> Row:
        """The row of a world that a step has made of one whose row is known: most parts are the very same."""
        parts = zip(self.parts, _parts_of(world), _parts_of(before), row, strict=True)
        return tuple([number if value is old else part.number(value) for part, value, old, number in parts])

    def world(self, row: Row) -> World:
        """The world of a row, of the very values that are kept here."""
        values = [part.values[number] for part, number in zip(self.parts, row, strict=True)]
        return World(tuple(values[: self.shoppers]), tuple(values[self.shoppers : self.people]), *values[self.people :])

    def under(self, nth: int, row: Row) -> Row:
        """The row of the same world under the nth names."""
        return self._people_under(nth, row[: self.people]) + self._rest_under(nth, row[self.people :])

    def least(self, row: Row) -> tuple[Row, int]:
        """The row that stands for all that differ from this one in names alone, and how many those are."""
        if len(self.names) == 1:
            return row, 1
        people, rest = row[: self.people], row[self.people :]
        if people not in self.least_people:
            self.least_people[people] = self._find_least(people)
        least, ways = self.least_people[people]
        rests = [self._rest_under(nth, rest) for nth in ways]
        smallest = min(rests)
        return least + smallest, len(self.names) // rests.count(smallest)

    def _find_least(self, people: Row) -> tuple[Row, list[int]]:
        """The least that names can make of the people, and which names do that."""
        found = [self._people_under(nth, people) for nth in range(len(self.names))]
        least = min(found)
        return least, [nth for nth, each in enumerate(found) if each == least]

    def _people_under(self, nth: int, people: Row) -> Row:
        new = [0] * self.people
        for part, number, place in zip(self.parts, people, self.places[nth], strict=False):
            new[place] = part.under(nth, number)
        return tuple(new)

    def _rest_under(self, nth: int, rest: Row) -> Row:
        return tuple([part.under(nth, number) for part, number in zip(self.rest, rest, strict=True)]) if nth else rest


def _parts_of(world: World) -> tuple[Any, ...]:
    return (*world.shoppers, *world.keepers, *world[2:])

"""Worlds that differ in names alone: shoppers, and keepers, are treated alike, so one world stands for all of those.

Let everybody swap names: what could happen before can happen now, under the new names, and no promise looks at a name.
So whatever can be reached from one of these worlds can be reached from each, and it is enough to follow one; and who
comes back to a world under other names need only go the same way often enough to go round under the old ones. Only
holds are looked through by name, where two are due at once: in a scope that can have two, shoppers keep theirs. That
the rules look at no name otherwise is not believed but tried: `test_alike`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import permutations
from typing import Any
from uuid import UUID

from tests.model.reference import Reference
from tests.model.slots import Said, Slot
from tests.model.world import ORDERS_EACH, SHOPPER, Call, Scope, Shopper, in_order

type Names = Mapping[str, str]
"""Who is called what instead."""


def renamings(scope: Scope) -> Iterator[Names]:
    """Every way to swap names that changes nothing else, first the one that swaps none."""
    begin = scope.begin()
    shoppers = [each.name for each in begin.shoppers]
    keepers = [each.name for each in begin.keepers]
    for shoppers_new in [shoppers] if scope.hold and scope.stock > 1 else permutations(shoppers):
        for keepers_new in permutations(keepers):
            yield dict(zip([*shoppers, *keepers], [*shoppers_new, *keepers_new], strict=True))


def renamed(value: Any, names: Names) -> Any:
    """The same with other names, in whatever is part of a world. Order ids tell whose they are."""
    match value:
        case UUID():
            number, nth = divmod(value.int, ORDERS_EACH)
            return Shopper(names[f"{SHOPPER}{number}"], clicks=nth).newest_order if number else value
        case Reference():
            entries = tuple(sorted(renamed(value.entries, names), key=lambda each: each[0]))
            bindings, events = renamed(value.bindings, names), renamed(value.events, names)
            return replace(value, entries=entries, bindings=bindings, events=events)
        case Slot() | Said():
            return replace(value, **{each.name: renamed(getattr(value, each.name), names) for each in fields(value)})
        case [Call(), *_]:
            return in_order(renamed(each, names) for each in value)
        case tuple() | frozenset():
            new = [renamed(each, names) for each in value]
            return type(value)(*new) if hasattr(value, "_fields") else type(value)(new)
    return names.get(value, value) if isinstance(value, str) else value

"""Following one of the worlds that differ in names alone is as good as following each."""

from dataclasses import replace
from uuid import UUID

import pytest

from sales.domain.outcomes import Outcome
from tests.model.explore import Search, explore, steps
from tests.model.reference import Reference
from tests.model.scopes import BROKEN, LARGE, SMALL
from tests.model.slots import Said
from tests.model.world import Scope

# Seconds each, where every name is followed by itself.
LONG = {"change half-way", "flush, lower", "holds", "two keepers, backup", "two keepers, flush"}
LONG_BROKEN = {"KNOWN_BY_NUMBER", "LATE_FORGOTTEN"}
MANY_NAMES = sorted(BROKEN.keys() - {"TakeoverByReturned"})  # in its scope everybody keeps the name
EVERY_KIND_OF_STEP = ("backup", "cancel", "crash", "flush, wait", "keep back", "lie", "lower", "retry", "two keepers")
ALL_OF_IT = replace(LARGE["all of it"], shoppers=2)


class FirstComesFirst(Reference):
    """A rule that looks at a name: the last unit is for nobody but the first shopper."""

    def _refusal(self, shopper: str, wanted: int, order: UUID, key: str) -> Said | None:
        if self.left == 1 and shopper != "u:1":
            return Said(Outcome.ENDED)
        return super()._refusal(shopper, wanted, order, key)


FAVOURED = replace(SMALL["three shoppers"], rules=FirstComesFirst)


def names_make_a_difference(scope: Scope) -> str:
    """Whether something can happen under some names that cannot under others: in all states of this scope."""
    search = Search(scope)
    search.run()
    for packed in search.packed:
        row = search.rows.unpack(packed)
        can_be = after_steps(search, row)
        for nth in range(1, len(search.rows.names)):
            if after_steps(search, search.rows.under(nth, row)) != {search.rows.under(nth, each) for each in can_be}:
                return str(search.rows.world(row))
    return ""


def after_steps(search: Search, row: tuple[int, ...]) -> set[tuple[int, ...]]:
    world = search.rows.world(row)
    return {search.rows.row(step.world, before=world, row=row) for step in steps(search.scope, world)}


class TestWorldsThatDifferInNamesAlone:
    @pytest.mark.parametrize("name", EVERY_KIND_OF_STEP)
    def test_have_the_same_steps_but_for_the_names(self, name: str) -> None:
        assert not names_make_a_difference(SMALL[name])

    @pytest.mark.campaign
    @pytest.mark.timeout(1_200)
    def test_have_them_when_everything_comes_together(self) -> None:
        assert not names_make_a_difference(ALL_OF_IT)
        assert explore(ALL_OF_IT).stands_for == explore(ALL_OF_IT, alike=False).states

    def test_have_not_where_a_rule_looks_at_a_name(self) -> None:
        assert names_make_a_difference(FAVOURED)

    @pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.campaign if name in LONG else ()) for name in SMALL]
    )
    def test_are_together_all_that_there_are(self, name: str) -> None:
        few, all_ = explore(SMALL[name]), explore(SMALL[name], alike=False)

        assert few.states < all_.states
        assert (few.stands_for, few.depth) == (all_.states, all_.depth)

    def test_are_others_where_a_rule_looks_at_a_name(self) -> None:
        assert explore(FAVOURED).stands_for != explore(FAVOURED, alike=False).states

    @pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.campaign if name in LONG_BROKEN else ()) for name in MANY_NAMES]
    )
    def test_break_the_same_promise_after_as_many_steps(self, name: str) -> None:
        few, all_ = explore(BROKEN[name]), explore(BROKEN[name], alike=False)

        assert few.broken[:3] == all_.broken[:3]
        assert len(few.trace) == len(all_.trace)

"""The eight characters under which people know an order."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sales.domain import references


class TestAReference:
    @given(order_id=some.uuids())
    def test_stands_for_a_range_of_order_ids(self, order_id: UUID) -> None:
        reference = references.of(order_id)
        first, last = references.order_ids(reference)

        assert first <= order_id <= last
        assert first.hex <= order_id.hex <= last.hex  # as a database without a type for ids compares them
        assert references.of(first) == references.of(last) == reference
        assert last.int - first.int == 2**88 - 1

    def test_stands_for_no_other(self) -> None:
        first, last = references.order_ids("K7QF2M9D")

        assert references.of(UUID(int=first.int - 1)) == "K7QF2M9C"
        assert references.of(UUID(int=last.int + 1)) == "K7QF2M9E"

    @pytest.mark.parametrize(("reference", "first"), [("00000000", 0), ("ZZZZZZZZ", 2**128 - 2**88)])
    def test_may_be_the_first_or_the_last(self, reference: str, first: int) -> None:
        assert references.order_ids(reference) == (UUID(int=first), UUID(int=first + 2**88 - 1))

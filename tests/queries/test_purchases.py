"""What the record knows of a shopper, in the ledger's words."""

import pytest
from django.db import OperationalError

from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState, SaleState
from sales.live.entries import EntryState
from sales.models import Order, Sale
from sales.queries import catalogue, purchases
from sales.queries.catalogue import SaleEntry
from tests.conftest import MakeOrder, MakeSale


@pytest.fixture
def settled(make_sale: MakeSale) -> Sale:
    return make_sale(state=SaleState.SETTLED, limit=2)


def entry_of(sale: Sale) -> SaleEntry:
    entry = catalogue.get(sale.slug)
    assert entry is not None
    return entry


class TestFound:
    def test_has_an_order_as_a_recorded_purchase(self, settled: Sale, make_order: MakeOrder) -> None:
        order = make_order(settled, unit=7)

        found = purchases.found(entry_of(settled), shopper="u:1")

        (entry,) = found.entries
        assert (entry.order_id, entry.unit, entry.slot, entry.state) == (order.order_id, 7, 1, EntryState.BOUGHT)
        assert entry.is_recorded(found.recorded_seq)
        assert entry.at_ms == round(order.bought_at.timestamp() * 1_000)
        assert not found.at_limit

    def test_has_nothing_of_others(self, settled: Sale, make_order: MakeOrder) -> None:
        make_order(settled, shopper="u:2")

        assert purchases.found(entry_of(settled), shopper="u:1").entries == ()

    def test_knows_who_holds_a_key(self, settled: Sale, make_order: MakeOrder) -> None:
        make_order(settled, shopper="u:2", slot=2, key_digest="abcdefghijk")

        found = purchases.found(entry_of(settled), shopper="u:1", key_digest="abcdefghijk")

        assert (found.key_holder, found.entries) == (("u:2", 2), ())

    def test_takes_no_key_for_the_empty_one(self, settled: Sale, make_order: MakeOrder) -> None:
        make_order(settled, shopper="u:2")

        assert purchases.found(entry_of(settled), shopper="u:1").key_holder is None

    @pytest.mark.parametrize(
        ("counts", "state", "counted"),
        [(False, EntryState.CANCELLED, 0), (True, EntryState.CANCELLED_FOR_GOOD, 1)],
    )
    def test_counts_a_cancelled_order_as_the_sale_says(
        self, make_sale: MakeSale, make_order: MakeOrder, counts: bool, state: EntryState, counted: int
    ) -> None:
        sale = make_sale(state=SaleState.SETTLED, cancelled_counts=counts)
        make_order(sale, state=OrderState.CANCELLED)

        found = purchases.found(entry_of(sale), shopper="u:1")

        assert [entry.state for entry in found.entries] == [state]
        assert len(found.counted) == counted

    def test_says_so_where_the_database_is_away(self, settled: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
        entry = entry_of(settled)

        def away(*_args: object, **_fields: object) -> None:
            raise OperationalError("away")

        monkeypatch.setattr(Order.objects, "filter", away)

        assert purchases.found(entry, shopper="u:1").outcome is Outcome.UNREACHABLE

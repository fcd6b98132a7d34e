"""A batch of orders in one statement: the same rows that Django would write one by one, and all or none of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from sales.models import LedgerServer, Order, Product, Sale
from sales.services import inserting
from tests.conftest import MakeSale
from tests.selling import NOW_MS, an_event

NOW = datetime(2026, 11, 22, 12, 30, 15, 250_000, tzinfo=UTC)
COLUMNS = [field.attname for field in Order._meta.concrete_fields if not field.primary_key]


def stored() -> list[dict[str, Any]]:
    return list(Order.objects.order_by("seq").values(*COLUMNS))


@pytest.fixture
def sale(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    made = make_sale(stock=9)
    Product.objects.update(subtitle="100 % linen, “Zoë's”")
    return Sale.objects.select_related("product").get(pk=made.pk)


class TestInsert:
    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_writes_what_django_would_write_one_by_one(self, sale: Sale, count: int) -> None:
        events = [
            an_event(seq, shopper=f"x:démo:%s {seq}\\n", key_digest="k" * 11 if seq % 2 else "", taken_ms=NOW_MS - seq)
            for seq in range(1, count + 1)
        ]
        inserting.insert(inserting.rows_of(sale, events, now=NOW))
        at_once = stored()
        Order.objects.all().delete()

        for event in events:
            inserting.order_of(sale, event, now=NOW).save(force_insert=True)

        assert at_once == stored()
        assert len(at_once) == count

    def test_of_nothing_writes_nothing(self, sale: Sale) -> None:
        inserting.insert(inserting.rows_of(sale, [], now=NOW))

        assert not Order.objects.exists()

    @pytest.mark.parametrize(
        "bad",
        [{"unit": 1}, {"shopper": "u:1"}, {"unit": 0}, {"slot": 0}, {"unit": 2**70}],
        ids=["unit twice", "slot twice", "no unit", "no slot", "a number beyond every column"],
    )
    def test_writes_none_where_the_database_refuses_one(self, sale: Sale, bad: dict[str, Any]) -> None:
        events = [an_event(1), an_event(2, **bad), an_event(3)]

        with pytest.raises((DatabaseError, OverflowError)), transaction.atomic():
            inserting.insert(inserting.rows_of(sale, events, now=NOW))

        assert not Order.objects.exists()

    def test_does_not_make_rows_of_what_names_no_order(self, sale: Sale) -> None:
        with pytest.raises(ValueError, match="names no order"):
            inserting.rows_of(sale, [an_event(1), an_event(2, order_id=None)], now=NOW)

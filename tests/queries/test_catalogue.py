"""The published sales in memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from sales.domain.states import SaleState
from sales.models import LedgerServer, Sale
from sales.queries import catalogue
from sales.services import following
from tests.conftest import MakeSale


@pytest.fixture
def read_each_time(settings: Any) -> None:
    settings.SALES = replace(settings.SALES, catalogue_max_age_ms=0)


class TestCatalogue:
    def test_knows_a_published_sale(self, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night-ferry", state=SaleState.PUBLISHED, stock=9, limit=2)

        entry = catalogue.get("night-ferry")

        assert entry is not None
        assert (entry.pk, entry.name, str(entry.price), entry.currency) == (sale.pk, "Night Ferry", "48.000", "EUR")
        assert (entry.stock, entry.limit, entry.is_live) == (9, 2, True)

    @pytest.mark.parametrize(("microseconds", "told"), [(999_400, "18:00:00.999"), (999_600, "18:00:01.000")])
    def test_tells_times_in_the_whole_milliseconds_of_the_ledger(
        self, microseconds: int, told: str, make_sale: MakeSale
    ) -> None:
        opens_at = datetime(2026, 11, 22, 18, 0, 0, microseconds, tzinfo=UTC)
        sale = make_sale(
            slug="night-ferry", state=SaleState.PUBLISHED, opens_at=opens_at, closes_at=opens_at + timedelta(hours=1)
        )  # fmt: skip

        entry = catalogue.get("night-ferry")

        assert entry is not None
        assert entry.opens_at.isoformat(timespec="microseconds").endswith(f"T{told}000+00:00")
        assert entry.opens_at.timestamp() * 1_000 == following.terms(sale).opens_ms
        assert entry.closes_at.timestamp() * 1_000 == following.terms(sale).closes_ms

    @pytest.mark.parametrize("slug", ["draft", "unknown", "", "Draft", "\ud800"])
    def test_knows_no_draft_and_nothing_else(self, make_sale: MakeSale, slug: str) -> None:
        make_sale(slug="draft")

        assert catalogue.get(slug) is None

    def test_lists_the_newest_opening_first(self, make_sale: MakeSale) -> None:
        for slug, opens_in in (("second", -50), ("third", -100), ("first", 50)):
            make_sale(slug=slug, opens_in=opens_in, state=SaleState.PUBLISHED)

        assert [entry.slug for entry in catalogue.all()] == ["first", "second", "third"]

    def test_knows_a_settled_sale_as_one_for_the_record(self, make_sale: MakeSale) -> None:
        make_sale(slug="long-ago", state=SaleState.SETTLED)

        entry = catalogue.get("long-ago")

        assert entry is not None
        assert not entry.is_live

    def test_has_the_epoch_of_the_record(self, db: None) -> None:
        assert catalogue.epoch() == 0
        LedgerServer.objects.create(name=LedgerServer.THE_LEDGER, epoch=4)

        catalogue.refresh()

        assert catalogue.epoch() == 4

    def test_keeps_what_it_knows_for_a_moment(self, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED)
        catalogue.get(sale.slug)
        Sale.objects.filter(pk=sale.pk).update(stock=77)

        entry = catalogue.get(sale.slug)
        assert entry is not None
        assert entry.stock == 3

    def test_goes_on_while_the_database_is_away(
        self, make_sale: MakeSale, read_each_time: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED)
        catalogue.get(sale.slug)

        def away(*_args: object, **_fields: object) -> None:
            raise OperationalError("away")

        monkeypatch.setattr(LedgerServer.objects, "filter", away)

        assert catalogue.get(sale.slug) is not None

    def test_is_none_where_the_database_was_never_reached(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_args: object, **_fields: object) -> None:
            raise OperationalError("away")

        monkeypatch.setattr(LedgerServer.objects, "filter", away)

        assert catalogue.current() is None
        assert catalogue.refresh() is None

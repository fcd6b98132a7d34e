"""GET /status/:id and /sales: every state of a sale as the contract writes it."""

import re

import pytest

from sales.domain.states import LedgerState, SaleState
from sales.models import LedgerServer, Sale
from tests.api.conftest import Api, set_state
from tests.conftest import MakeSale

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def written(moment: object) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"  # type: ignore[attr-defined]


class TestStatus:
    def test_of_an_active_sale(self, api: Api, sale: Sale) -> None:
        api.buy("user123", sale)

        said = api.status(sale)

        assert said.status == 200
        assert list(said.body) == [
            "id", "status", "productName", "remainingStock", "totalStock", "startTime", "endTime", "timeUntilEnd",
            "serverTime",
        ]  # fmt: skip
        assert said.body["id"] == sale.slug
        assert (said.body["status"], said.body["productName"]) == ("active", "Night Ferry")
        assert (said.body["remainingStock"], said.body["totalStock"]) == (2, 3)
        assert INSTANT.fullmatch(said.body["startTime"])
        assert abs(said.body["timeUntilEnd"] - 3_600_000) < 10_000
        assert said.headers["Cache-Control"] == "no-store"

    def test_writes_times_in_utc_with_milliseconds(self, api: Api, sale: Sale) -> None:
        body = api.status(sale).body

        start = sale.opens_at.timestamp()
        assert body["startTime"][:19] == written(sale.opens_at)[:19]
        assert abs(int(body["startTime"][20:23]) - round(start * 1_000) % 1_000) == 0

    def test_of_an_upcoming_sale(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        body = api.status(make_sale(published=True, opens_in=60)).body

        assert body["status"] == "upcoming"
        assert 0 < body["timeUntilStart"] <= 60_000
        assert "timeUntilEnd" not in body

    def test_of_an_ended_sale(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        body = api.status(make_sale(published=True, opens_in=-60, closes_in=-1)).body

        assert body["status"] == "ended"
        assert not {"timeUntilEnd", "timeUntilStart", "paused"} & set(body)

    def test_of_a_sale_that_was_closed_early(self, api: Api, sale: Sale) -> None:
        set_state(sale, LedgerState.CLOSED)

        assert api.status(sale).body["status"] == "ended"

    def test_of_a_sold_out_sale_comes_first(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=1)
        api.buy("user123", sale)

        for state, number in ((LedgerState.OPEN, 2), (LedgerState.CLOSED, 3)):
            set_state(sale, state, number=number)
            body = api.status(sale).body
            assert (body["status"], body["remainingStock"]) == ("sold_out", 0)
            assert "timeUntilEnd" not in body

    def test_of_a_paused_sale(self, api: Api, sale: Sale) -> None:
        set_state(sale, LedgerState.PAUSED)

        body = api.status(sale).body

        assert (body["status"], body["paused"]) == ("active", True)
        assert "timeUntilEnd" in body

    def test_of_a_settled_sale_comes_from_the_record(self, api: Api, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.SETTLED, opens_in=-9_000, closes_in=-8_000, stock=5, recorded=4)

        body = api.status(sale).body

        assert (body["status"], body["remainingStock"], body["totalStock"]) == ("ended", 1, 5)

    @pytest.mark.parametrize("slug", ["unknown", "draft", "Draft", "%20", "%00", "ü", "x" * 2_000])
    def test_of_no_sale(self, api: Api, make_sale: MakeSale, slug: str) -> None:
        make_sale(slug="draft")

        said = api.status(slug)

        assert (said.status, said.text) == (404, '{"error":"Flash sale not found"}')


class TestSales:
    def test_are_listed_by_opening_without_drafts(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(slug="draft")
        make_sale(slug="long-ago", state=SaleState.SETTLED, opens_in=-9_000, closes_in=-8_000)
        make_sale(slug="now", published=True)
        make_sale(slug="soon", published=True, opens_in=60)

        said = api.get("/api/flashsale/sales")

        assert said.status == 200
        assert [each["id"] for each in said.body] == ["soon", "now", "long-ago"]
        assert [each["status"] for each in said.body] == ["upcoming", "active", "ended"]
        assert list(said.body[1]) == list(api.status("now").body)

    def test_are_none_in_an_empty_shop(self, api: Api, db: None) -> None:
        assert api.get("/api/flashsale/sales").text == "[]"

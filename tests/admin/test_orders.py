"""Orders in the admin: found by what a person has in hand, read, and taken along as a table that is safe to open."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest

from sales.admin import spreadsheets
from sales.domain import references, shoppers
from sales.models import Account, ApiClient, Order, Sale, TrailEntry
from tests.admin.desk import Desk, text_of
from tests.conftest import MakeSale

BOUGHT_AT = datetime(2026, 11, 22, 17, 30, 0, 123_000, tzinfo=UTC)
MakeOrder = Callable[..., Order]


@pytest.fixture
def make_order(make_sale: MakeSale) -> MakeOrder:
    sales: dict[str, Sale] = {}

    def make(*, shopper: str = "x:demo:somebody", sale: str = "night", **more: Any) -> Order:
        if sale not in sales:
            sales[sale] = make_sale(slug=sale, stock=100)
        number = Order.objects.count() + 1
        order_id = uuid4()
        fields = {
            "slot": 1,
            "unit": number,
            "epoch": 1,
            "seq": number,
            "taken_at": BOUGHT_AT,
            "bought_at": BOUGHT_AT,
            "recorded_at": BOUGHT_AT + timedelta(seconds=1),
            "product_name": "Night Ferry",
            "price": Decimal(48),
            "currency": "EUR",
            **more,
        }
        return Order.objects.create(
            order_id=order_id, reference=references.of(order_id), sale=sales[sale], shopper=shopper, **fields
        )

    return make


def found(desk: Desk, **query: Any) -> set[int]:
    answer = desk.get("sales_order_changelist", **query)
    assert answer.status_code == 200
    return {order.pk for order in answer.context["cl"].result_list}


def table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:])))


class TestSearching:
    def test_finds_by_reference_however_it_is_typed(self, desk: Desk, make_order: MakeOrder) -> None:
        wanted, _other = make_order(), make_order(shopper="x:demo:other")

        for typed in (wanted.reference, references.spaced(wanted.reference), f" {wanted.reference.lower()} "):
            assert found(desk, q=typed) == {wanted.pk}

    def test_finds_by_order_id(self, desk: Desk, make_order: MakeOrder) -> None:
        wanted, _other = make_order(), make_order(shopper="x:demo:other")

        assert found(desk, q=str(wanted.order_id)) == {wanted.pk}

    def test_finds_by_the_address_of_the_account(self, desk: Desk, make_order: MakeOrder) -> None:
        early = Account.objects.create_user("early@example.com")
        wanted = make_order(shopper=shoppers.of_account(early.pk))
        make_order(shopper=shoppers.of_account(early.pk + 1))

        assert found(desk, q="Early@Example.com") == {wanted.pk}
        assert found(desk, q="early@") == {wanted.pk}

    def test_finds_by_the_id_that_a_client_gave(self, desk: Desk, make_order: MakeOrder) -> None:
        ApiClient.objects.create(slug="partner", name="Partner")
        wanted = make_order(shopper="x:partner:user 7/b")
        make_order(shopper="x:partner:user 70")

        assert found(desk, q=" user 7/b ") == {wanted.pk}

    @pytest.mark.parametrize("typed", ["nobody", "%", "' OR 1=1 --", "x" * 5_000, "🦆", "a@b"])
    def test_finds_nothing_for_what_is_nobodys(self, desk: Desk, make_order: MakeOrder, typed: str) -> None:
        make_order()

        assert found(desk, q=typed) == set()

    def test_filters_by_sale_and_state(self, desk: Desk, make_order: MakeOrder) -> None:
        kept = make_order(sale="night")
        gone = make_order(sale="day", state=Order.States.CANCELLED, cancelled_at=BOUGHT_AT)

        assert found(desk, sale__id__exact=kept.sale_id) == {kept.pk}
        assert found(desk, state__exact="cancelled") == {gone.pk}


class TestOneOrder:
    def test_shows_who_bought_what_when_and_its_trail(self, desk: Desk, make_order: MakeOrder) -> None:
        early = Account.objects.create_user("early@example.com")
        order = make_order(shopper=shoppers.of_account(early.pk))
        TrailEntry.objects.create(who="seller@example.com", order=order, act="cancel", why="Torn in the press.")

        page = text_of(desk.get("sales_order_change", order.pk))

        for part in (references.spaced(order.reference), "early@example.com", "€48.00", "Torn in the press."):
            assert part in page

    def test_names_the_client_whose_user_bought(self, desk: Desk, make_order: MakeOrder) -> None:
        order = make_order(shopper="x:partner:user:7")

        assert "user user:7 of API client partner" in text_of(desk.get("sales_order_change", order.pk))

    def test_opens_for_an_account_that_is_gone(self, desk: Desk, make_order: MakeOrder) -> None:
        order = make_order(shopper="u:999")

        assert "an account that is no longer there" in text_of(desk.get("sales_order_change", order.pk))

    def test_is_changed_by_nobody(self, desk: Desk, make_order: MakeOrder) -> None:
        order = make_order()

        answers = [
            desk.post("sales_order_change", order.pk, unit=99),
            desk.post("sales_order_delete", order.pk, post="yes"),
            desk.post("sales_order_add"),
            desk.get("sales_order_add"),
        ]

        assert [answer.status_code for answer in answers] == [403] * 4
        assert Order.objects.get().unit == order.unit


class TestTheTable:
    def test_has_the_chosen_orders_with_the_accounts_addresses(self, desk: Desk, make_order: MakeOrder) -> None:
        early = Account.objects.create_user("early@example.com")
        first = make_order(shopper=shoppers.of_account(early.pk))
        second, _third = make_order(shopper="x:demo:two"), make_order(shopper="x:demo:three")

        answer = desk.act("sales_order_changelist", "as_csv", first.pk, second.pk)

        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"].startswith('attachment; filename="orders-')
        rows = {row["reference"]: row for row in table(answer)}
        assert set(rows) == {first.reference, second.reference}
        row = rows[first.reference]
        assert (row["email"], row["sale"], row["price"], row["currency"]) == (
            "early@example.com",
            "night",
            "48.000",
            "EUR",
        )
        assert row["bought_at"] == "2026-11-22T17:30:00.123Z"

    def test_runs_no_formula_in_a_spreadsheet(self, desk: Desk, make_order: MakeOrder) -> None:
        order = make_order(
            shopper="x:demo:=cmd",
            product_name='=HYPERLINK("http://evil.example")',
            state=Order.States.CANCELLED,
            cancelled_at=BOUGHT_AT,
            cancel_reason="@SUM(A1)\nsecond line",
        )

        (row,) = table(desk.act("sales_order_changelist", "as_csv", order.pk))

        assert row["product"] == '\'=HYPERLINK("http://evil.example")'
        assert row["cancel_reason"] == "'@SUM(A1)\nsecond line"
        assert row["shopper"] == "x:demo:=cmd"

    @pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1"])
    def test_puts_an_apostrophe_before_what_begins_like_a_formula(self, cell: str) -> None:
        assert spreadsheets.safe(cell) == f"'{cell}"

    def test_reads_orders_in_slices(self, desk: Desk, make_order: MakeOrder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sales.admin.orders._ROWS_AT_ONCE", 2)
        orders = [make_order(shopper=f"x:demo:{number}") for number in range(5)]

        rows = table(desk.act("sales_order_changelist", "as_csv", *(order.pk for order in orders)))

        assert len(rows) == 5

    def test_is_for_those_who_may_look(self, desk_of_one_who_may: Callable[..., Desk], make_order: MakeOrder) -> None:
        order = make_order()
        clerk = desk_of_one_who_may("view_order")

        assert len(table(clerk.act("sales_order_changelist", "as_csv", order.pk))) == 1

"""The admin as a whole: its door, every page of it with and without the ledger, and what browsers run there."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from sales.models import (
    Account,
    ApiClient,
    DeadLetter,
    Incident,
    LedgerServer,
    Order,
    StockChange,
    TrailEntry,
)
from sales.services import api_clients
from sales.services.acting import Actor
from tests.admin.desk import Desk, text_of
from tests.conftest import MakeSale, Servers

READ_ONLY = ("order", "stockchange", "trailentry", "ledgerserver", "deadletter", "incident")
MODELS = ("product", "sale", "apiclient", "account", *READ_ONLY)


@pytest.fixture
def one_of_each(make_sale: MakeSale, seller: Account) -> dict[str, int]:
    """A row in every table, by the model's name."""
    sale = make_sale(slug="night")
    now = datetime.now(UTC)
    client = ApiClient.objects.create(slug="partner", name="Partner")
    api_clients.issue_key(client_pk=client.pk, scopes=["lookup"], by=Actor(who="seller@example.com"))
    order = Order.objects.create(
        order_id=uuid4(), reference="K7QF2M9D", sale=sale, shopper="u:1", slot=1, unit=1, epoch=1, seq=1, taken_at=now,
        bought_at=now, recorded_at=now, product_name="Night Ferry", price=Decimal(48), currency="EUR",
    )  # fmt: skip
    rows: dict[str, Any] = {
        "product": sale.product,
        "sale": sale,
        "order": order,
        "stockchange": StockChange.objects.create(
            sale=sale,
            number=1,
            stock_from=3,
            stock_to=4,
            opens_from=sale.opens_at,
            opens_to=sale.opens_at,
            closes_from=sale.closes_at,
            closes_to=sale.closes_at,
            who="seller@example.com",
            why="More.",
        ),
        "trailentry": TrailEntry.objects.create(who="keeper", act="pause", sale=sale, before={"state": "published"}),
        "apiclient": client,
        "account": seller,
        "ledgerserver": LedgerServer.objects.get_or_create(name=LedgerServer.THE_LEDGER)[0],
        "deadletter": DeadLetter.objects.create(sale=sale, epoch=1, seq=2, event={"what": "?"}, reason="Unit 9 of 3."),
        "incident": Incident.objects.create(sale=sale, kind="record", text="One order too many.", ended_at=now),
    }
    return {name: row.pk for name, row in rows.items()}


class TestEveryPage:
    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("up", [True, False])
    def test_opens_with_and_without_the_ledger(
        self, request: pytest.FixtureRequest, desk: Desk, one_of_each: dict[str, int], model: str, up: bool
    ) -> None:
        request.getfixturevalue("live" if up else "no_ledger")

        answers = [
            desk.get("index"),
            desk.get(f"sales_{model}_changelist"),
            desk.get(f"sales_{model}_change", one_of_each[model]),
            desk.get(f"sales_{model}_history", one_of_each[model]),
        ]

        assert [answer.status_code for answer in answers] == [200] * 4

    @pytest.mark.parametrize("model", MODELS)
    def test_runs_nothing_that_stands_in_the_page(self, desk: Desk, one_of_each: dict[str, int], model: str) -> None:
        """The policy lets browsers run and style by files only; what stands in a page would silently not work."""
        pages = [desk.get(f"sales_{model}_changelist"), desk.get(f"sales_{model}_change", one_of_each[model])]
        if model not in READ_ONLY:
            pages.append(desk.get(f"sales_{model}_add"))

        for page in pages:
            content = page.content.decode()
            assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=", content)

    @pytest.mark.parametrize("model", READ_ONLY)
    def test_that_is_to_read_only_takes_no_change(self, desk: Desk, one_of_each: dict[str, int], model: str) -> None:
        pk = one_of_each[model]

        answers = [
            desk.post(f"sales_{model}_add"),
            desk.post(f"sales_{model}_change", pk),
            desk.post(f"sales_{model}_delete", pk, post="yes"),
        ]

        assert [answer.status_code for answer in answers] == [403] * 3

    @pytest.mark.parametrize("model", MODELS)
    def test_is_not_for_staff_without_a_permission(
        self, desk_of_one_who_may: Callable[..., Desk], one_of_each: dict[str, int], model: str
    ) -> None:
        clerk = desk_of_one_who_may()

        answers = [clerk.get(f"sales_{model}_changelist"), clerk.get(f"sales_{model}_change", one_of_each[model])]

        assert [answer.status_code for answer in answers] == [403, 403]

    def test_says_whether_an_incident_has_ended(self, desk: Desk, one_of_each: dict[str, int]) -> None:
        assert "ended" in text_of(desk.get("sales_incident_changelist"))
        assert "1 incident" in text_of(desk.get("sales_incident_changelist", ended="yes"))
        assert "0 incidents" in text_of(desk.get("sales_incident_changelist", ended="no"))
        assert "1 dead letter" in text_of(desk.get("sales_deadletter_changelist", ended="no"))
        assert "Unit 9 of 3." in text_of(desk.get("sales_deadletter_changelist", ended="whatever"))

    @pytest.mark.parametrize("model", ["incident", "deadletter", "stockchange", "trailentry"])
    def test_shows_times_to_the_second(self, desk: Desk, one_of_each: dict[str, int], model: str) -> None:
        shown = text_of(desk.get(f"sales_{model}_changelist"))

        assert re.search(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d", shown), shown

    def test_says_what_changed_in_the_trail(self, desk: Desk, one_of_each: dict[str, int]) -> None:
        assert "state: published → —" in text_of(desk.get("sales_trailentry_changelist"))

    def test_offers_products_to_the_form_of_a_sale(self, desk: Desk, one_of_each: dict[str, int]) -> None:
        answer = desk.get("autocomplete", app_label="sales", model_name="sale", field_name="product", term="Ferry")

        assert [row["text"] for row in answer.json()["results"]] == ["Night Ferry"]


class TestTheDoor:
    def test_is_where_everybody_signs_in(self, client: Client, db: None) -> None:
        answer = client.get(reverse("admin:sales_sale_changelist"), follow=True)

        asked = [place for place, _status in answer.redirect_chain]
        assert asked[-1].startswith(reverse("account_login"))
        assert "next=%2Fadmin%2Fsales%2Fsale%2F" in asked[-1]

    def test_lets_staff_in_by_address_and_password(self, client: Client, live: Servers, seller: Account) -> None:
        door = f"{reverse('account_login')}?next={reverse('admin:index')}"

        answer = client.post(door, {"login": "Seller@example.com", "password": "a long enough one"}, follow=True)

        assert answer.request["PATH_INFO"] == reverse("admin:index")
        assert answer.status_code == 200

    def test_stays_shut_for_shoppers(self, client: Client, db: None) -> None:
        client.force_login(Account.objects.create_user("early@example.com"))

        answer = client.get(reverse("admin:index"), follow=True)

        assert answer.status_code == 403

    def test_has_every_model_of_ours_behind_it(self) -> None:
        shown = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "sales"}

        assert shown == set(MODELS)

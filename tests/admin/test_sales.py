"""A sale in the admin: its form, its mistakes, its numbers, and what becomes of it once it is public."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin

from sales.domain.states import SaleState
from sales.live import connection, ledger
from sales.models import LedgerServer, OnLedgerLoss, Product, Sale, TrailEntry
from sales.services import sale_edits
from tests.admin.desk import Desk, mistakes, said, text_of
from tests.conftest import MakeSale

NEXT_YEAR = datetime.now(UTC).year + 1


def filled(product: Product, /, **changed: Any) -> dict[str, Any]:
    """Return a form that is right, but for what is changed."""
    return {
        "slug": "winter-print",
        "product": product.pk,
        "stock": 100,
        "limit": 1,
        "time_zone": "Europe/Berlin",
        "opens_at": f"{NEXT_YEAR}-01-15T18:00:00",
        "closes_at": f"{NEXT_YEAR}-01-15T19:00",
        "hold_seconds": 0,
        "hold_extension_seconds": 0,
        "on_ledger_loss": OnLedgerLoss.WAIT,
        "trail-TOTAL_FORMS": 0,
        "trail-INITIAL_FORMS": 0,
        "stock_changes-TOTAL_FORMS": 0,
        "stock_changes-INITIAL_FORMS": 0,
        **changed,
    }


def rows_of(response: Any) -> dict[str, Sale]:
    return {sale.slug: sale for sale in response.context["cl"].result_list}


class TestTheForm:
    def test_makes_a_draft_whose_window_is_read_in_its_own_zone(self, desk: Desk, product: Product) -> None:
        fields = filled(product, time_zone="America/New_York", hold_seconds=600, hold_extension_seconds=120, limit=2)

        answer = desk.post("sales_sale_add", **fields)

        assert answer.status_code == 302
        sale = Sale.objects.get(slug="winter-print")
        assert sale.state == SaleState.DRAFT
        assert sale.opens_at == datetime(NEXT_YEAR, 1, 15, 18, tzinfo=ZoneInfo("America/New_York"))
        assert sale.closes_at == datetime(NEXT_YEAR, 1, 16, 0, tzinfo=UTC)
        assert (sale.time_zone, sale.hold_seconds, sale.limit) == ("America/New_York", 600, 2)

    def test_begins_with_the_zone_of_the_shop(self, desk: Desk, settings: Any) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"

        form = desk.get("sales_sale_add").context["adminform"].form

        assert form["time_zone"].value() == "Asia/Tokyo"

    def test_shows_a_draft_as_the_clocks_of_its_zone_show_it(self, desk: Desk, make_sale: MakeSale) -> None:
        opens_at = datetime(NEXT_YEAR, 7, 1, 16, 30, 5, tzinfo=UTC)
        sale = make_sale(opens_at=opens_at, closes_at=opens_at + timedelta(hours=1), time_zone="Asia/Kolkata")

        content = desk.get("sales_sale_change", sale.pk).content.decode()

        assert f'value="{NEXT_YEAR}-07-01T22:00:05"' in content

    def test_keeps_the_clocks_and_moves_the_instants_when_only_the_zone_changes(
        self, desk: Desk, product: Product
    ) -> None:
        desk.post("sales_sale_add", **filled(product))
        sale = Sale.objects.get()

        desk.post("sales_sale_change", sale.pk, **filled(product, time_zone="Europe/Lisbon"))

        moved = Sale.objects.get()
        assert moved.opens_at == sale.opens_at + timedelta(hours=1)

    @pytest.mark.parametrize(
        ("field", "wrong", "sentence"),
        [
            ("slug", "Winter Print", "Use small letters, digits and single dashes."),
            ("slug", "", "This field is required."),
            ("product", "", "This field is required."),
            ("product", 10**9, "Select a valid choice. That choice is not one of the available choices."),
            ("stock", 0, "Ensure this value is greater than or equal to 1."),
            ("stock", 10_000_000, "Ensure this value is less than or equal to 9999999."),
            ("stock", "many", "Enter a whole number."),
            ("limit", 0, "Ensure this value is greater than or equal to 1."),
            ("limit", 101, "Ensure this value is less than or equal to 100."),
            (
                "time_zone",
                "Europe/Atlantis",
                "Select a valid choice. Europe/Atlantis is not one of the available choices.",
            ),
            ("opens_at", "tomorrow", "This is not a date and a time. Write them like 2026-11-27 18:00."),
            ("opens_at", "", "This field is required."),
            ("opens_at", "0001-01-01T00:00:00", "This year is out of reach. Write one between 2000 and 2199."),
            ("opens_at", "9999-12-31T23:59:59", "This year is out of reach. Write one between 2000 and 2199."),
            (
                "closes_at",
                f"{NEXT_YEAR}-01-15T19:00+02:00",
                "Leave out the offset: the time is read in the time zone named beside it.",
            ),
            ("closes_at", f"{NEXT_YEAR}-01-15T18:00:00", "A sale must end after it opens."),
            ("closes_at", f"{NEXT_YEAR}-01-14T18:00:00", "A sale must end after it opens."),
            ("hold_seconds", 86_401, "Ensure this value is less than or equal to 86400."),
            ("hold_seconds", -1, "Ensure this value is greater than or equal to 0."),
            ("hold_extension_seconds", 60, "Only a sale with a hold time can have an extension."),
            ("on_ledger_loss", "pray", "Select a valid choice. pray is not one of the available choices."),
        ],
    )
    def test_refuses_a_mistake_with_a_sentence_at_its_field(
        self, desk: Desk, product: Product, field: str, wrong: Any, sentence: str
    ) -> None:
        answer = desk.post("sales_sale_add", **filled(product, **{field: wrong}))

        assert sentence in mistakes(answer)[field]
        assert set(mistakes(answer)) == {field}
        assert not Sale.objects.exists()

    def test_refuses_a_slug_that_another_sale_has(self, desk: Desk, product: Product, make_sale: MakeSale) -> None:
        make_sale(slug="winter-print")

        answer = desk.post("sales_sale_add", **filled(product))

        assert mistakes(answer) == {"slug": ["Sale with this Slug already exists."]}

    def test_refuses_a_sale_that_would_be_over(self, desk: Desk, product: Product) -> None:
        answer = desk.post(
            "sales_sale_add", **filled(product, opens_at="2020-01-01 10:00", closes_at="2020-01-01 11:00")
        )

        assert mistakes(answer) == {"closes_at": ["This sale would be over before it is published."]}


class TestClocksThatChange:
    """In Berlin: forward on 26 March 2028 from 02:00 to 03:00, back on 29 October 2028 from 03:00 to 02:00."""

    def test_refuses_a_time_that_does_not_come(self, desk: Desk, product: Product) -> None:
        fields = filled(product, opens_at="2028-03-26T02:30:00", closes_at="2028-03-26T05:00:00")

        answer = desk.post("sales_sale_add", **fields)

        sentence = (
            "26 March 2028 has no 02:30 in Europe/Berlin: clocks go forward over it. "
            "Write 01:30 or 03:30, or any other time that comes."
        )
        assert mistakes(answer) == {"opens_at": [sentence]}

    def test_refuses_a_time_that_comes_twice(self, desk: Desk, product: Product) -> None:
        fields = filled(product, opens_at="2028-10-28T20:00:00", closes_at="2028-10-29T02:30:00")

        answer = desk.post("sales_sale_add", **fields)

        sentence = "02:30 comes twice on 29 October 2028 in Europe/Berlin: clocks go back over it."
        assert mistakes(answer) == {"closes_at": [f"{sentence} Write a time that comes once."]}

    @pytest.mark.parametrize("clocks", ["2028-03-26T01:59:59", "2028-03-26T03:00:00", "2028-10-29T01:59:59"])
    def test_takes_the_times_around_them(self, desk: Desk, product: Product, clocks: str) -> None:
        fields = filled(product, opens_at=clocks, closes_at="2028-12-01T00:00:00")

        assert desk.post("sales_sale_add", **fields).status_code == 302

    def test_takes_them_in_a_zone_whose_clocks_do_not_change(self, desk: Desk, product: Product) -> None:
        fields = filled(product, time_zone="UTC", opens_at="2028-03-26T02:30", closes_at="2028-10-29T02:30")

        assert desk.post("sales_sale_add", **fields).status_code == 302

    def test_leaves_alone_an_instant_that_nobody_touched(self, desk: Desk, make_sale: MakeSale) -> None:
        second_half_past_two = datetime(2028, 10, 29, 1, 30, 0, 250_000, tzinfo=UTC)
        sale = make_sale(slug="night", opens_at=second_half_past_two, closes_at=datetime(2028, 11, 1, tzinfo=UTC))
        form = desk.get("sales_sale_change", sale.pk).context["adminform"].form
        shown = {name: form[name].value() for name in ("opens_at", "closes_at")}
        fields = filled(sale.product, slug="night", stock=7) | {
            name: moment.isoformat() for name, moment in shown.items()
        }

        answer = desk.post("sales_sale_change", sale.pk, **fields)

        assert answer.status_code == 302
        sale.refresh_from_db()
        assert (sale.opens_at, sale.stock) == (second_half_past_two, 7)


class TestADraft:
    def test_can_be_deleted(self, desk: Desk, make_sale: MakeSale) -> None:
        sale = make_sale()

        desk.post("sales_sale_delete", sale.pk, post="yes")

        assert not Sale.objects.exists()

    def test_says_that_the_ledger_does_not_know_it(self, desk: Desk, make_sale: MakeSale) -> None:
        sale = make_sale()

        assert "A draft: nobody sees it, and the ledger does not know it." in text_of(
            desk.get("sales_sale_change", sale.pk)
        )


class TestAPublishedSale:
    def test_is_never_deleted_and_says_so(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", published=True)

        for send in (desk.get, desk.post):
            answer = send("sales_sale_delete", sale.pk, post="yes")
            assert (
                said(answer)[-1]
                == "The sale night was published. A published sale is closed and settled, never deleted."
            )
        assert Sale.objects.filter(pk=sale.pk).exists()

    def test_cannot_be_deleted_from_the_list(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        desk.act("sales_sale_changelist", "delete_selected", sale.pk)

        assert Sale.objects.filter(pk=sale.pk).exists()

    def test_keeps_what_is_fixed_whatever_the_form_says(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", published=True)

        answer = desk.post(
            "sales_sale_change", sale.pk, **filled(sale.product, on_ledger_loss=OnLedgerLoss.SELL_ON, limit=9)
        )

        assert answer.status_code == 302
        after = Sale.objects.get(pk=sale.pk)
        assert (after.slug, after.stock, after.limit, after.opens_at) == ("night", 3, 1, sale.opens_at)
        assert after.on_ledger_loss == OnLedgerLoss.SELL_ON

    def test_leaves_a_row_in_the_trail_when_it_is_edited(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)

        desk.post("sales_sale_change", sale.pk, **filled(sale.product, on_ledger_loss=OnLedgerLoss.SELL_ON))

        entry = TrailEntry.objects.get()
        assert (entry.who, entry.act, entry.sale) == ("seller@example.com", "edit", sale)
        assert (entry.before, entry.after) == ({"on_ledger_loss": "wait"}, {"on_ledger_loss": "sell_on"})

    def test_keeps_the_orders_that_the_keeper_counted_while_the_form_was_open(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True)
        store = sale_edits.save

        def after_the_keeper(**given: Any) -> None:
            Sale.objects.filter(pk=sale.pk).update(recorded=2, stream_offset=5)
            store(**given)

        monkeypatch.setattr(sale_edits, "save", after_the_keeper)
        desk.post("sales_sale_change", sale.pk, **filled(sale.product, on_ledger_loss=OnLedgerLoss.SELL_ON))

        after = Sale.objects.get(pk=sale.pk)
        assert (after.recorded, after.stream_offset, after.on_ledger_loss) == (2, 5, OnLedgerLoss.SELL_ON)

    def test_shows_live_numbers_beside_the_recorded_ones(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", published=True, stock=5)
        for shopper in ("u:1", "u:2"):
            connection.run(ledger.purchase(sale=sale.pk, epoch=1, shopper=shopper, order_id=uuid4()))

        answer = desk.get("sales_sale_change", sale.pk)

        standing = answer.context["standing"]
        assert (standing.live.left, standing.live.sold, standing.recorded) == (3, 2, 0)
        assert "It adds up. 0 of 2 sold are on record, 2 on their way." in text_of(answer)
        assert answer.context["lag_ms"] >= 0

    def test_shows_live_numbers_in_the_list(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        for slug, stock in (("first", 5), ("second", 7)):
            make_sale(slug=slug, published=True, stock=stock)
        make_sale(slug="third")

        rows = rows_of(desk.get("sales_sale_changelist"))

        lefts = {slug: page_left(sale) for slug, sale in rows.items()}
        assert lefts == {"first": "5", "second": "7", "third": "—"}


def page_left(sale: Sale) -> str:
    shown: str = admin.site.get_model_admin(Sale).left(sale)  # type: ignore[attr-defined]
    return shown


class TestWithoutTheLedger:
    def test_pages_open_and_say_so(self, desk: Desk, no_ledger: None, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, slug="night")

        change, listed = desk.get("sales_sale_change", sale.pk), desk.get("sales_sale_changelist")

        assert "The ledger is not reachable. 0 orders are on record." in text_of(change)
        assert (change.status_code, listed.status_code) == (200, 200)
        assert "not reachable" in text_of(listed)

    @pytest.mark.parametrize("act", ["pause", "close"])
    def test_acts_open_and_say_so(self, desk: Desk, no_ledger: None, make_sale: MakeSale, act: str) -> None:
        sale = make_sale(state=SaleState.PUBLISHED)

        answer = desk.get(f"sales_sale_{act}", sale.pk)

        assert answer.status_code == 200
        assert "The ledger is not reachable." in text_of(answer)

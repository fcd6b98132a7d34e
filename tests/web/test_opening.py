"""The file for calendars, read by a reader of its own: lines, escapes, times, and a window that moves."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from sales.domain.states import ChangeState, SaleState
from sales.models import Product, Sale, StockChange
from sales.queries import catalogue


def lines(client: Client, sale: Sale) -> list[str]:
    """Return the unfolded lines, after looking at the folded ones."""
    content = client.get(f"/sales/{sale.slug}/opening.ics").content
    assert content.endswith(b"\r\n")
    folded = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in folded), "RFC 5545, 3.1"
    assert b"\n" not in b"".join(folded)
    return content.decode().replace("\r\n ", "").rstrip("\r\n").split("\r\n")


def event(client: Client, sale: Sale) -> dict[str, str]:
    found = lines(client, sale)
    inner = found[found.index("BEGIN:VEVENT") + 1 : found.index("END:VEVENT")]
    if "BEGIN:VALARM" in inner:
        inner = inner[: inner.index("BEGIN:VALARM")]
    return dict(re.split(r"(?:;[^:]*)?:", line, maxsplit=1) for line in inner)


def moved(sale: Sale, *, by: timedelta) -> None:
    opens, closes = sale.opens_at, sale.closes_at
    sale.opens_at, sale.closes_at = opens + by, closes + by
    sale.save()
    StockChange.objects.create(
        sale=sale, number=1 + sale.stock_changes.count(), stock_from=sale.stock, stock_to=sale.stock,
        opens_from=opens, opens_to=sale.opens_at, closes_from=closes, closes_to=sale.closes_at,
        state=ChangeState.DONE, ended_at=datetime.now(UTC), who="x", why="y",
    )  # fmt: skip
    catalogue.forget()


@pytest.fixture
def sale(make_sale) -> Sale:
    made: Sale = make_sale(opens_in=86_400, closes_in=90_000, state=SaleState.PUBLISHED, state_number=1)
    return made


@pytest.mark.usefixtures("live")
class TestTheFile:
    def test_is_one_event_in_universal_time(self, client, sale):
        found = lines(client, sale)

        assert (found[0], found[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
        assert found.count("BEGIN:VEVENT") == 1
        told = event(client, sale)
        assert told["DTSTART"] == f"{sale.opens_at:%Y%m%dT%H%M%SZ}"
        assert told["DTEND"] == f"{sale.closes_at:%Y%m%dT%H%M%SZ}"
        assert re.fullmatch(r"\d{8}T\d{6}Z", told["DTSTAMP"])
        assert told["URL"] == f"http://testserver/sales/{sale.slug}/"
        assert told["STATUS"] == "CONFIRMED"

    def test_comes_as_a_file_of_the_right_kind(self, client, sale):
        response = client.get(f"/sales/{sale.slug}/opening.ics")

        assert response.headers["Content-Type"].startswith("text/calendar")
        assert response.headers["Content-Disposition"] == f'attachment; filename="{sale.slug}.ics"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_escapes_and_folds_what_people_wrote(self, client, sale):
        Product.objects.update(name="Fähre; rot, blau \\ grün" + " und so weiter, nämlich weiß und gelb" * 2)
        catalogue.forget()

        summary = event(client, sale)["SUMMARY"]

        assert summary.startswith("Fähre\\; rot\\, blau \\\\ grün und so weiter\\, nämlich")

    def test_lets_nobody_write_a_line_of_their_own(self, client, sale):
        Product.objects.update(name="Ferry\r\nATTACH:http://evil.example/")
        catalogue.forget()

        assert not [line for line in lines(client, sale) if line.startswith("ATTACH")]

    def test_keeps_its_name_and_grows_its_number_when_the_window_moves(self, client, sale):
        before = event(client, sale)
        moved(sale, by=timedelta(hours=1))
        after = event(client, sale)

        assert after["UID"] == before["UID"]
        assert (before["SEQUENCE"], after["SEQUENCE"]) == ("0", "1")
        assert after["DTSTART"] == f"{sale.opens_at:%Y%m%dT%H%M%SZ}" != before["DTSTART"]

    def test_does_not_count_a_change_of_stock_alone(self, client, sale):
        moved(sale, by=timedelta(0))

        assert event(client, sale)["SEQUENCE"] == "0"

    def test_takes_a_closed_sale_off(self, client, sale):
        Sale.objects.update(state=SaleState.CLOSED)
        catalogue.forget()

        told = event(client, sale)

        assert (told["STATUS"], told["SEQUENCE"]) == ("CANCELLED", "1")
        assert "BEGIN:VALARM" not in lines(client, sale)

    def test_of_an_unknown_sale_is_not_found(self, client, sale):
        assert client.get("/sales/no-such-sale/opening.ics").status_code == 404

    def test_of_a_draft_is_not_found(self, client, make_sale):
        draft = make_sale(opens_in=60)

        assert client.get(f"/sales/{draft.slug}/opening.ics").status_code == 404

"""What link previews and search engines are told: true of the moment, the same for all, and nothing of one person."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from sales.domain.states import SaleState
from sales.models import Product, Sale
from sales.queries import catalogue, snapshots
from tests.web import shop
from tests.web.dom import Element


def told(client: Client, sale: Sale) -> dict[str, Any]:
    """Return the page's data for machines."""
    (script,) = [each for each in shop.page(client, sale).tagged("script") if "src" not in each.attrs]
    assert script.attrs["type"] == "application/ld+json"
    data: dict[str, Any] = json.loads(script.text)
    return data


def properties(tree: Element) -> dict[str, str]:
    return {each.attrs["property"]: each.attrs["content"] for each in tree.tagged("meta") if "property" in each.attrs}


@pytest.mark.usefixtures("proven")
class TestTheData:
    def test_are_true_of_a_sale_that_is_on(self, client, make_sale):
        sale = make_sale(published=True, limit=2)

        data = told(client, sale)

        offer = data["offers"]
        assert (data["@type"], data["name"]) == ("Product", "Night Ferry")
        assert (offer["price"], offer["priceCurrency"]) == ("48", "EUR")
        assert offer["availability"] == "https://schema.org/LimitedAvailability"
        assert offer["inventoryLevel"]["value"] == 3
        assert offer["eligibleQuantity"]["maxValue"] == 2
        opens = datetime.fromisoformat(offer["validFrom"])
        assert abs((opens - sale.opens_at).total_seconds()) < 0.001
        assert datetime.fromisoformat(offer["validThrough"]) > datetime.now(UTC)

    def test_promise_nothing_before_the_opening(self, client, make_sale):
        offer = told(client, make_sale(published=True, opens_in=600))["offers"]

        assert "availability" not in offer
        assert "inventoryLevel" not in offer

    def test_promise_nothing_while_the_stock_cannot_be_seen(self, client, make_sale, no_ledger):
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)

        assert "availability" not in told(client, sale)["offers"]

    def test_say_that_a_sale_is_over(self, client, make_sale):
        sale = make_sale(state=SaleState.SETTLED, state_number=2, opens_in=-7_200, closes_in=-3_600)

        assert told(client, sale)["offers"]["availability"] == "https://schema.org/Discontinued"

    def test_cannot_be_left_by_what_people_wrote(self, client, make_sale):
        sale = make_sale(published=True)
        Product.objects.update(name='</script><b data-now="x">& "Ferry"')
        catalogue.forget()

        page = client.get(f"/sales/{sale.slug}/").content.decode()

        assert told(client, sale)["name"] == '</script><b data-now="x">& "Ferry"'
        assert page.count("</script>") == page.count("<script")

    def test_are_not_on_the_page_of_who_has_something(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        tree = shop.page(client, sale)

        assert not properties(tree)
        assert not [each for each in tree.tagged("script") if "src" not in each.attrs]


@pytest.mark.usefixtures("proven")
class TestThePreview:
    def test_names_the_page_once_and_for_all(self, client, make_sale):
        sale = make_sale(published=True)

        tree = shop.page(client, sale)

        address = f"http://testserver/sales/{sale.slug}/"
        (link,) = [each for each in tree.tagged("link") if each.attrs["rel"] == "canonical"]
        assert link.attrs["href"] == address
        said = properties(tree)
        assert (said["og:url"], said["og:title"]) == (address, "Night Ferry")
        assert said["og:image"] == "http://testserver/static/preview.png"
        assert (said["og:image:width"], said["og:image:height"]) == ("1200", "630")

    def test_is_the_same_whoever_asks(self, make_sale, signed_in, early_shopper):
        sale = make_sale(published=True)

        assert properties(shop.page(Client(), sale)) == properties(shop.page(signed_in(early_shopper), sale))


@pytest.mark.usefixtures("proven")
class TestCrawlers:
    def test_find_every_public_sale_and_no_draft(self, client, make_sale):
        public, draft = make_sale(published=True), make_sale()

        response = client.get("/sitemap.xml")

        text = response.content.decode()
        assert response.headers["Content-Type"] == "application/xml"
        assert f"<loc>http://testserver/sales/{public.slug}/</loc>" in text
        assert "<loc>http://testserver/</loc>" in text
        assert draft.slug not in text

    def test_are_told_what_is_not_for_them(self, client):
        response = client.get("/robots.txt")

        lines = response.content.decode().splitlines()
        assert response.headers["Content-Type"].startswith("text/plain")
        assert "Disallow: /purchases/" in lines
        assert "Disallow: /admin/" in lines
        assert lines[-1] == "Sitemap: http://testserver/sitemap.xml"


@pytest.mark.usefixtures("proven")
class TestTheLastNumber:
    def test_stands_with_its_time_where_the_stock_cannot_be_seen(self, client, make_sale, settings):
        sale = make_sale(published=True)
        assert "of 3 left" in shop.page(client, sale).text
        last = snapshots.last(sale.pk)
        assert last
        away = {**settings.CACHES["ledger"], "LOCATION": "redis://127.0.0.1:1/0"}
        settings.CACHES = {**settings.CACHES, "ledger": away}

        snapshots._copies.clear()
        stub = shop.page(client, sale).id("panel")

        assert "We cannot see the stock right now" in stub.text
        assert "The last number we had was 3 of 3 at " in stub.text

    def test_is_left_out_where_there_was_none(self, client, make_sale, no_ledger):
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)

        assert "The last number" not in shop.page(client, sale).text

"""Asking for a reminder on the sale's page, and taking it back, without a script."""

import pytest
from django.test import Client

from sales.models import Reminder
from tests.web import shop
from tests.web.dom import parsed


@pytest.mark.usefixtures("proven")
class TestTheOffer:
    def test_is_made_to_who_is_signed_in_and_kept_once_taken(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, opens_in=7_200, closes_in=9_000), signed_in(early_shopper)
        before = shop.page(client, sale)
        assert "We can write to early@example.org 30 minutes before it opens, once." in before.text

        response = client.post(f"/sales/{sale.slug}/remind", {"remind": "on"})
        after = shop.page(client, sale)

        assert (response.status_code, response.headers["Location"]) == (303, f"/sales/{sale.slug}/")
        assert "We write to early@example.org on " in after.text
        wish = Reminder.objects.get()
        assert (wish.account, wish.sale, wish.language) == (early_shopper, sale, "en")
        assert wish.page == f"http://testserver/sales/{sale.slug}/"

    def test_is_taken_back(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, opens_in=7_200, closes_in=9_000), signed_in(early_shopper)
        client.post(f"/sales/{sale.slug}/remind", {"remind": "on"})

        client.post(f"/sales/{sale.slug}/remind", {"remind": "off"})

        assert not Reminder.objects.exists()

    def test_is_not_made_to_visitors_nor_too_late_nor_of_a_sale_that_is_open(self, make_sale, signed_in, early_shopper):
        far, near, live = (make_sale(published=True, opens_in=seconds) for seconds in (3_000, 600, -60))
        client = signed_in(early_shopper)

        assert not shop.page(Client(), far).has("remind")
        assert not shop.page(client, near).has("remind")
        assert not shop.page(client, live).has("remind")

    def test_too_late_is_taken_from_nobody(self, make_sale, signed_in, early_shopper):
        sale = make_sale(published=True, opens_in=600)

        signed_in(early_shopper).post(f"/sales/{sale.slug}/remind", {"remind": "on"})

        assert not Reminder.objects.exists()

    def test_asks_who_is_not_signed_in_to_do_so(self, make_sale):
        sale = make_sale(published=True, opens_in=7_200, closes_in=9_000)

        response = Client().post(f"/sales/{sale.slug}/remind", {"remind": "on"})

        assert response.status_code == 302
        assert response.headers["Location"].startswith("/accounts/login/")

    def test_is_taken_from_no_other_site(self, make_sale, early_shopper):
        sale, client = make_sale(published=True, opens_in=7_200, closes_in=9_000), Client(enforce_csrf_checks=True)
        client.force_login(early_shopper, backend="django.contrib.auth.backends.ModelBackend")

        assert client.post(f"/sales/{sale.slug}/remind", {"remind": "on"}).status_code == 403

    def test_of_an_unknown_sale_is_not_found(self, signed_in, early_shopper):
        assert signed_in(early_shopper).post("/sales/no-such/remind", {"remind": "on"}).status_code == 404


@pytest.mark.usefixtures("proven")
class TestTheCalendarLink:
    @pytest.mark.parametrize("opens_in", [600, 200_000])
    def test_stands_in_the_stub_of_a_sale_that_is_coming(self, opens_in, make_sale):
        sale = make_sale(published=True, opens_in=opens_in, closes_in=300_000)

        stub = shop.page(Client(), sale).id("panel")

        assert stub.id("calendar").attrs["href"] == f"/sales/{sale.slug}/opening.ics"

    def test_stands_in_its_fragment_too_and_not_in_that_of_an_open_sale(self, make_sale):
        coming, live = make_sale(published=True, opens_in=600), make_sale(published=True)

        assert parsed(Client().get(f"/sales/{coming.slug}/panel").content).has("calendar")
        assert not parsed(Client().get(f"/sales/{live.slug}/panel").content).has("calendar")

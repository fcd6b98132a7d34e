"""The style guide: every state renders, and as what it says it is."""

from dataclasses import replace

import pytest
from django.template import engines
from django.test import Client

from sales.conf import Site
from sales.web.guide import PAGES, accounts
from sales.web.states import STATES
from tests.web.conftest import UnknownVariable
from tests.web.dom import parsed


@pytest.mark.django_db
class TestStates:
    @pytest.mark.parametrize("name", STATES)
    def test_render_without_an_unknown_variable(self, name, client: Client):
        response = client.get(f"/states/{name}/")

        assert response.status_code == 200
        assert response.content.count(b'class="stub"') == 1

    def test_are_listed_each_with_a_link(self, client: Client):
        page = client.get("/states/").content.decode()

        assert all(f'href="/states/{name}/"' in page for name in (*STATES, *PAGES))
        assert all(f'href="{address}"' in page for address in accounts().values())

    @pytest.mark.usefixtures("live")
    @pytest.mark.parametrize(("name", "status", "told"), [
        ("no-sales", 200, "No sale is planned"),
        ("no-purchases", 200, "Nothing yet"),
        ("purchases", 200, "Held for you until 18:26:00 CET"),
        ("purchases-incomplete", 200, "The newest may be missing here"),
        ("receipt", 200, "It is yours: number 63 of 100"),
        ("receipt-cancelled", 200, "print damaged in the press"),
        ("not-found", 404, "Nothing is here"),
        ("not-understood", 400, "This cannot be understood"),
        ("not-allowed", 403, ""),
        ("stale-form", 403, ""),
        ("too-slow", 408, ""),
        ("too-many", 429, "24 seconds"),
        ("mistake", 500, ""),
        ("away", 503, "5 seconds"),
    ])  # fmt: skip
    def test_have_the_other_pages_beside_them(self, name, status, told, client: Client):
        response = client.get(f"/states/{name}/")

        assert (response.status_code, told in parsed(response.content).text) == (status, True)

    def test_have_each_page_of_an_account_beside_them(self, signed_in, early_shopper):
        client = signed_in(early_shopper)

        assert {client.get(address).status_code for address in accounts().values()} <= {200, 302}

    def test_are_unknown_to_shoppers_of_a_real_shop(self, client: Client, settings):
        settings.SALES = replace(settings.SALES, site=Site.PRODUCTION)

        assert client.get("/states/").status_code == 404
        assert client.get("/states/live/").status_code == 404

    def test_are_shown_to_staff_of_a_real_shop(self, signed_in, early_shopper, settings):
        settings.SALES = replace(settings.SALES, site=Site.PRODUCTION)
        early_shopper.is_staff = True
        early_shopper.save()

        assert signed_in(early_shopper).get("/states/live/").status_code == 200

    def test_are_no_sales_so_an_unknown_one_is_not_found(self, client: Client):
        assert client.get("/states/nothing/").status_code == 404


class TestTheStrictTemplates:
    def test_notice_an_unknown_variable(self):
        template = engines["django"].from_string("{{ nobody.gave_this }}")

        with pytest.raises(UnknownVariable, match=r"nobody\.gave_this"):
            template.render({})

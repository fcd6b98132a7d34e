"""The style guide: every state renders, and as what it says it is."""

from dataclasses import replace

import pytest
from django.template import engines
from django.test import Client

from sales.conf import Site
from sales.web.states import STATES
from tests.web.conftest import UnknownVariable


@pytest.mark.django_db
class TestStates:
    @pytest.mark.parametrize("name", STATES)
    def test_render_without_an_unknown_variable(self, name, client: Client):
        response = client.get(f"/states/{name}/")

        assert response.status_code == 200
        assert response.content.count(b'class="stub"') == 1

    def test_are_listed_each_with_a_link(self, client: Client):
        page = client.get("/states/").content.decode()

        assert all(f'href="/states/{name}/"' in page for name in STATES)

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

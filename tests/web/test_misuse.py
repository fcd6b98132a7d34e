"""A pass that is not taken, and nonsense in every field: a sentence, and never a 500."""

from typing import Any

import pytest
from django.test import Client

from tests.web import shop
from tests.web.dom import parsed

pytestmark = pytest.mark.usefixtures("proven")


def stub_of(response: Any) -> str:
    return parsed(response.content).classed("stub")[0].text


class TestAPassThatIsNotTaken:
    @pytest.mark.parametrize("written", ["", "nonsense", "é", "x" * 10_000, "1.2.3.4.5:sig"])
    def test_buys_nothing_and_shows_the_way_on(self, written, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        response = shop.press(client, sale, fields={"pass": written})

        assert response.status_code == 403
        assert "so nothing was bought. Open it again." in stub_of(response)
        assert "Open this sale again" in stub_of(response)

    def test_for_it_is_of_another_session(self, make_sale, signed_in, early_shopper, late_shopper):
        sale = make_sale(published=True)
        written = shop.pass_in(shop.page(signed_in(early_shopper), sale))

        stolen = shop.press(signed_in(late_shopper), sale, fields={"pass": written})
        without_cookie = shop.press(Client(), sale, fields={"pass": written})

        for response in (stolen, without_cookie):
            assert response.status_code == 403
            assert "You signed out or in meanwhile" in stub_of(response)

    def test_for_its_shopper_signed_out(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))
        client.logout()

        assert shop.press(client, sale, fields={"pass": written}).status_code == 403

    def test_for_it_is_of_another_sale(self, make_sale, signed_in, early_shopper):
        one, other, client = make_sale(published=True), make_sale(published=True), signed_in(early_shopper)

        response = shop.press(client, other, fields={"pass": shop.pass_in(shop.page(client, one))})

        assert response.status_code == 403
        assert "This was the button of another sale" in stub_of(response)

    def test_as_a_plain_form_gets_the_page(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        response = shop.press(client, sale, htmx=False, fields={"pass": "nonsense"})

        assert response.status_code == 403
        assert parsed(response.content).id("main")


class TestNonsense:
    @pytest.mark.parametrize("body", [b"\xff\xfe", b"pass", b"&" * 100, b"=" * 50, b"pass=%zz", b"a=1&" * 60, b"\x00"])
    def test_in_the_body_is_refused(self, body, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)

        for what in ("buy", "confirm", "let-go", "extend"):
            response = client.post(
                f"/sales/{sale.slug}/{what}", body, content_type="application/x-www-form-urlencoded",
                headers={"HX-Request": "true"},
            )  # fmt: skip
            assert response.status_code == 403

    def test_larger_than_the_limit_is_refused(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))

        response = shop.press(client, sale, fields={"pass": written, "more": "x" * 20_000})

        assert response.status_code == 403

    @pytest.mark.parametrize("slug", ["unknown", "a" * 500, "UPPER", "1", "-"])
    def test_for_a_slug_is_not_found(self, slug, proven, client: Client):
        for what in ("", "panel", "mine"):
            assert client.get(f"/sales/{slug}/{what}").status_code == 404
        for what in ("buy", "confirm", "let-go", "extend"):
            assert client.post(f"/sales/{slug}/{what}").status_code == 404

    @pytest.mark.parametrize("slug", ["é", "%00", "a%2Fb", "%ff"])
    def test_that_is_no_slug_is_not_found(self, slug, proven, client: Client):
        assert client.get(f"/sales/{slug}/panel").status_code == 404

    @pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "post"])
    def test_in_the_method_is_refused(self, method, make_sale, client: Client):
        sale = make_sale(published=True)

        for what in ("", "panel", "mine"):
            assert getattr(client, method)(f"/sales/{sale.slug}/{what}").status_code == 405

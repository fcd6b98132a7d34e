"""Accounts: every page of allauth that can be reached, in our frame; and back to the sale after signing in."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client

from sales.models import Account
from tests.web import shop
from tests.web.dom import parsed

PUBLIC = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/x-wrong/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/wrong/",
    "/accounts/inactive/",
)
PERSONAL = (
    "/account/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
)


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestEveryPage:
    @pytest.mark.parametrize("path", PUBLIC)
    def test_opens_in_our_frame(self, path, client: Client):
        response = client.get(path)

        assert response.status_code == 200
        tree = parsed(response.content)
        assert len(tree.tagged("h1")) == 1
        assert tree.classed("top")

    @pytest.mark.parametrize("path", PERSONAL)
    def test_of_an_account_opens_for_it_alone(self, path, signed_in, early_shopper):
        response = signed_in(early_shopper).get(path, follow=True)

        assert response.status_code == 200
        assert len(parsed(response.content).tagged("h1")) == 1
        assert b"early@example.org" not in Client().get(path, follow=True).content

    def test_tells_a_mistake_at_its_field(self, client: Client):
        response = client.post("/accounts/signup/", {"email": "mara", "password1": "x"})
        tree = parsed(response.content)

        email = tree.id("id_email")
        assert email.attrs["aria-invalid"] == "true"
        described = email.attrs["aria-describedby"].split()
        assert all(tree.has(each) for each in described)
        assert "id_email_error" in described

    @pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"])
    def test_calls_an_address_e_mail_and_writes_nothing_into_fields(self, path, client: Client):
        tree = parsed(client.get(path).content)

        fields = [each for each in tree.tagged("input") if each.attrs.get("type") != "hidden"]
        assert not [each for each in fields if "placeholder" in each.attrs]
        labels = {each.attrs["for"]: each.text for each in tree.tagged("label") if "for" in each.attrs}
        assert [labels[each.attrs["id"]] for each in fields if each.attrs["type"] == "email"] == ["E-mail"]

    def test_describes_a_password_by_its_rules(self, client: Client):
        tree = parsed(client.get("/accounts/signup/").content)

        (described,) = tree.id("id_password1").attrs["aria-describedby"].split()
        assert tree.id(described).text

    def test_refuses_a_form_that_we_did_not_write(self):
        response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})

        assert response.status_code == 403
        assert "Open the page again and send it once more." in parsed(response.content).text


@pytest.mark.usefixtures("proven")
class TestSigningIn:
    def test_comes_straight_back_to_the_sale_and_buys_nothing(self, make_sale, early_shopper):
        sale, client = make_sale(published=True), Client()
        form = shop.page(client, sale).id("buy")
        fields = {each.attrs["name"]: each.attrs["value"] for each in form.tagged("input")}
        login = client.get(form.attrs["action"], fields)
        hidden = {
            each.attrs["name"]: each.attrs["value"]
            for each in parsed(login.content).tagged("input")
            if each.attrs["type"] == "hidden"
        }

        response = client.post(
            form.attrs["action"], {**hidden, "login": "early@example.org", "password": "a long enough password"}
        )

        assert (response.status_code, response.headers["Location"]) == (302, f"/sales/{sale.slug}/")
        tree = shop.page(client, sale)
        assert "You are ready: signed in as early@example.org." in tree.text
        assert "3 of 3 left" in tree.text
        assert tree.id("buy").attrs["method"] == "post"

    def test_up_comes_back_too(self, make_sale):
        sale, client = make_sale(published=True), Client()

        response = client.post(
            "/accounts/signup/",
            {"email": "new@example.org", "password1": "a long enough password", "next": f"/sales/{sale.slug}/"},
        )

        assert (response.status_code, response.headers["Location"]) == (302, f"/sales/{sale.slug}/")
        assert Account.objects.filter(email="new@example.org").exists()

    @pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/email/"])
    def test_up_with_an_address_longer_than_the_record_holds_is_refused_at_the_field(
        self, path, signed_in, early_shopper
    ):
        client = signed_in(early_shopper) if "email" in path else Client()
        address = f"{'x' * 250}@example.org"

        response = client.post(path, {"email": address, "password1": "a long enough password", "action_add": ""})

        assert response.status_code == 200
        assert "at most 254 characters" in parsed(response.content).classed("error")[0].text
        assert not EmailAddress.objects.filter(email=address).exists()

    def test_leads_to_no_other_site(self, early_shopper):
        response = Client().post(
            "/accounts/login/",
            {"login": "early@example.org", "password": "a long enough password", "next": "https://evil.example/"},
        )

        assert response.headers["Location"] == "/"

    def test_with_a_wrong_password_says_so(self, early_shopper):
        response = Client().post("/accounts/login/", {"login": "early@example.org", "password": "wrong"})

        assert response.status_code == 200
        assert parsed(response.content).classed("error")

    def test_out_ends_the_passes_of_open_pages(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))

        client.post("/accounts/logout/")

        assert shop.press(client, sale, fields={"pass": written}).status_code == 403

    def test_again_with_a_link_from_the_mail(self, early_shopper):
        client = Client()
        client.post("/accounts/password/reset/", {"email": "early@example.org"})
        path = "/" + str(mail.outbox[0].body).split("http://testserver/")[1].split()[0]

        form = client.get(path, follow=True)
        done = client.post(form.redirect_chain[-1][0], {
            "password1": "another long password", "password2": "another long password"
        })  # fmt: skip

        assert len(parsed(form.content).tagged("h1")) == 1
        assert done.status_code == 302
        assert client.login(email="early@example.org", password="another long password")


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestTheSecondFactor:
    def test_is_switched_on_asked_for_and_switched_off(self, early_shopper):
        EmailAddress.objects.create(user=early_shopper, email=early_shopper.email, verified=True, primary=True)
        client = Client()
        login = {"login": early_shopper.email, "password": "a long enough password"}
        client.post("/accounts/login/", login)

        client.post("/accounts/reauthenticate/", {"password": login["password"]})
        activating = client.get("/accounts/2fa/totp/activate/")
        secret = client.session["mfa.totp.secret"]
        client.post("/accounts/2fa/totp/activate/", {"code": code(secret)})
        pages = [client.get(f"/accounts/2fa/{path}") for path in ("", "recovery-codes/", "recovery-codes/generate/")]
        other = Client()
        asking = other.post("/accounts/login/", login, follow=True)
        deactivating = client.get("/accounts/2fa/totp/deactivate/")
        client.post("/accounts/2fa/totp/deactivate/")

        assert "data:image/svg+xml" in activating.content.decode()
        assert "Switched on." in parsed(pages[0].content).text
        assert asking.redirect_chain[-1][0].startswith("/accounts/2fa/authenticate/")
        assert "_auth_user_id" not in other.session
        for page in (activating, *pages, asking, deactivating):
            assert page.status_code == 200
            assert len(parsed(page.content).tagged("h1")) == 1
        assert "Switched off." in parsed(client.get("/accounts/2fa/").content).text


def code(secret: str) -> str:
    """Return the code that an app shows now."""
    shown: str = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    return shown


@pytest.mark.django_db
class TestWithoutTheCacheServer:
    @pytest.mark.parametrize(
        ("path", "statuses"),
        [
            ("/accounts/login/", {503}),
            ("/accounts/signup/", {302, 503}),
            ("/accounts/password/reset/", {503}),
        ],
    )
    def test_signing_in_is_503_and_nothing_is_500(self, path, statuses, settings, early_shopper):
        settings.CACHES = {
            **settings.CACHES,
            "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
        }
        fields = {"login": early_shopper.email, "email": early_shopper.email, "password": "x"}
        if "signup" in path:
            fields = {"email": "new@example.org", "password1": "a long enough password"}

        response = Client(raise_request_exception=False).post(path, fields)

        assert response.status_code in statuses
        assert response.status_code != 503 or int(response.headers["Retry-After"]) > 0
        assert Client().get(path).status_code == 200

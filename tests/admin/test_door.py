"""The second lock on the admin's door, with codes as an app computes them."""

from dataclasses import replace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from sales.models import Account

PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def required(settings: Any, live: Any) -> None:
    settings.SALES = replace(settings.SALES, require_staff_mfa=True)


@pytest.fixture
def seller(db: None) -> Account:
    made: Account = Account.objects.create_superuser("seller@shop.example", PASSWORD)
    EmailAddress.objects.create(user=made, email=made.email, verified=True, primary=True)
    return made


def signed_in(account: Account, *, to: str = "/admin/") -> Client:
    """Sign in with the password, as a person does."""
    client = Client()
    client.post("/accounts/login/", {"login": account.email, "password": PASSWORD, "next": to})
    return client


def code(secret: str) -> str:
    """Return the code that an app shows now."""
    shown: str = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    return shown


def with_factor(client: Client) -> list[str]:
    """Set a factor up; return its recovery codes."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.get("/accounts/2fa/totp/activate/")
    done = client.post("/accounts/2fa/totp/activate/", {"code": code(client.session["mfa.totp.secret"])}, follow=True)
    assert done.redirect_chain[-1][0] == "/accounts/2fa/recovery-codes/"
    codes: list[str] = done.context["unused_codes"]
    assert len(codes) == 10
    return codes


class TestStaffWithoutAFactor:
    @pytest.mark.django_db(transaction=True)  # a factor is there once it is committed
    def test_is_led_to_set_one_up_and_then_in(self, seller):
        client = signed_in(seller)

        led = client.get("/admin/", follow=True)
        asked_again = "/accounts/reauthenticate/?next=%2Faccounts%2F2fa%2Ftotp%2Factivate%2F"
        assert [path for path, _ in led.redirect_chain[-2:]] == ["/accounts/2fa/totp/activate/", asked_again]
        assert "The admin opens with a second factor." in led.content.decode()
        with_factor(client)

        assert client.get("/admin/").status_code == 200

    @pytest.mark.parametrize("path", ["/admin/sales/order/", "/admin/sales/account/", "/admin/password_change/"])
    def test_sees_no_page_of_the_admin(self, path, seller):
        response = signed_in(seller).get(path)

        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")

    def test_goes_in_where_that_is_not_asked_for(self, seller, settings):
        settings.SALES = replace(settings.SALES, require_staff_mfa=False)

        assert signed_in(seller).get("/admin/").status_code == 200


class TestStaffWithAFactor:
    def test_is_asked_for_it_at_sign_in_and_goes_in(self, seller):
        first = signed_in(seller)
        recovery = with_factor(first)[0]

        client = signed_in(seller)
        assert "_auth_user_id" not in client.session
        done = client.post("/accounts/2fa/authenticate/", {"code": recovery})

        assert done.headers["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_stays_out_with_a_wrong_code(self, seller):
        with_factor(signed_in(seller))
        client = signed_in(seller)

        assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
        assert client.get("/admin/").status_code == 302

    def test_is_asked_again_in_a_session_that_never_showed_it(self, seller):
        old = signed_in(seller)
        recovery = with_factor(signed_in(seller))[0]

        led = old.get("/admin/sales/order/", follow=True)
        assert led.redirect_chain[-1][0] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Fsales%2Forder%2F"
        done = old.post("/accounts/2fa/reauthenticate/", {"code": recovery, "next": "/admin/sales/order/"})

        assert done.headers["Location"] == "/admin/sales/order/"
        assert old.get("/admin/sales/order/").status_code == 200

    def test_is_led_to_no_other_site(self, seller):
        old = signed_in(seller)
        with_factor(signed_in(seller))

        led = old.get("/admin/login/?next=https://evil.example/")

        assert led.headers["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2F"

    def test_stays_out_once_it_is_taken_away(self, seller):
        client = signed_in(seller)
        with_factor(client)

        client.post("/accounts/2fa/totp/deactivate/")

        assert client.get("/admin/").status_code == 302


class TestShoppers:
    def test_never_get_in_with_or_without(self, db):
        shopper = Account.objects.create_user("mara@example.org", PASSWORD)
        EmailAddress.objects.create(user=shopper, email=shopper.email, verified=True, primary=True)
        client = signed_in(shopper)
        assert client.get("/admin/", follow=True).status_code == 403

        with_factor(client)

        assert client.get("/admin/", follow=True).status_code == 403

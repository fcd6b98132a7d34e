"""Accounts in the admin: an e-mail address and a password, no user name; and who may not become whom."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from sales.models import Account
from tests.admin.desk import Desk, mistakes

PASSWORD = "linocut-and-letterpress"


def filled(account: Account, **changed: Any) -> dict[str, Any]:
    """Return a form that changes nothing, but for what is changed."""
    return {
        "email": account.email,
        "first_name": "",
        "last_name": "",
        "is_active": "on",
        **({"is_staff": "on"} if account.is_staff else {}),
        **changed,
    }


@pytest.fixture
def early(db: None) -> Account:
    return Account.objects.create_user("early@example.com", PASSWORD)


class TestTheForm:
    def test_makes_an_account_that_can_sign_in(self, desk: Desk) -> None:
        answer = desk.post(
            "sales_account_add",
            email="New@Example.com",
            usable_password="true",
            password1=PASSWORD,
            password2=PASSWORD,
        )

        assert answer.status_code == 302
        assert Account.objects.get(email__iexact="new@example.com").check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("changed", "field", "sentence"),
        [
            ({"email": "early"}, "email", "Enter a valid email address."),
            ({"email": ""}, "email", "This field is required."),
            ({"password2": "something else"}, "password2", "The two password fields didn\u2019t match."),
            ({"password1": "1234", "password2": "1234"}, "password2", "This password is too common."),
        ],
    )
    def test_refuses_a_mistake_with_a_sentence_at_its_field(
        self, desk: Desk, changed: dict[str, str], field: str, sentence: str
    ) -> None:
        fields = {"email": "new@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}

        answer = desk.post("sales_account_add", **{**fields, **changed})

        assert sentence in mistakes(answer)[field]

    def test_refuses_an_address_that_is_taken_however_it_is_written(self, desk: Desk, early: Account) -> None:
        answer = desk.post(
            "sales_account_add",
            email="EARLY@example.com",
            usable_password="true",
            password1=PASSWORD,
            password2=PASSWORD,
        )

        assert mistakes(answer) == {"__all__": ["There is an account with this e-mail address already."]}

    def test_makes_an_account_inactive(self, desk: Desk, early: Account) -> None:
        fields = filled(early)
        del fields["is_active"]

        desk.post("sales_account_change", early.pk, **fields)

        early.refresh_from_db()
        assert not early.is_active

    def test_forgets_addresses_confirmed_before_when_the_address_changes(self, desk: Desk, early: Account) -> None:
        EmailAddress.objects.create(user=early, email=early.email, verified=True, primary=True)

        desk.post("sales_account_change", early.pk, **filled(early, email="late@example.com"))

        assert not EmailAddress.objects.filter(user=early).exists()

    def test_is_the_only_place_where_an_address_is_changed(self, desk: Desk) -> None:
        assert desk.browser.get("/admin/account/emailaddress/").status_code == 404
        assert "emailaddress" not in desk.browser.get("/admin/").content.decode()

    def test_changes_a_password(self, desk: Desk, early: Account) -> None:
        answer = desk.post(
            "auth_user_password_change", early.pk, usable_password="true", password1="another-" + PASSWORD,
            password2="another-" + PASSWORD,
        )  # fmt: skip

        assert answer.status_code == 302
        early.refresh_from_db()
        assert early.check_password("another-" + PASSWORD)

    def test_is_never_deleted(self, desk: Desk, early: Account) -> None:
        assert desk.post("sales_account_delete", early.pk, post="yes").status_code == 403


class TestOneWhoMayChangeAccounts:
    def test_cannot_give_powers(self, desk_of_one_who_may: Callable[..., Desk], early: Account) -> None:
        clerk = desk_of_one_who_may("view_account", "change_account")

        answer = clerk.post(
            "sales_account_change", early.pk, **filled(early, first_name="Ada", is_staff="on", is_superuser="on")
        )

        assert answer.status_code == 302
        early.refresh_from_db()
        assert (early.first_name, early.is_staff, early.is_superuser) == ("Ada", False, False)

    def test_cannot_take_over_somebody_who_may_do_everything(
        self, desk_of_one_who_may: Callable[..., Desk], seller: Account
    ) -> None:
        clerk = desk_of_one_who_may("view_account", "change_account")

        answers = [
            clerk.post("sales_account_change", seller.pk, **filled(seller, email="clerk2@example.com")),
            clerk.post("auth_user_password_change", seller.pk, password1=PASSWORD, password2=PASSWORD),
        ]

        assert [answer.status_code for answer in answers] == [403, 403]


class TestASecondFactor:
    @pytest.fixture
    def factor(self, early: Account) -> Any:
        return Authenticator.objects.create(user=early, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})

    def test_shows_its_secret_to_nobody(self, desk: Desk, factor: Any) -> None:
        page = desk.get("mfa_authenticator_change", factor.pk)

        assert page.status_code == 200
        assert "JBSWY3DPEHPK3PXP" not in page.content.decode()

    def test_is_taken_away_from_one_who_lost_it(self, desk: Desk, factor: Any) -> None:
        desk.post("mfa_authenticator_delete", factor.pk, post="yes")

        assert not Authenticator.objects.exists()

    def test_is_made_by_its_owner_alone(self, desk: Desk, factor: Any) -> None:
        answers = [desk.post("mfa_authenticator_add"), desk.post("mfa_authenticator_change", factor.pk)]

        assert [answer.status_code for answer in answers] == [403, 403]

    def test_of_one_who_may_do_everything_is_left_alone_by_others(
        self, desk_of_one_who_may: Callable[..., Desk], seller: Account
    ) -> None:
        factor = Authenticator.objects.create(user=seller, type="totp", data={})
        clerk = desk_of_one_who_may("view_authenticator", "delete_authenticator")

        assert clerk.post("mfa_authenticator_delete", factor.pk, post="yes").status_code == 403

"""API clients in the admin: made, changed, made inactive; their keys made, shown once, revoked."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sales.models import ApiClient, ApiKey, TrailEntry
from sales.queries import api_keys
from sales.services import api_clients
from sales.services.acting import Actor
from tests.admin.desk import Desk, mistakes, said, text_of

SELLER = Actor(who="seller@example.com")


@pytest.fixture
def partner(db: None) -> ApiClient:
    return ApiClient.objects.create(slug="partner", name="Partner Tickets")


def filled(**changed: Any) -> dict[str, Any]:
    """Return a form that is right, but for what is changed."""
    return {
        "slug": "partner",
        "name": "Partner Tickets",
        "is_active": "on",
        "purchase_rate": "600/m",
        "lookup_rate": "1200/m",
        "keys-TOTAL_FORMS": 0,
        "keys-INITIAL_FORMS": 0,
        **changed,
    }


def key_on(answer: Any) -> str:
    """Return the key that this page shows."""
    found = re.search(r"Authorization: Bearer (fs_\S+)", text_of(answer))
    assert found
    return found[1]


def holder(text: str) -> api_keys.Client | None:
    api_keys.forget()
    keys = api_keys.current()
    assert keys
    return keys.holder(text=text, at=datetime.now(UTC))


class TestTheForm:
    def test_makes_a_client_and_a_row_in_the_trail(self, desk: Desk) -> None:
        answer = desk.post("sales_apiclient_add", **filled())

        assert answer.status_code == 302
        assert ApiClient.objects.get().purchase_rate == "600/m"
        entry = TrailEntry.objects.get()
        assert (entry.who, entry.act) == ("seller@example.com", "add_client")
        assert entry.after["client"] == "partner"

    @pytest.mark.parametrize(
        ("field", "wrong", "sentence"),
        [
            ("slug", "Partner Tickets", "Use small letters, digits and single dashes."),
            ("slug", "a:b", "Use small letters, digits and single dashes."),
            ("slug", "x" * 41, "Ensure this value has at most 40 characters (it has 41)."),
            ("name", "", "This field is required."),
            (
                "purchase_rate",
                "often",
                "'often' is not a rate; write a count, a slash and a unit, such as 300/m or 20/10s.",
            ),
            ("lookup_rate", "5/0s", "'5/0s' is not a rate: its window is zero seconds long."),
        ],
    )
    def test_refuses_a_mistake_with_a_sentence_at_its_field(
        self, desk: Desk, field: str, wrong: str, sentence: str
    ) -> None:
        answer = desk.post("sales_apiclient_add", **filled(**{field: wrong}))

        assert mistakes(answer) == {field: [sentence]}
        assert not ApiClient.objects.exists()

    def test_keeps_the_slug_for_good(self, desk: Desk, partner: ApiClient) -> None:
        desk.post("sales_apiclient_change", partner.pk, **filled(slug="other", name="New name"))

        partner.refresh_from_db()
        assert (partner.slug, partner.name) == ("partner", "New name")

    def test_makes_a_client_inactive_so_that_its_keys_are_nobodys(self, desk: Desk, partner: ApiClient) -> None:
        key = api_clients.issue_key(client_pk=partner.pk, scopes=["purchase"], by=SELLER)
        assert holder(key.text)

        fields = filled(purchase_rate=partner.purchase_rate, lookup_rate=partner.lookup_rate)
        del fields["is_active"]
        desk.post("sales_apiclient_change", partner.pk, **fields)

        assert holder(key.text) is None
        entry = TrailEntry.objects.get(act="change_client")
        assert (entry.before, entry.after) == ({"is_active": True}, {"client": "partner", "is_active": False})

    def test_is_never_deleted(self, desk: Desk, partner: ApiClient) -> None:
        assert desk.post("sales_apiclient_delete", partner.pk, post="yes").status_code == 403


class TestAKey:
    def test_is_shown_once_and_works(self, desk: Desk, partner: ApiClient) -> None:
        answer = desk.post("sales_apiclient_make_key", partner.pk, scopes=["purchase", "lookup"], expires_at="")

        text = key_on(answer)
        assert re.fullmatch(r"fs_[A-Za-z0-9]{10}_[A-Za-z0-9_-]{43}", text)
        assert "no-store" in answer["Cache-Control"]
        found = holder(text)
        assert found is not None
        assert (found.slug, found.scopes) == ("partner", frozenset({"purchase", "lookup"}))
        assert text not in desk.get("sales_apiclient_change", partner.pk).content.decode()

    def test_is_stored_as_a_digest_only_in_record_and_trail(self, desk: Desk, partner: ApiClient) -> None:
        text = key_on(desk.post("sales_apiclient_make_key", partner.pk, scopes=["lookup"], expires_at=""))

        key = ApiKey.objects.get()
        assert key.digest == hashlib.sha256(text.encode()).hexdigest()
        stored = json.dumps([*ApiKey.objects.values(), *TrailEntry.objects.values()], default=str)
        assert text.split("_", 2)[2] not in stored

    def test_leaves_a_row_in_the_trail(self, desk: Desk, partner: ApiClient) -> None:
        desk.post("sales_apiclient_make_key", partner.pk, scopes=["lookup"], expires_at="")

        entry = TrailEntry.objects.get()
        assert (entry.who, entry.act) == ("seller@example.com", "issue_key")
        assert entry.after == {
            "client": "partner",
            "key": f"fs_{ApiKey.objects.get().public}",
            "scopes": ["lookup"],
            "expires_at": None,
        }

    @pytest.mark.parametrize(
        ("fields", "field", "sentence"),
        [
            ({}, "scopes", "Choose what the key may be used for."),
            (
                {"scopes": ["everything"]},
                "scopes",
                "Select a valid choice. everything is not one of the available choices.",
            ),
            ({"scopes": ["lookup"], "expires_at": "2020-01-01T00:00"}, "expires_at", "This time has passed."),
            (
                {"scopes": ["lookup"], "expires_at": "soon"},
                "expires_at",
                "This is not a date and a time. Write them like 2026-11-27 18:00.",
            ),
        ],
    )
    def test_is_not_made_of_a_mistake(
        self, desk: Desk, partner: ApiClient, fields: dict[str, Any], field: str, sentence: str
    ) -> None:
        answer = desk.post("sales_apiclient_make_key", partner.pk, **fields)

        assert mistakes(answer) == {field: [sentence]}
        assert not ApiKey.objects.exists()

    def test_expires_when_the_form_says_by_the_shops_clock(self, desk: Desk, partner: ApiClient) -> None:
        desk.post("sales_apiclient_make_key", partner.pk, scopes=["lookup"], expires_at="2199-06-01T12:00:00")

        assert ApiKey.objects.get().expires_at == datetime(2199, 6, 1, 10, tzinfo=UTC)

    def test_is_revoked_for_good_with_a_reason(self, desk: Desk, partner: ApiClient) -> None:
        key = api_clients.issue_key(client_pk=partner.pk, scopes=["purchase"], by=SELLER)

        asked = desk.get("sales_apikey_revoke", key.key.pk)
        answer = desk.post("sales_apikey_revoke", key.key.pk, why="It was in a public repository.")

        assert asked.status_code == 200
        assert said(answer) == [f"The key {key.key} is revoked. Nobody can use it any more."]
        assert holder(key.text) is None
        assert TrailEntry.objects.get(act="revoke_key").why == "It was in a public repository."

    def test_is_revoked_once(self, desk: Desk, partner: ApiClient) -> None:
        key = api_clients.issue_key(client_pk=partner.pk, scopes=["purchase"], by=SELLER).key
        desk.post("sales_apikey_revoke", key.pk)
        first = ApiKey.objects.get().revoked_at

        answer = desk.post("sales_apikey_revoke", key.pk)

        assert said(answer)[-1] == f"The key {key} was revoked already."
        assert ApiKey.objects.get().revoked_at == first
        assert TrailEntry.objects.filter(act="revoke_key").count() == 1

    def test_is_listed_with_what_it_may_and_until_when(self, desk: Desk, partner: ApiClient) -> None:
        key = api_clients.issue_key(client_pk=partner.pk, scopes=["lookup"], by=SELLER).key

        page = text_of(desk.get("sales_apiclient_change", partner.pk))

        assert f"fs_{key.public}_…" in page
        assert "look up purchases" in page
        assert "Revoke" in page

    def test_is_made_and_revoked_only_by_those_who_may_change_the_client(
        self, desk_of_one_who_may: Callable[..., Desk], partner: ApiClient
    ) -> None:
        key = api_clients.issue_key(client_pk=partner.pk, scopes=["purchase"], by=SELLER).key
        clerk = desk_of_one_who_may("view_apiclient", "view_apikey")

        page = clerk.get("sales_apiclient_change", partner.pk)
        answers = [
            clerk.get("sales_apiclient_make_key", partner.pk),
            clerk.post("sales_apiclient_make_key", partner.pk, scopes=["lookup"]),
            clerk.get("sales_apikey_revoke", key.pk),
            clerk.post("sales_apikey_revoke", key.pk),
        ]

        assert "make-key" not in page.content.decode()
        assert [answer.status_code for answer in answers] == [403] * 4
        key.refresh_from_db()
        assert key.revoked_at is None

    def test_of_nobody_is_not_there(self, desk: Desk, db: None) -> None:
        assert desk.get("sales_apiclient_make_key", 10**9).status_code == 404
        assert desk.post("sales_apikey_revoke", 10**9).status_code == 404


class TestIssueKey:
    @pytest.mark.parametrize("scopes", [[], ["everything"], ["lookup", "everything"]])
    def test_refuses_scopes_that_are_none(self, partner: ApiClient, scopes: list[str]) -> None:
        with pytest.raises(ValueError, match="at least one of the scopes purchase, lookup"):
            api_clients.issue_key(client_pk=partner.pk, scopes=scopes, by=SELLER)

    def test_refuses_an_end_that_has_passed(self, partner: ApiClient) -> None:
        with pytest.raises(ValueError, match="before it is made"):
            api_clients.issue_key(
                client_pk=partner.pk, scopes=["lookup"], expires_at=datetime.now(UTC) - timedelta(seconds=1), by=SELLER
            )

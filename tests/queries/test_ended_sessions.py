"""The list of ended web sessions in memory: what came since is added, and what is old does not matter."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from sales.domain import web_sessions
from sales.models import Account, WebSessionEnd
from sales.queries import ended_sessions
from sales.queries.ended_sessions import EndedSessions
from sales.services import web_sessions as service


@pytest.fixture
def account(db: None) -> Account:
    made: Account = Account.objects.create_user(email="early@example.org", password="a long enough password")
    return made


def now_ms() -> int:
    return round(time.time() * 1_000)


def read() -> EndedSessions:
    return ended_sessions._reader.read()


class TestTheList:
    def test_has_a_session_that_ended(self, db: None) -> None:
        service.end(session_key="early")
        found = read()

        assert found.has(session=web_sessions.digest("early"), account=1, issued_ms=now_ms())
        assert not found.has(session=web_sessions.digest("late"), account=1, issued_ms=now_ms())

    def test_has_what_an_account_had_until_then(self, account: Account) -> None:
        before = now_ms() - 1
        service.end_all(account_pk=account.pk)
        found = read()

        assert found.has(session="x", account=account.pk, issued_ms=before)
        assert not found.has(session="x", account=account.pk, issued_ms=now_ms() + 2)
        assert not found.has(session="x", account=account.pk + 1, issued_ms=before)

    def test_grows_by_what_was_committed_late(self, db: None) -> None:
        service.end(session_key="early")
        read()
        WebSessionEnd.objects.create(at=timezone.now() - timedelta(seconds=30), session=web_sessions.digest("late"))

        assert read().has(session=web_sessions.digest("late"), account=1, issued_ms=now_ms())

    def test_has_what_is_older_than_any_session(self, db: None) -> None:
        assert read().has(session="x", account=1, issued_ms=now_ms() - settings.SESSION_COOKIE_AGE * 1_000 - 1)

    def test_forgets_on_record_what_is_older_than_any_pass(self, db: None) -> None:
        WebSessionEnd.objects.create(at=timezone.now() - timedelta(days=60), session="old")

        service.end(session_key="early")

        assert WebSessionEnd.objects.count() == 1


class TestASession:
    def test_that_was_nobodys_is_not_put_on_the_list(self, db: None) -> None:
        session = SessionStore()
        session["cart"] = "1"
        session.create()
        session.flush()

        assert not WebSessionEnd.objects.exists()

    def test_that_gets_a_new_key_ends_under_its_old_one(self, account: Account) -> None:
        session = SessionStore()
        session[SESSION_KEY] = str(account.pk)
        session.create()
        old = str(session.session_key)
        session.cycle_key()

        assert [end.session for end in WebSessionEnd.objects.all()] == [web_sessions.digest(old)]


class TestAnAccount:
    @pytest.mark.parametrize("fields", [["last_login"], ["first_name"], None])
    def test_that_only_signs_in_or_changes_its_name_keeps_its_sessions(
        self, account: Account, fields: list[str] | None
    ) -> None:
        account.first_name = "Early"
        account.last_login = timezone.now()
        account.save(update_fields=fields)

        assert not WebSessionEnd.objects.exists()

    @pytest.mark.parametrize("values", [{"is_active": False}, {"password": "!"}])
    def test_loses_them_too_where_many_are_changed_by_one_statement(
        self, account: Account, values: dict[str, Any]
    ) -> None:
        before = now_ms() - 1
        late = Account.objects.create_user(email="late@example.org", password="a long enough password")

        Account.objects.filter(pk=account.pk).update(**values)
        found = read()

        assert found.has(session="x", account=account.pk, issued_ms=before)
        assert not found.has(session="x", account=late.pk, issued_ms=before)

    def test_keeps_them_where_one_statement_changes_something_else(self, account: Account) -> None:
        Account.objects.update(first_name="Early", is_active=True)

        assert not WebSessionEnd.objects.exists()

    def test_that_is_switched_on_again_does_not_end_them_twice(self, account: Account) -> None:
        account.is_active = False
        account.save()
        account.is_active = True
        account.save()

        assert WebSessionEnd.objects.count() == 1

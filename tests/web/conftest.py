"""What tests of pages stand on: templates that refuse unknown variables, shoppers with accounts, and pages parsed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.template import Engine
from django.test import Client

from sales.models import Account
from sales.queries import catalogue, snapshots


class UnknownVariable(Exception):
    """A template names something that it was not given."""


class _Refuse(str):
    """Stands for the text of unknown variables: asking for it is the mistake."""

    __slots__ = ()

    def __contains__(self, item: object) -> bool:
        return True

    def __mod__(self, name: object) -> str:
        raise UnknownVariable(str(name))


@pytest.fixture(autouse=True)
def no_unknown_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by the setting: a change of that throws away all templates, to be compiled again in each test.
    monkeypatch.setattr(Engine.get_default(), "string_if_invalid", _Refuse("%s"))


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    catalogue.forget()
    snapshots.forget()
    yield
    catalogue.forget()
    snapshots.forget()


@pytest.fixture
def early_shopper(db: None) -> Account:
    made: Account = Account.objects.create_user(email="early@example.org", password="a long enough password")
    return made


@pytest.fixture
def late_shopper(db: None) -> Account:
    made: Account = Account.objects.create_user(email="late@example.org", password="a long enough password")
    return made


SignedIn = Callable[[Account], Client]


@pytest.fixture
def signed_in() -> SignedIn:
    """Return a browser in which this account is signed in."""

    def make(account: Account) -> Client:
        client = Client()
        client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def no_ledger(settings: Any) -> None:
    """The ledger server cannot be reached."""
    settings.CACHES = {
        **settings.CACHES,
        "ledger": {**settings.CACHES["ledger"], "LOCATION": "redis://127.0.0.1:1/0"},
    }

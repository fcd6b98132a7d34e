"""People who run the shop, signed in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from sales.models import Account
from tests.admin.desk import Desk


@pytest.fixture
def seller(db: None) -> Account:
    """Somebody who may do everything."""
    return Account.objects.create_superuser("seller@example.com", "a long enough one")


@pytest.fixture
def desk(seller: Account) -> Desk:
    """The seller's browser, in the admin."""
    browser = Client()
    browser.force_login(seller)
    return Desk(browser)


@pytest.fixture
def desk_of_one_who_may(db: None) -> Callable[..., Desk]:
    """The browser of somebody of the staff who has these permissions and no others."""

    def sign_in(*codenames: str) -> Desk:
        clerk = Account.objects.create_user("clerk@example.com", "a long enough one", is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        browser = Client()
        browser.force_login(clerk)
        return Desk(browser)

    return sign_in


@pytest.fixture
def no_ledger(settings: Any, tmp_path: Path, db: None) -> None:
    """A ledger server that nobody can reach."""
    nowhere = {**settings.CACHES["ledger"], "LOCATION": f"unix://{tmp_path}/nobody.sock?db=0"}
    settings.CACHES = {**settings.CACHES, "ledger": nowhere}

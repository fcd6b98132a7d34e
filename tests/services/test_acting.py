"""The trail: a row for each act, and a line in the log once the row is there for good."""

import logging
from typing import Any

import pytest
from django.db import transaction

from sales.models import Account, TrailEntry
from sales.services.acting import KEEPER, Actor, write_trail
from tests.conftest import MakeSale


class TestTheTrail:
    @pytest.fixture(autouse=True)
    def _listening(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="sales.services.acting")

    def test_says_in_the_log_what_was_done_by_which_account(
        self, make_sale: MakeSale, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
    ) -> None:
        seller = Account.objects.create_user("seller@example.org", None)
        sale = make_sale(slug="night")

        with django_capture_on_commit_callbacks(execute=True):
            write_trail(by=Actor(who=seller.email, account_pk=seller.pk), act="pause", sale=sale, before={}, after={})

        assert caplog.messages == [f"Trail: pause of night by account {seller.pk}."]

    def test_names_a_program(
        self, caplog: pytest.LogCaptureFixture, db: None, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            write_trail(by=KEEPER, act="revoke_key", before={}, after={"client": "partner"})

        assert caplog.messages == ["Trail: revoke_key of partner by keeper."]

    @pytest.mark.django_db(transaction=True)
    def test_says_nothing_of_what_was_rolled_back(self, caplog: pytest.LogCaptureFixture) -> None:
        with transaction.atomic():
            write_trail(by=KEEPER, act="pause", before={}, after={})
            transaction.set_rollback(True)

        assert (caplog.messages, TrailEntry.objects.count()) == ([], 0)

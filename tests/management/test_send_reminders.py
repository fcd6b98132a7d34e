"""`manage.py send_reminders`: what it says, and when it fails. What is sent to whom: tests/services."""

import os
import signal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from sales.management.commands import send_reminders
from sales.services import reminding
from sales.services.reminding import Sent


def sending(monkeypatch: pytest.MonkeyPatch, *results: Sent | Exception) -> list[Sent | Exception]:
    left = list(results)

    def send_due(**_: Any) -> Sent:
        result = left.pop(0)
        if not left:
            os.kill(os.getpid(), signal.SIGTERM)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(reminding, "send_due", send_due)
    return left


class TestOnce:
    @pytest.mark.django_db
    def test_says_how_many_were_sent(self):
        said = StringIO()

        call_command("send_reminders", stdout=said)

        assert said.getvalue() == "0 sent.\n"

    def test_fails_where_mails_wait(self, monkeypatch):
        monkeypatch.setattr(reminding, "send_due", lambda **_: Sent(sent=2, waiting=1))

        with pytest.raises(CommandError, match="1 wait, because the mail server took nothing: run this again"):
            call_command("send_reminders", stdout=StringIO())

    def test_says_that_the_database_is_away(self, monkeypatch):
        def fail(**_: Any) -> Sent:
            raise OperationalError("gone")

        monkeypatch.setattr(reminding, "send_due", fail)

        with pytest.raises(CommandError, match="The database does not answer as it should: gone"):
            call_command("send_reminders", stdout=StringIO())


class TestTheLoop:
    @pytest.fixture(autouse=True)
    def no_pause(self, monkeypatch):
        monkeypatch.setattr(send_reminders, "PAUSE_SECONDS", 0.0)
        monkeypatch.setattr(send_reminders, "close_old_connections", lambda: None)

    def test_goes_on_until_it_is_told_to_stop(self, monkeypatch):
        left = sending(monkeypatch, Sent(), Sent(sent=1), Sent())
        before = signal.getsignal(signal.SIGTERM)

        call_command("send_reminders", "--loop")

        assert left == []
        assert signal.getsignal(signal.SIGTERM) is before

    def test_outlives_a_database_that_is_away(self, monkeypatch, caplog):
        left = sending(monkeypatch, OperationalError("gone"), Sent())

        call_command("send_reminders", "--loop")

        assert left == []
        assert "Reminders wait for the database: gone" in caplog.text

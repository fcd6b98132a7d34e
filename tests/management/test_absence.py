"""The ledger away as an incident: a real one that is killed, and when it is none."""

from typing import Any

import pytest
from django.db import OperationalError

from sales.live import embedded
from sales.management.absence import AFTER_SECONDS, Absence
from sales.models import Incident
from sales.services import incidents
from sales.services.incidents import IncidentKind, Trouble
from tests.conftest import Servers
from tests.management.keeper_time import Turns, clock, keeper, turns

__all__ = ["clock", "keeper", "turns"]


def away() -> list[bool]:
    """Each incident of a ledger that was away, and whether it still is one."""
    rows = Incident.objects.filter(kind=IncidentKind.LEDGER_AWAY).order_by("pk")
    return [row.ended_at is None for row in rows]


@pytest.mark.django_db(transaction=True)
class TestLedgerThatIsKilled:
    def test_is_an_incident_until_it_is_back(self, own_servers: Servers, key_prefix: str, turns: Turns) -> None:
        turns()
        own_servers.ledger.kill()

        turns(AFTER_SECONDS + 1)
        assert away() == [True]
        turns(AFTER_SECONDS + 1)
        assert away() == [True]

        with embedded.start(server=own_servers.ledger.server):
            turns(1)

            assert away() == [False]

    def test_is_none_where_it_is_back_at_once(self, own_servers: Servers, key_prefix: str, turns: Turns) -> None:
        turns()
        own_servers.ledger.kill()
        turns(AFTER_SECONDS - 1)
        with embedded.start(server=own_servers.ledger.server):
            turns(2)

            assert away() == []

    def test_leaves_the_other_incidents_open(self, own_servers: Servers, key_prefix: str, turns: Turns) -> None:
        turns()
        incidents.begin(Trouble(kind=IncidentKind.DEAD_LETTER, text="One was refused."))
        own_servers.ledger.kill()

        turns(AFTER_SECONDS + 1)

        assert Incident.objects.get(kind=IncidentKind.DEAD_LETTER).ended_at is None


@pytest.mark.django_db
class TestAbsence:
    def test_that_comes_and_goes_begins_no_incident(self) -> None:
        absence = Absence()

        for second in range(20):
            absence.go_on(now=second)
            if second % 2:
                absence.end()

        assert away() == []

    def test_ends_what_an_earlier_keeper_left_open(self) -> None:
        incidents.begin(Trouble(kind=IncidentKind.LEDGER_AWAY, text="It was away."))

        Absence().end()

        assert away() == [False]

    def test_costs_nothing_while_the_ledger_is_there(self, django_assert_num_queries: Any) -> None:
        absence = Absence()
        absence.end()

        with django_assert_num_queries(0):
            absence.end()

    def test_waits_for_a_database_that_is_away_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        absence = Absence()
        absence.go_on(now=0.0)
        with monkeypatch.context() as nobody:

            def fail(_: Trouble) -> None:
                raise OperationalError("the database system is shutting down")

            nobody.setattr(incidents, "begin", fail)
            absence.go_on(now=AFTER_SECONDS)

        absence.go_on(now=AFTER_SECONDS + 1)

        assert away() == [True]

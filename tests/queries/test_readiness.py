"""Whether shoppers may be sent here, check by check."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from sales.conf import WithoutCache
from sales.domain.states import SaleState
from sales.models import Incident, LedgerServer
from sales.queries import catalogue, readiness
from sales.queries.readiness import Check
from tests.conftest import MakeSale, Servers


def look() -> dict[str, Check]:
    return {check.name: check for check in readiness.look()}


class TestReadiness:
    def test_is_well_with_a_proven_ledger_a_keeper_and_both_servers(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        make_sale(published=True)
        LedgerServer.objects.update(keeper_seen_at=timezone.now())

        assert {name: check.ok for name, check in look().items()} == {
            "ledger": True,
            "database": True,
            "keeper": True,
            "cache": True,
        }

    def test_wants_a_ledger_that_was_proven(self, live: Servers, db: None) -> None:
        assert look()["ledger"].says == "The ledger has not been proven yet; a keeper does that."

    def test_sees_a_ledger_server_that_was_started_anew(self, own_servers: Servers, db: None, key_prefix: str) -> None:
        LedgerServer.objects.create(name=LedgerServer.THE_LEDGER, epoch=1, proven_at=timezone.now())

        assert "since it was started" in look()["ledger"].says

    def test_sees_a_ledger_that_is_away(self, own_servers: Servers, db: None, key_prefix: str) -> None:
        LedgerServer.objects.create(name=LedgerServer.THE_LEDGER, epoch=1, proven_at=timezone.now())

        own_servers.ledger.stop()

        assert look()["ledger"].says.startswith("The ledger does not answer. Its server's log says why")

    def test_names_a_sale_that_is_not_proven(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED)

        assert look()["ledger"].says == f"Sale {sale.slug}: the ledger answers NO_LEDGER."

    def test_says_what_an_incident_says(self, proven: LedgerServer) -> None:
        Incident.objects.create(kind="ledger_unfit", text="The ledger server would forget purchases.")
        Incident.objects.create(kind="dead_letter", text="Somebody must look, but sales go on.")

        assert look()["ledger"].says == "The ledger server would forget purchases."

    def test_misses_a_keeper_that_was_not_seen_for_long(self, proven: LedgerServer) -> None:
        assert look()["keeper"].says == "No keeper has been seen yet."
        LedgerServer.objects.update(keeper_seen_at=timezone.now() - timedelta(seconds=11))

        assert look()["keeper"].says.startswith("The keeper was last seen at")

    @pytest.mark.parametrize(("policy", "needed"), [(WithoutCache.ALLOW, False), (WithoutCache.REFUSE, True)])
    def test_needs_the_cache_server_where_nothing_is_sold_without_it(
        self, own_servers: Servers, db: None, settings: Any, policy: WithoutCache, needed: bool
    ) -> None:
        settings.SALES = replace(settings.SALES, limits=replace(settings.SALES.limits, without_cache=policy))

        own_servers.cache.stop()

        check = look()["cache"]
        assert (check.ok, check.needed) == (False, needed)

    def test_can_tell_of_the_ledger_while_the_database_is_away(
        self, proven: LedgerServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        catalogue.refresh()

        def away(*_args: object, **_fields: object) -> None:
            raise OperationalError("away")

        monkeypatch.setattr(LedgerServer.objects, "filter", away)

        checks = look()
        assert (checks["database"].ok, checks["keeper"].ok, checks["ledger"].ok) == (False, False, True)

"""GET /health and GET /ready, as probes ask them."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from sales.conf import WithoutCache
from sales.models import LedgerServer, Sale
from sales.queries import readiness
from sales.queries.readiness import Check
from tests.api.conftest import Api


class TestHealth:
    def test_is_ok_whatever_else_is_wrong(self, api: Api) -> None:
        said = api.get("/health")

        assert said.status == 200
        assert said.text == f'{{"status":"OK","timestamp":"{said.body["timestamp"]}"}}'


class TestReady:
    def test_is_200_with_every_check(self, api: Api, sale: Sale) -> None:
        LedgerServer.objects.update(keeper_seen_at=timezone.now())

        said = api.get("/ready")

        assert (said.status, said.body["status"]) == (200, "ready")
        assert list(said.body["checks"]) == ["ledger", "database", "keeper", "cache"]

    def test_is_503_and_says_what_is_missing(self, api: Api, sale: Sale) -> None:
        said = api.get("/ready")

        assert (said.status, said.body["status"]) == (503, "not ready")
        assert said.body["checks"]["keeper"] == {"ok": False, "says": "No keeper has been seen yet."}
        assert int(said.headers["Retry-After"]) > 0

    @pytest.mark.parametrize(("policy", "status"), [(WithoutCache.ALLOW, 200), (WithoutCache.REFUSE, 503)])
    def test_does_not_count_what_is_not_needed(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, settings: Any, policy: WithoutCache, status: int
    ) -> None:
        settings.SALES = replace(settings.SALES, limits=replace(settings.SALES.limits, without_cache=policy))
        needed = policy is WithoutCache.REFUSE
        checks = (Check(name="ledger", ok=True, says=""), Check(name="cache", ok=False, says="", needed=needed))
        monkeypatch.setattr(readiness, "look", lambda: checks)

        assert api.get("/ready").status == status

"""What the API says while a server is away, frozen, unproven or of an old epoch: 503 with Retry-After, never 500."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django_redis import get_redis_connection

from sales.answers import wire
from sales.domain.states import SaleState
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import LedgerServer, Sale
from sales.queries import catalogue
from tests.api.conftest import Api, Said, shopper
from tests.conftest import EPOCH, MakeSale, Servers


def ask_everything(api: Api, sale: Sale) -> dict[str, Said]:
    """Ask every URL that asks the ledger."""
    order_id = str(uuid4())
    return {
        "purchase": api.buy("user123", sale),
        "keyed purchase": api.buy("user123", sale, key="k"),
        "confirm": api.act("confirm", "user123", sale, order_id),
        "release": api.act("release", "user123", sale, order_id),
        "extend": api.act("extend", "user123", sale, order_id),
        "look-up": api.look_up("user123", sale),
        "status": api.status(sale),
        "sales": api.get("/api/flashsale/sales"),
    }


def assert_all_undecided(answers: dict[str, Said]) -> None:
    for name, said in answers.items():
        assert said.status == 503, (name, said.text)
        assert list(said.body) == ["error"], name
        assert int(said.headers["Retry-After"]) > 0, name


@pytest.fixture
def own_sale(own_servers: Servers, key_prefix: str, db: None, make_sale: MakeSale) -> Sale:
    """A sale on servers that this test may stop."""
    with Line() as line:
        line.load_scripts()
        LedgerServer.objects.create(
            name=LedgerServer.THE_LEDGER, run_id=line.run_id(), epoch=EPOCH, proven_at=datetime.now(UTC)
        )
    return make_sale(published=True)


class TestLedger:
    def test_that_is_away_decides_nothing(self, api: Api, own_servers: Servers, own_sale: Sale) -> None:
        own_servers.ledger.stop()

        answers = ask_everything(api, own_sale)

        assert_all_undecided(answers)
        assert answers["purchase"].body["error"] == wire.CANNOT_BE_ASKED

    def test_that_is_frozen_is_not_waited_for_long(self, api: Api, own_servers: Servers, own_sale: Sale) -> None:
        os.kill(own_servers.ledger.pid, signal.SIGSTOP)
        try:
            began_at = time.monotonic()
            said = api.buy("user123", own_sale)
            took = time.monotonic() - began_at
        finally:
            os.kill(own_servers.ledger.pid, signal.SIGCONT)

        assert (said.status, said.body["error"]) == (503, wire.MAY_HAVE_HAPPENED)
        assert took < 2.5

    def test_that_has_no_scripts_is_not_proven(self, api: Api, own_servers: Servers, own_sale: Sale) -> None:
        get_redis_connection("ledger").script_flush()

        assert_all_undecided(ask_everything(api, own_sale))

    def test_that_lost_the_sale_decides_nothing(self, api: Api, proven: LedgerServer, make_sale: MakeSale) -> None:
        assert_all_undecided(ask_everything(api, make_sale(state=SaleState.PUBLISHED)))

    def test_that_contradicts_itself_decides_nothing(self, api: Api, sale: Sale) -> None:
        get_redis_connection("ledger").hdel(SaleKeys.of(sale.pk).meta, "sold")

        assert_all_undecided(ask_everything(api, sale))

    @pytest.mark.parametrize("name", ["meta", "shoppers", "keys", "returned", "deadlines", "events"])
    def test_with_a_key_of_another_type_is_never_an_error_of_ours(self, api: Api, sale: Sale, name: str) -> None:
        api.buy("user123", sale, key="k")
        key = getattr(SaleKeys.of(sale.pk), name)
        get_redis_connection("ledger").delete(key)
        get_redis_connection("ledger").set(key, "text")

        assert {said.status for said in ask_everything(api, sale).values()} <= {200, 400, 404, 503}

    @pytest.mark.parametrize("order", ["!" * 22, "é" * 11, "\0" * 22, "A" * 21 + "B"])
    @pytest.mark.parametrize("state", ["b00", "h00", "c00", "zzz", "b-1"])
    def test_with_a_damaged_entry_is_never_an_error_of_ours(self, api: Api, sale: Sale, order: str, state: str) -> None:
        entry = f"{state}0000001{2:010}{1_795_323_660_000}{9_795_323_660_000}{order}"
        get_redis_connection("ledger").hset(SaleKeys.of(sale.pk).shoppers, f"{shopper('user123')}/1", entry)

        assert {said.status for said in ask_everything(api, sale).values()} <= {200, 400, 404, 503}

    def test_of_an_old_epoch_decides_nothing(self, api: Api, sale: Sale) -> None:
        LedgerServer.objects.update(epoch=EPOCH + 1)

        assert_all_undecided(ask_everything(api, sale))

    def test_of_a_new_epoch_is_asked_again_at_once(self, api: Api, sale: Sale, settings: Any) -> None:
        settings.SALES = replace(settings.SALES, catalogue_max_age_ms=60_000)
        api.status(sale)
        LedgerServer.objects.update(epoch=EPOCH + 1)
        connection.run(ledger.stamp(sale=sale.pk, old_epoch=EPOCH, new_epoch=EPOCH + 1))
        assert catalogue.epoch() == EPOCH

        assert api.buy("user123", sale).status == 200
        assert catalogue.epoch() == EPOCH + 1

    def test_that_sells_again_is_believed_again(self, api: Api, own_servers: Servers, own_sale: Sale) -> None:
        get_redis_connection("ledger").script_flush()
        assert api.buy("user123", own_sale).status == 503

        with Line() as line:
            line.load_scripts()

        assert api.buy("user123", own_sale).status == 200


class TestDatabase:
    @pytest.fixture
    def database_away(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """Take the database away from whoever reads sales, epoch or orders."""

        def take() -> None:
            def away(*_args: object, **_fields: object) -> None:
                raise OperationalError("away")

            monkeypatch.setattr(LedgerServer.objects, "filter", away)

        return take

    def test_that_is_away_does_not_stop_the_sale(self, api: Api, sale: Sale, database_away: Callable[[], None]) -> None:
        api.status(sale)

        database_away()

        assert api.buy("user123", sale).status == 200
        assert api.look_up("user123", sale).body["purchase"]["status"] == "pending"

    def test_that_was_never_reached_leaves_everything_undecided(
        self, api: Api, sale: Sale, database_away: Callable[[], None]
    ) -> None:
        database_away()

        assert_all_undecided(ask_everything(api, sale))

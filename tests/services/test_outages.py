"""After an outage: holds get the lost time back, and a replica that took over is not believed."""

import time
from pathlib import Path
from typing import Any

import pytest
import redis

from sales.domain.outcomes import Outcome
from sales.live import connection, embedded, ledger
from sales.live.keys import SaleKeys
from sales.live.line import LedgerUnavailable, Line
from sales.services import fencing, reconciling
from tests.conftest import MakeSale, Servers
from tests.running_demo import free_port
from tests.selling import ask_for_unit, buy, hold, in_ledger, raw
from tests.services.test_fencing import prove, published, restart

__all__ = ["restart"]
pytestmark = pytest.mark.django_db


class TestHoldsAfterAnOutage:
    def test_get_the_time_back_that_it_took(self, restart: Any, make_sale: MakeSale) -> None:
        prove()
        sale = published(make_sale, hold_seconds=60, stock=5)
        held, due = hold(sale, "u:1"), hold(sale, "u:2")
        assert held.entry
        assert due.entry
        keys = SaleKeys.of(sale.pk)
        back_ms = 100_000  # as if the ledger had been away for so long
        raw().hincrby(keys.meta, "clock_ms", -back_ms)
        for holder, entry, at_ms in (("u:1/1", held.entry, held.entry.at_ms - back_ms), ("u:2/1", due.entry, 5)):
            text = raw().hget(keys.shoppers, holder)
            raw().hset(keys.shoppers, holder, text.replace(b"%013d" % entry.at_ms, b"%013d" % at_ms))
            raw().zadd(keys.deadlines, {holder: at_ms})
        restart()

        assert prove().troubles == ()

        entry = connection.run(ledger.find(sale=sale.pk, epoch=2, shopper="u:1")).entries[0]
        assert held.entry.at_ms <= entry.at_ms < held.entry.at_ms + 30_000
        assert raw().zscore(keys.deadlines, "u:1/1") == entry.at_ms
        assert raw().zscore(keys.deadlines, "u:2/1") == 5
        call = ledger.confirm(sale=sale.pk, epoch=2, shopper="u:1", order_id=entry.order_id)
        assert connection.run(call).outcome is Outcome.BOUGHT

    def test_are_moved_once_however_often_the_proof_begins_anew(
        self, restart: Any, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prove()
        sale = published(make_sale, hold_seconds=60)
        held = hold(sale, "u:1")
        assert held.entry
        restart()
        stamp = ledger.stamp

        def die(**_: Any) -> Any:
            raise LedgerUnavailable

        for _ in range(3):
            monkeypatch.setattr(ledger, "stamp", die)
            with pytest.raises(LedgerUnavailable):
                prove()
        monkeypatch.setattr(ledger, "stamp", stamp)
        prove()

        entry = connection.run(ledger.find(sale=sale.pk, epoch=2, shopper="u:1")).entries[0]
        away_ms = in_ledger(sale, epoch=2).now_ms - held.now_ms
        assert held.entry.at_ms < entry.at_ms <= held.entry.at_ms + away_ms


class TestPromotedReplica:
    """The end of what was sold may not have reached it."""

    @pytest.fixture
    def promote(self, own_servers: Servers, key_prefix: str, tmp_path: Path, settings: Any) -> Any:
        running: list[embedded.RunningServer] = []

        def now() -> None:
            port_of_replica = free_port()
            server = embedded.Server(role=embedded.ServerRole.LEDGER, folder=tmp_path / "replica", port=port_of_replica)
            # The primary has to be reached over TCP.
            raw().config_set("port", port := free_port())
            raw().config_set("repl-diskless-sync-delay", 0)  # it waits five seconds for more replicas otherwise
            running.append(embedded.start(server=server))
            replica = redis.Redis(port=port_of_replica)
            replica.replicaof("127.0.0.1", port)
            while replica.info("replication")["master_link_status"] != "up":
                time.sleep(0.01)
            assert raw().execute_command("WAIT", 1, 5_000) == 1
            replica.replicaof("NO", "ONE")
            replica.config_set("appendfsync", "always")
            replica.close()
            settings.CACHES = {**settings.CACHES, "ledger": {**settings.CACHES["ledger"], "LOCATION": server.url}}

        yield now
        for server in running:
            server.kill()

    def test_is_not_believed_though_its_stream_looks_complete(self, promote: Any, make_sale: MakeSale) -> None:
        prove()
        sale, unopened = published(make_sale), published(make_sale, opens_in=600)
        buy(sale, "u:1")
        promote()

        proof = prove()

        assert [trouble.sale_pk for trouble in proof.troubles] == [sale.pk]
        assert "was a replica before" in proof.troubles[0].text
        assert ask_for_unit(sale, "u:2", epoch=2).outcome is Outcome.STALE_EPOCH
        assert ask_for_unit(unopened, "u:2", epoch=2).outcome is Outcome.UPCOMING
        with Line() as line:
            assert not reconciling.reconcile(line=line, sale_pk=sale.pk).ok
            done = reconciling.reconcile(line=line, sale_pk=sale.pk, accept_loss=True)
        assert done.ok
        assert in_ledger(sale, epoch=fencing.epoch()).first_seq > 1_000_000
        buy(sale, "u:2", epoch=fencing.epoch())

    def test_is_another_run_though_it_was_proven_before_it_became_a_replica(
        self, own_servers: Servers, key_prefix: str
    ) -> None:
        prove()
        with Line() as line:
            proof = fencing.prove_and_load(line=line)
            raw().replicaof("127.0.0.1", "1")
            raw().replicaof("NO", "ONE")

            assert not fencing.stands(line=line, proof=proof)
            assert fencing.prove_and_load(line=line).epoch == 2

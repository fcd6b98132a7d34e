"""The fence: who may load scripts, when, and which sales sell after that."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db.models import F

from sales.domain.outcomes import Outcome
from sales.domain.states import SaleState
from sales.live import embedded
from sales.live.keys import SaleKeys
from sales.live.line import LedgerUnavailable, Line, Lineage
from sales.models import LedgerServer, Order, Sale
from sales.services import fencing, lifecycle
from sales.services.acting import KEEPER
from sales.services.incidents import IncidentKind
from tests.conftest import MakeSale, Servers
from tests.selling import ask_for_unit, buy, in_ledger, raw

pytestmark = pytest.mark.django_db


def prove(pause: Callable[[float], None] = lambda _seconds: None) -> fencing.Proof:
    with Line() as line:
        return fencing.prove_and_load(line=line, pause=pause)


def published(make_sale: MakeSale, **fields: Any) -> Sale:
    return lifecycle.publish(sale_pk=make_sale(**fields).pk, by=KEEPER).sale


@pytest.fixture
def restart(own_servers: Servers, key_prefix: str) -> Any:
    """Kill the ledger server and start it again on what it has on disk."""
    running = [own_servers.ledger]

    def again(*extra: str) -> None:
        running[-1].kill()
        running.append(embedded.start(server=own_servers.ledger.server, extra=extra))

    yield again
    running[-1].kill()


class TestFirstStart:
    def test_begins_epoch_one_and_loads(self, own_servers: Servers, key_prefix: str) -> None:
        proof = prove()

        row = LedgerServer.objects.get()
        with Line() as line:
            assert (row.run_id, row.epoch, row.proven_at is not None) == (line.run_id(), 1, True)
            assert line.has_scripts()
        assert (proof.loaded, proof.epoch, proof.troubles) == (True, 1, ())
        assert fencing.epoch() == 1

    def test_of_an_empty_shop_has_no_epoch_before(self) -> None:
        assert fencing.epoch() == 0


class TestSameRun:
    def test_is_loaded_at_once_after_its_scripts_were_flushed(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale
    ) -> None:
        prove()
        sale = published(make_sale)
        raw().script_flush()
        refused = ask_for_unit(sale, "u:1").outcome

        proof = prove()

        assert refused is Outcome.NO_SCRIPT
        assert (proof.loaded, proof.epoch) == (True, 1)
        buy(sale, "u:1")

    def test_is_proven_again_where_a_keeper_died_in_the_middle_of_its_proof(
        self, restart: Any, make_sale: MakeSale
    ) -> None:
        prove()
        sale = published(make_sale)
        restart()
        with Line() as line:
            LedgerServer.objects.update(
                run_id=line.run_id(), replication_id=line.lineage().replication_id, epoch=2, proven_at=None
            )  # and then it died

        proof = prove()

        assert (proof.loaded, proof.epoch, proof.troubles) == (True, 2, ())
        buy(sale, "u:1", epoch=2)


class TestNewRun:
    def test_that_has_everything_records_the_tail_and_sells_on_in_a_new_epoch(
        self, restart: Any, make_sale: MakeSale
    ) -> None:
        prove()
        sale = published(make_sale, stock=3)
        buy(sale, "u:1", "u:2")
        restart()
        refused = ask_for_unit(sale, "u:3").outcome

        proof = prove()

        sale.refresh_from_db()
        assert refused is Outcome.NO_SCRIPT
        assert (proof.loaded, proof.epoch, proof.troubles) == (True, 2, ())
        assert (sale.stream_offset, sale.recorded, sale.ledger_epoch) == (3, 2, 2)
        assert ask_for_unit(sale, "u:3", epoch=1).outcome is Outcome.STALE_EPOCH
        buy(sale, "u:3", epoch=2)
        assert ask_for_unit(sale, "u:4", epoch=2).outcome is Outcome.SOLD_OUT

    def test_does_not_keep_up_the_sales_that_are_proven(self, restart: Any, make_sale: MakeSale) -> None:
        prove()
        published(make_sale)
        restart()
        waited: list[float] = []

        prove(pause=waited.append)

        assert waited == []

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda keys, _sale: raw().delete(keys.meta), "NO_LEDGER"),
            (lambda keys, _sale: raw().hdel(keys.meta, "stock"), "CORRUPT"),
            (lambda keys, _sale: raw().hincrby(keys.meta, "sold", 1), "contradict each other"),
            (lambda keys, _sale: raw().delete(keys.events), "contradict each other"),
            (lambda keys, _sale: raw().xdel(keys.events, "2-0"), "Event 2 is missing"),
            (lambda _keys, sale: Sale.objects.filter(pk=sale.pk).update(stream_offset=9), "the record at 9 already"),
            (lambda keys, _sale: raw().hset(keys.meta, "epoch", 8), "epoch 8, the database only of 2"),
        ],
        ids=["no meta", "a field missing", "sums wrong", "no stream", "a gap", "behind the record", "a later epoch"],
    )
    def test_that_has_not_leaves_that_sale_fenced_while_the_others_sell(
        self, restart: Any, make_sale: MakeSale, spoil: Callable[[SaleKeys, Sale], object], why: str
    ) -> None:
        prove()
        lost, other = published(make_sale), published(make_sale)
        buy(lost, "u:1", "u:2")
        restart()
        spoil(SaleKeys.of(lost.pk), lost)
        waited: list[float] = []

        proof = prove(pause=waited.append)

        (trouble,) = proof.troubles
        assert (trouble.kind, trouble.sale_pk) == (IncidentKind.SALE_UNPROVEN, lost.pk)
        assert why in trouble.text
        assert proof.loaded
        assert ask_for_unit(lost, "u:3", epoch=2).outcome in {
            Outcome.STALE_EPOCH, Outcome.NO_LEDGER, Outcome.CORRUPT
        }  # fmt: skip
        buy(other, "u:3", epoch=2)
        # Web processes must have forgotten the old epoch before the scripts that would believe it are there.
        assert waited == [pytest.approx(1.1)]

    def test_that_is_empty_fences_every_sale_that_it_had(self, restart: Any, make_sale: MakeSale) -> None:
        prove()
        sale = published(make_sale)
        buy(sale, "u:1")
        raw().flushall()  # a server of this test's own
        restart()

        proof = prove()

        assert [trouble.sale_pk for trouble in proof.troubles] == [sale.pk]
        assert ask_for_unit(sale, "u:2", epoch=2).outcome is Outcome.NO_LEDGER

    def test_has_nothing_against_a_sale_that_the_ledger_never_had(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale
    ) -> None:
        make_sale(state=SaleState.PUBLISHED, state_number=1)

        assert prove().troubles == ()

    def test_leaves_no_script_behind_where_the_line_breaks_before_the_end(
        self, restart: Any, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prove()
        sale = published(make_sale)
        restart()

        def break_then_ask() -> None:
            line.close()
            line.ask("PING")

        with Line() as line:
            monkeypatch.setattr(line, "load_scripts", break_then_ask)
            with pytest.raises(LedgerUnavailable):
                fencing.prove_and_load(line=line)

        assert LedgerServer.objects.get().proven_at is None
        assert ask_for_unit(sale, "u:1", epoch=2).outcome is Outcome.NO_SCRIPT
        assert prove().epoch == 2
        buy(sale, "u:1", epoch=2)


class TestUnprovenSale:
    def test_is_shut_in_its_own_numbers_for_whoever_still_has_the_old_epoch(
        self, restart: Any, make_sale: MakeSale
    ) -> None:
        """A web process that cannot reach the database keeps its catalogue, and would sell in the old epoch."""
        prove()
        sale = published(make_sale)
        buy(sale, "u:1", "u:2")
        restart()
        raw().xdel(SaleKeys.of(sale.pk).events, "2-0")

        prove()

        assert ask_for_unit(sale, "u:3", epoch=1).outcome is Outcome.STALE_EPOCH


class TestUnfitServer:
    @pytest.mark.parametrize(
        ("name", "value"),
        [("appendfsync", "everysec"), ("appendonly", "no"), ("maxmemory-policy", "allkeys-lru")],
    )
    def test_is_not_loaded_and_the_reason_names_the_setting(
        self, own_servers: Servers, key_prefix: str, name: str, value: str
    ) -> None:
        raw().config_set(name, value)

        proof = prove()

        (trouble,) = proof.troubles
        assert (proof.loaded, trouble.kind) == (False, IncidentKind.LEDGER_UNFIT)
        assert f"{name} is {value} and must be" in trouble.text
        with Line() as line:
            assert not line.has_scripts()
        assert not LedgerServer.objects.exists()

    def test_is_looked_at_again(self, own_servers: Servers, key_prefix: str) -> None:
        raw().config_set("appendfsync", "everysec")
        prove()
        raw().config_set("appendfsync", "always")

        assert prove().loaded

    def test_a_replica_is_none_to_sell_on(self, own_servers: Servers, key_prefix: str) -> None:
        raw().replicaof("127.0.0.1", "1")

        proof = prove()

        assert "is a replica" in proof.troubles[0].text


class TestHolds:
    def test_as_long_as_run_epoch_and_scripts_are_the_proven_ones(self, own_servers: Servers, key_prefix: str) -> None:
        with Line() as line:
            proof = fencing.prove_and_load(line=line)

            assert fencing.stands(line=line, proof=proof)
            raw().script_flush()
            assert not fencing.stands(line=line, proof=proof)

    def test_no_longer_once_another_run_was_proven(self, own_servers: Servers, key_prefix: str) -> None:
        with Line() as line:
            proof = fencing.prove_and_load(line=line)
            LedgerServer.objects.update(run_id="another", epoch=2)

            assert not fencing.stands(line=line, proof=proof)


def careless_raise(_run_id: str, _lineage: Lineage) -> None:
    """The broken twin of the conditional update: whoever proves raises."""
    LedgerServer.objects.update(run_id=_run_id, epoch=F("epoch") + 1, proven_at=None)


@pytest.mark.django_db(transaction=True)
class TestTwoKeepersAtOneProof:
    def prove_together(self) -> None:
        together = threading.Barrier(2)

        def one() -> None:
            with Line() as line:
                together.wait()
                fencing.prove_and_load(line=line)
            database.close()

        threads = [threading.Thread(target=one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_raise_the_epoch_once(self, restart: Any, make_sale: MakeSale) -> None:
        prove()
        sale = published(make_sale)
        buy(sale, "u:1")
        restart()

        self.prove_together()

        assert fencing.epoch() == 2
        assert in_ledger(sale, epoch=2).outcome is Outcome.FOUND
        assert Order.objects.count() == 1

    def test_the_careless_twin_raises_it_twice(
        self, restart: Any, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prove()
        restart()
        monkeypatch.setattr(fencing, "_raise_epoch", careless_raise)
        monkeypatch.setattr(fencing, "_is_proven", lambda *_: False)

        self.prove_together()

        assert fencing.epoch() == 3

"""Disks in trouble: a ledger killed while its fsync is slow, a ledger that cannot write, a record that cannot write.

A full disk is one on which files may not grow: that needs no mount, and holds for root, too.
"""

import itertools
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection as database

from sales.answers import wire
from sales.conf import LedgerRisk
from sales.domain.outcomes import UNDECIDED, Outcome
from sales.live import embedded
from sales.live.results import Taken
from sales.models import DeadLetter, Incident, Order, Sale
from sales.queries import readiness
from sales.services import fencing, lifecycle
from sales.services.acting import KEEPER
from tests.api.conftest import Api, api, at_once
from tests.conftest import MakeSale, Servers
from tests.faults.processes import wait_until
from tests.faults.test_points import Start, start
from tests.management.keeper_time import Turns, clock, keeper, turns
from tests.selling import ask_for_unit, buy, raw
from tests.services.test_fencing import restart

__all__ = ["api", "at_once", "clock", "keeper", "restart", "start", "turns"]
SLEEP_MICROSECONDS = 150_000
SHOPPERS_AT_ONCE = 8
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Rush:
    """Shoppers who buy from threads of their own until they are told to go home."""

    sale: Sale
    epoch: int
    told: list[tuple[str, UUID, Taken]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    accepted: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def shop(self) -> None:
        while not self.over.is_set():
            shopper, order_id = f"u:{next(self._numbers)}", uuid4()
            taken = ask_for_unit(self.sale, shopper, epoch=self.epoch, order_id=order_id)
            self.told.append((shopper, order_id, taken))
            if taken.outcome is Outcome.BOUGHT:
                self.accepted.release()
            else:
                return

    def of(self, *outcomes: Outcome) -> dict[UUID, str]:
        return {order_id: shopper for shopper, order_id, taken in self.told if taken.outcome in outcomes}


@contextmanager
def rush(sale: Sale) -> Iterator[Rush]:
    """Let them in for the length of a `with` block."""
    crowd = Rush(sale, fencing.epoch())
    threads = [threading.Thread(target=crowd.shop) for _ in range(SHOPPERS_AT_ONCE)]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.over.set()
        for thread in threads:
            thread.join()


@contextmanager
def full_disk(pid: int, *, most_bytes: int) -> Iterator[None]:
    """Let no file grow beyond this that the process writes."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have ended of it
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def log_of(servers: Servers) -> str:
    return embedded.log_tail(path=servers.ledger.server.folder / embedded.LOG_NAME)


def append_only_bytes(folder: Path) -> int:
    return max(path.stat().st_size for path in (folder / "appendonlydir").glob("*.incr.aof"))


@pytest.mark.django_db
@pytest.mark.usefixtures("key_prefix")
class TestSlowFsync:
    def test_loses_nothing_that_was_accepted_when_the_ledger_is_killed(
        self, own_servers: Servers, make_sale: MakeSale, turns: Turns, restart: Any, api: Api
    ) -> None:
        restart("--enable-debug-command", "local")
        turns()
        sale = lifecycle.publish(sale_pk=make_sale(stock=500).pk, by=KEEPER).sale
        pid = embedded.answering_pid(server=own_servers.ledger.server)
        assert pid
        raw().execute_command("DEBUG", "AOF-FLUSH-SLEEP", SLEEP_MICROSECONDS)
        with rush(sale) as crowd:
            for _ in range(2 * SHOPPERS_AT_ONCE):
                assert crowd.accepted.acquire(timeout=PATIENCE_SECONDS)
            os.kill(pid, 9)
            away = api.buy("late", sale)
        accepted, unknown = crowd.of(Outcome.BOUGHT), crowd.of(*UNDECIDED)
        turns(3)
        assert (away.status, int(away.headers["Retry-After"]) > 0) == (503, True)

        restart()
        turns(3)
        recorded = set(Order.objects.values_list("order_id", flat=True))
        again = [
            ask_for_unit(sale, shopper, epoch=fencing.epoch(), order_id=order_id).outcome
            for order_id, shopper in unknown.items()
        ]
        turns(3)

        assert accepted.keys() <= recorded <= accepted.keys() | unknown.keys()
        # A shop that said accepted before it is on disk would have lost these: the kill came while they were written.
        assert unknown.keys() - recorded
        assert set(again) <= {Outcome.BOUGHT, Outcome.ALREADY, Outcome.SAME}
        assert Order.objects.count() == len(accepted) + len(unknown)
        assert sorted(Order.objects.values_list("unit", flat=True)) == list(range(1, Order.objects.count() + 1))
        assert api.buy("late", sale).status == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("key_prefix")
class TestFullDiskOfTheLedger:
    def test_sells_nothing_says_why_and_sells_on_when_there_is_room(
        self, own_servers: Servers, make_sale: MakeSale, turns: Turns, restart: Any, api: Api
    ) -> None:
        folder = own_servers.ledger.server.folder
        turns()
        sale = lifecycle.publish(sale_pk=make_sale(stock=9).pk, by=KEEPER).sale
        assert api.buy("early", sale).status == 200
        with full_disk(own_servers.ledger.pid, most_bytes=append_only_bytes(folder)):
            refused = api.buy("late", sale)
            assert own_servers.ledger.process.wait(timeout=PATIENCE_SECONDS) == 1
        turns(3)
        ready = {check.name: check for check in readiness.look()}["ledger"]
        said = log_of(own_servers)

        restart()
        pid = embedded.answering_pid(server=own_servers.ledger.server)
        assert pid
        with full_disk(pid, most_bytes=append_only_bytes(folder)):
            turns(3)  # it is up again, and the disk is still full: not even the new epoch can be written
            still = api.buy("late", sale)
            ended = embedded.answering_pid(server=own_servers.ledger.server) is None
        restart()
        turns(2)

        assert (refused.status, refused.body["error"]) == (503, wire.MAY_HAVE_HAPPENED)
        assert (ready.ok, "cannot write to its disk" in ready.says) == (False, True)
        assert "AOF" in said
        assert (still.status, ended) == (503, True)
        assert [order.shopper for order in Order.objects.all()] == ["x:demo:early"]
        assert api.buy("late", sale).body["unit"] == 2
        assert all(check.ok for check in readiness.look())

    def test_is_told_of_by_a_server_that_goes_on_without_it(
        self, own_servers: Servers, make_sale: MakeSale, turns: Turns, api: Api, settings: Any
    ) -> None:
        """One that saves each second does not end: it refuses what writes, until it can."""
        settings.SALES = replace(settings.SALES, ledger_risk=LedgerRisk.ACCEPT_1S)
        raw().config_set("appendfsync", "everysec")
        turns()
        sale = lifecycle.publish(sale_pk=make_sale(stock=9).pk, by=KEEPER).sale
        with full_disk(own_servers.ledger.pid, most_bytes=append_only_bytes(own_servers.ledger.server.folder)):
            api.buy("early", sale)
            wait_until(lambda: raw().info("persistence")["aof_last_write_status"] == "err")
            refused = api.buy("late", sale)
            turns()
            full = Incident.objects.get(kind="ledger_full")
            ready = {check.name: check for check in readiness.look()}["ledger"]
        wait_until(lambda: raw().info("persistence")["aof_last_write_status"] == "ok")
        turns()

        assert refused.status == 503
        assert (ready.ok, ready.says) == (False, full.text)
        assert "cannot write to its disk" in full.text
        assert Incident.objects.get(kind="ledger_full").ended_at
        assert api.buy("late", sale).status == 200


@contextmanager
def record_that_takes_nothing(keeper_pid: int) -> Iterator[None]:
    """A database that this keeper can read and cannot write: a full disk, or a PostgreSQL that is read-only."""
    if database.vendor == "sqlite":
        with full_disk(keeper_pid, most_bytes=0):
            yield
        return
    with database.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        cursor.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            cursor.execute("ALTER SYSTEM RESET default_transaction_read_only")
            cursor.execute("SELECT pg_reload_conf()")


@pytest.mark.django_db(transaction=True)
class TestFullDiskOfTheRecord:
    def test_is_waited_for_and_nothing_is_lost(self, start: Start, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=9)
        keeper = start()
        buy(sale, "u:1")
        wait_until(lambda: Order.objects.count() == 1, keeper)
        assert keeper.stderr
        with record_that_takes_nothing(keeper.pid):
            buy(sale, "u:2", "u:3")
            said = next(line for line in keeper.stderr if "The keeper waits for the database" in line)
            meanwhile = Order.objects.count()

        wait_until(lambda: Order.objects.count() == 3, keeper)

        assert "Traceback" not in said
        assert meanwhile == 1
        assert sorted(Order.objects.values_list("unit", flat=True)) == [1, 2, 3]
        assert not DeadLetter.objects.exists()
        assert not Incident.objects.exists()

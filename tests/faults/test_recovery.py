"""What was away comes back: a ledger with many buyers sells on, a database gets all that piled up. Real processes."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import batched
from uuid import uuid4

import psycopg
import pytest
from django.db import connection as database
from django.db import transaction
from psycopg import sql

from flashsale_site.environment import PROJECT
from sales.domain.outcomes import Outcome
from sales.domain.states import SaleState
from sales.live import connection, embedded, ledger
from sales.live.line import Line
from sales.models import DeadLetter, Incident, LedgerServer, Order, Sale
from sales.services import comparing, fencing
from tests.conftest import MakeSale, Servers
from tests.management.test_keeper import keeper_environment
from tests.selling import ask_for_unit, buy, drain, in_ledger

AT_ONCE = 200
FEW, MANY = 20, 3_000
SECONDS = 60.0
pytestmark = pytest.mark.django_db(transaction=True)


class RunningKeeper:
    """A keeper process, and what it says."""

    def __init__(self, environment: dict[str, str]) -> None:
        argv = [sys.executable, "manage.py", "keeper"]
        self.process = subprocess.Popen(argv, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True)
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._said.put(line)

    def until_said(self, words: str) -> None:
        """Wait for a line with these words. Raises queue.Empty."""
        while words not in self._said.get(timeout=SECONDS):
            pass

    def until(self, true: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait for it, as long as the keeper runs."""
        until = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None
            assert time.monotonic() < until, "it does not come true"
            time.sleep(0.02)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr
        self.process.stderr.close()


@pytest.fixture
def keeper(own_servers: Servers, settings: object) -> Iterator[RunningKeeper]:
    running = RunningKeeper(keeper_environment(own_servers, "", settings))
    yield running
    running.end()


def sell(sale: Sale, buyers: int, *, first: int = 0) -> None:
    """Let so many shoppers buy as fast as they can."""
    epoch = fencing.epoch()
    for numbers in batched(range(first, first + buyers), AT_ONCE):
        calls = [
            ledger.purchase(sale=sale.pk, epoch=epoch, shopper=f"u:{number}", order_id=uuid4()) for number in numbers
        ]
        assert {taken.outcome for taken in connection.run_many(calls)} == {Outcome.BOUGHT}


def open_sale(make_sale: MakeSale, keeper: RunningKeeper, *, stock: int) -> Sale:
    """Publish on record alone, and wait until the keeper has brought it to the ledger."""
    sale = make_sale(state=SaleState.PUBLISHED, state_number=1, stock=stock)
    keeper.until(lambda: in_ledger(sale, epoch=None).outcome is Outcome.FOUND)
    return sale


def is_on_record(sale: Sale) -> bool:
    seen = in_ledger(sale, epoch=None)
    return seen.recorded_seq == seen.seq == Sale.objects.get(pk=sale.pk).stream_offset


def assert_each_once(sale: Sale, count: int) -> None:
    """So many units are sold, each is one order, and nothing disagrees anywhere."""
    units = list(Order.objects.filter(sale=sale).order_by("unit").values_list("unit", flat=True))
    assert units == list(range(1, count + 1))
    assert Order.objects.filter(sale=sale).values("order_id").distinct().count() == count
    assert Sale.objects.get(pk=sale.pk).recorded == count == in_ledger(sale, epoch=None).sold
    assert not DeadLetter.objects.exists()
    assert not Incident.objects.filter(ended_at=None).exists()
    with Line() as line:
        assert comparing.differences(line=line, sale=Sale.objects.get(pk=sale.pk)) == []


class TestTheCount:
    """The careless twin of both below: a purchase that was accepted and is not on record."""

    def test_notices_what_was_lost(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2", "u:3")
        drain(sale)
        assert_each_once(sale, 3)
        Order.objects.filter(unit=2).delete()

        with pytest.raises(AssertionError):
            assert_each_once(sale, 3)


class TestLedgerWithManyBuyers:
    @pytest.mark.parametrize(
        "buyers", [600, pytest.param(100_000, marks=[pytest.mark.campaign, pytest.mark.timeout(1_200)])]
    )
    def test_sells_on_after_it_was_killed_and_has_lost_nothing(
        self, own_servers: Servers, keeper: RunningKeeper, make_sale: MakeSale, buyers: int
    ) -> None:
        sale = open_sale(make_sale, keeper, stock=buyers + 1)
        sell(sale, buyers)
        before = fencing.epoch()

        own_servers.ledger.kill()  # while the keeper is still recording
        with embedded.start(server=own_servers.ledger.server):
            keeper.until(
                lambda: ask_for_unit(sale, "u:last", epoch=fencing.epoch()).outcome is Outcome.BOUGHT,
                seconds=SECONDS + buyers / 500,
            )
            keeper.until(lambda: is_on_record(sale), seconds=SECONDS + buyers / 500)

            assert fencing.epoch() == before + 1
            assert ask_for_unit(sale, "u:another", epoch=fencing.epoch()).outcome is Outcome.SOLD_OUT
            assert_each_once(sale, buyers + 1)


@contextmanager
def database_away() -> Iterator[None]:
    """Let nobody else write, until the block ends.

    SQLite: somebody writes and comes to no end; who wants to write, too, fails after five seconds. PostgreSQL: every
    other connection is cut, and no new one is let in.
    """
    if database.vendor == "sqlite":
        with transaction.atomic():
            yield
        return
    name = sql.Identifier(str(database.settings_dict["NAME"]))
    with psycopg.connect(os.environ["TEST_DATABASE_URL"], autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            with database.cursor() as ours:
                ours.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


class TestDatabaseAway:
    def test_is_drained_when_it_is_back_and_nothing_is_lost(
        self, own_servers: Servers, keeper: RunningKeeper, make_sale: MakeSale
    ) -> None:
        sale = open_sale(make_sale, keeper, stock=9_999)
        sell(sale, FEW)
        keeper.until(lambda: is_on_record(sale))

        with database_away():
            keeper.until_said("The keeper waits for the database")
            sell(sale, MANY, first=FEW)
            assert Order.objects.count() == FEW
        keeper.until_said("Ledger and database are back.")
        keeper.until(lambda: is_on_record(sale))

        assert_each_once(sale, FEW + MANY)

"""Faults between the processes and PostgreSQL: the sale goes on, and all of it gets on record once they are over."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import close_old_connections, connection

from sales.management import database_deadline
from sales.management.keeping import Keeper
from sales.models import LedgerServer, Order, Sale
from tests.conftest import MakeSale
from tests.faults.installation import address_of, installed
from tests.faults.proxy import Doing, Proxy, Rule
from tests.faults.story import LOST_ANSWER, Rules, Story
from tests.selling import buy

NAME = "partitions"
OLD_SECONDS = 1.1  # by then a web process wants to read its list of sales anew
BROKEN = [
    pytest.param(LOST_ANSWER, id="answers lost"),
    pytest.param({"requests": Rule(Doing.HOLD)}, id="requests delivered when healed"),
    pytest.param({"requests": Rule(Doing.RESET)}, id="reset"),
    pytest.param({"replies": Rule(Doing.CUT)}, id="answers cut"),
]
pytestmark = pytest.mark.timeout(180)


@contextmanager
def database() -> Iterator[str]:
    """Make a database on the server of the test run, yield its URL, and remove it."""
    server = os.environ["TEST_DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as postgres:
        postgres.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        postgres.execute(f"CREATE DATABASE {NAME}")
        yield urlsplit(server)._replace(path=f"/{NAME}").geturl()
        postgres.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One installation for all; what was told in all tests must be true of what is on record at the end."""
    folder = tmp_path_factory.mktemp("partitions")
    with database() as url, installed(folder, database_url=url, stock=10_000, limit=2) as shop:
        telling = Story(shop)
        yield telling
        telling.end()


@pytest.mark.parametrize("rules", BROKEN)
class TestDatabase:
    def test_that_the_web_cannot_reach_stops_no_purchase(self, story: Story, rules: Rules) -> None:
        with story.shoppers(6) as people:
            story.settle(people[:2])
            with story.broken(rules, "web-database"):
                told = []
                for early, late in zip(people[2::2], people[3::2], strict=True):
                    told += story.all_at_once(early.buy, late.buy, people[0].look_up)
                    time.sleep(OLD_SECONDS)

            assert {each.status for each in told} == {200}
            story.settle(people[2:])

    def test_that_the_keeper_cannot_reach_delays_the_record_and_nothing_else(self, story: Story, rules: Rules) -> None:
        with story.shoppers(4) as people:
            with story.broken(rules, "keeper-database"):
                told = story.all_at_once(*(shopper.buy for shopper in people))
                time.sleep(0.5)
                told += story.all_at_once(people[0].look_up)

            assert {each.status for each in told} == {200}
            story.settle(people)


@pytest.mark.django_db(transaction=True)
class TestConnectionThatHangs:
    """As through a pooler that hangs: it stays open, everything that is sent is taken, and nothing comes."""

    GIVEN_UP_SECONDS = 0.5

    @pytest.fixture
    def way(self, proven: LedgerServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
        with Proxy(address_of(os.environ["TEST_DATABASE_URL"])) as way:
            for name, value in {"HOST": "127.0.0.1", "PORT": way.port}.items():
                monkeypatch.setitem(connection.settings_dict, name, value)
            connection.close()
            yield way
            connection.close()

    def record_one(self, way: Proxy, keeper: Keeper, sale: Sale, within: AbstractContextManager[None]) -> bool:
        """Let the keeper work over a connection that hangs before a unit is bought; say whether that is on record."""
        connection.close()  # only the keeper's is to hang
        asked = threading.Event()

        def work() -> None:
            until = time.monotonic() + 8 * self.GIVEN_UP_SECONDS
            with within:
                keeper.turn()
                way.hang()
                buy(sale, "u:1")
                while not keeper.recorded and time.monotonic() < until:
                    close_old_connections()  # as between two turns
                    keeper.turn()
            keeper._hang_up()
            connection.close()
            asked.set()

        working = threading.Thread(target=work)
        working.start()
        was_over = asked.wait(8 * self.GIVEN_UP_SECONDS)
        way.heal()
        working.join()
        return was_over and keeper.recorded == 1

    def test_is_given_up_by_the_keeper_which_goes_on_over_another(self, way: Proxy, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        within = database_deadline.on_each_wait(seconds=self.GIVEN_UP_SECONDS)

        assert self.record_one(way, Keeper(), sale, within)
        assert Order.objects.count() == 1

    def test_is_waited_for_without_a_deadline(self, way: Proxy, make_sale: MakeSale) -> None:
        assert not self.record_one(way, Keeper(), make_sale(published=True), nullcontext())

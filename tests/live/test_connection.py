"""What a call answers when the server is away, slow, unproven, full or broken: a result, never an exception."""

import os
import signal
import threading
import time
from typing import Any
from uuid import uuid4

import pytest
import redis
from django_redis import get_redis_connection

from sales.domain.outcomes import UNDECIDED, Outcome
from sales.domain.rates import Rate
from sales.live import connection, embedded, ledger, limiter
from sales.live.calls import Server
from sales.live.limiter import Bucket
from sales.live.line import Line
from tests.conftest import Servers
from tests.live.conftest import LiveSale, MakeLiveSale


@pytest.fixture
def own_sale(own_servers: Servers, key_prefix: str) -> LiveSale:
    """A sale on a ledger server of this test's own."""
    with Line() as line:
        line.load_scripts()
    sale = LiveSale(pk=1)
    assert sale.publish() is Outcome.DONE
    return sale


class TestAServerThatIsAway:
    def test_is_unreachable(self, own_servers: Servers, own_sale: LiveSale) -> None:
        get_redis_connection("ledger").connection_pool.disconnect()
        own_servers.ledger.kill()

        assert own_sale.buy("u:1").outcome is Outcome.UNREACHABLE

    def test_breaks_what_was_asked_before_it_went(self, own_servers: Servers, own_sale: LiveSale) -> None:
        own_servers.ledger.kill()

        assert own_sale.buy("u:1").outcome in UNDECIDED
        assert own_sale.snapshot().outcome in UNDECIDED

    def test_is_asked_again_when_it_is_back(self, own_servers: Servers, own_sale: LiveSale) -> None:
        own_servers.ledger.kill()
        own_sale.buy("u:1")

        with embedded.start(server=own_servers.ledger.server):
            assert own_sale.buy("u:1").outcome is Outcome.NO_SCRIPT
            with Line() as line:
                line.load_scripts()
            assert own_sale.buy("u:1").outcome is Outcome.BOUGHT


class TestAServerThatIsFrozen:
    def test_gets_two_tries_within_the_deadline_and_is_unknown(self, own_servers: Servers, own_sale: LiveSale) -> None:
        os.kill(own_servers.ledger.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            outcome = own_sale.buy("u:1").outcome
            took = time.monotonic() - began
        finally:
            os.kill(own_servers.ledger.pid, signal.SIGCONT)

        assert outcome is Outcome.UNKNOWN
        assert took < 2.5

    def test_has_sold_one_unit_when_it_wakes(self, own_servers: Servers, own_sale: LiveSale) -> None:
        order_id = uuid4()
        os.kill(own_servers.ledger.pid, signal.SIGSTOP)
        own_sale.buy("u:1", order_id=order_id)
        os.kill(own_servers.ledger.pid, signal.SIGCONT)

        asked_again = own_sale.buy("u:1", order_id=order_id)

        assert asked_again.outcome is Outcome.BOUGHT
        assert own_sale.snapshot().sold == 1

    def test_answers_nobody_else_with_a_late_reply(self, own_servers: Servers, own_sale: LiveSale) -> None:
        os.kill(own_servers.ledger.pid, signal.SIGSTOP)
        own_sale.buy("u:1")
        os.kill(own_servers.ledger.pid, signal.SIGCONT)

        found = own_sale.find("u:2")

        assert (found.outcome, found.entries) == (Outcome.FOUND, ())


class TestAServerThatIsUnproven:
    def test_sells_nothing(self, own_servers: Servers, own_sale: LiveSale) -> None:
        get_redis_connection("ledger").script_flush()

        assert own_sale.buy("u:1").outcome is Outcome.NO_SCRIPT
        assert own_sale.buy("u:1").outcome is Outcome.NO_SCRIPT


class TestAServerThatIsFull:
    def test_sells_nothing_and_lets_go(self, own_servers: Servers, own_sale: LiveSale) -> None:
        own_sale.move(hold_ms=60_000)
        held = own_sale.buy("u:1")
        assert held.entry
        client = get_redis_connection("ledger")
        client.config_set("maxmemory", "1mb")
        before = own_sale.dump()

        assert own_sale.buy("u:2").outcome is Outcome.FULL
        assert own_sale.dump() == before
        assert own_sale.release("u:1", held.entry.order_id).outcome is Outcome.LET_GO


class TestSeveralCalls:
    def test_are_answered_in_order(self, live_sale: MakeLiveSale) -> None:
        one, other = live_sale(stock=5), live_sale(stock=7)
        calls = [ledger.snapshot(sale=sale.pk, epoch=sale.epoch) for sale in (one, other)]

        assert [snapshot.stock for snapshot in connection.run_many(calls)] == [5, 7]

    def test_may_be_none(self) -> None:
        assert connection.run_many([]) == []

    def test_fail_one_by_one(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        calls = [ledger.snapshot(sale=pk, epoch=sale.epoch) for pk in (sale.pk, 999_999)]

        assert [snapshot.outcome for snapshot in connection.run_many(calls)] == [Outcome.FOUND, Outcome.NO_LEDGER]


class TestSpending:
    def test_refuses_the_try_after_the_last_and_says_when_to_come_back(self, live: Servers) -> None:
        bucket = Bucket("purchase:u:1", Rate(count=2, seconds=60))

        spent = [connection.run(limiter.spend([bucket])) for _ in range(3)]

        assert [(allowance.allowed, allowance.remaining) for allowance in spent] == [(True, 1), (True, 0), (False, 0)]
        assert 0 < spent[2].reset_ms <= 60_000

    def test_spends_all_buckets_or_none(self, live: Servers) -> None:
        narrow, wide = Bucket("narrow", Rate(count=1, seconds=60)), Bucket("wide", Rate(count=9, seconds=60))
        connection.run(limiter.spend([narrow, wide]))
        refused = connection.run(limiter.spend([wide, narrow]))

        spent = connection.run(limiter.spend([wide]))

        assert (refused.allowed, refused.bucket) == (False, narrow)
        assert spent.remaining == 7

    def test_allows_nothing_where_the_rate_is_zero(self, live: Servers) -> None:
        assert connection.run(limiter.spend([Bucket("shut", Rate(count=0, seconds=60))])).allowed is False

    def test_begins_anew_after_the_window(self, live: Servers) -> None:
        bucket = Bucket("short", Rate(count=1, seconds=1))
        first = connection.run(limiter.spend([bucket]))
        time.sleep(first.reset_ms / 1_000 + 0.05)

        assert connection.run(limiter.spend([bucket])).allowed is True

    def test_brings_its_script_where_the_cache_server_lost_it(self, own_servers: Servers, key_prefix: str) -> None:
        get_redis_connection("default").script_flush()

        assert connection.run(limiter.spend([Bucket("any", Rate(count=1, seconds=60))])).allowed is True

    def test_says_neither_yes_nor_no_where_the_cache_server_is_away(
        self, own_servers: Servers, key_prefix: str
    ) -> None:
        own_servers.cache.kill()

        assert connection.run(limiter.spend([Bucket("any", Rate(count=1, seconds=60))])).allowed is None


class TestTheConnections:
    @pytest.mark.parametrize("server", list(Server))
    def test_retry_nothing_by_themselves(self, live: Servers, server: Server) -> None:
        found: Any = get_redis_connection(server).connection_pool.get_connection()

        assert found.retry.get_retries() == 0

    def test_can_be_asked_from_many_threads(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=20)
        outcomes: list[Outcome] = []

        def buy(number: int) -> None:
            outcomes.append(sale.buy(f"u:{number}").outcome)

        threads = [threading.Thread(target=buy, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == [Outcome.BOUGHT] * 20 + [Outcome.SOLD_OUT] * 20

    def test_answer_a_ping(self, own_servers: Servers) -> None:
        assert connection.answers(Server.CACHE)

        own_servers.cache.kill()

        assert not connection.answers(Server.CACHE)


def test_an_error_of_the_server_has_an_outcome(caplog: pytest.LogCaptureFixture) -> None:
    call = ledger.snapshot(sale=1, epoch=1)
    said = {
        "OOM command not allowed": Outcome.FULL,
        "MISCONF cannot write to disk": Outcome.FULL,
        "BUSY a script runs": Outcome.UNREACHABLE,
        "LOADING the file": Outcome.UNREACHABLE,
        "ERR something nobody expected": Outcome.CORRUPT,
    }

    assert {text: connection.outcome_of(redis.ResponseError(text), call) for text in said} == said
    assert "nobody expected" in caplog.text

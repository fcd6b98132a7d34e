"""The line to a server from an event loop: batches, order, deadlines, and what a fault means for each call."""

import asyncio
import os
import signal
import time
from typing import Any
from uuid import uuid4

import pytest

from sales.domain.outcomes import UNDECIDED, Outcome
from sales.domain.rates import Rate
from sales.live import embedded, ledger, limiter, pipeline, wire
from sales.live.calls import Call, Server
from sales.live.limiter import Bucket
from sales.live.line import Line
from sales.live.pipeline import Pipeline
from sales.live.results import Taken
from tests.conftest import Servers
from tests.live.conftest import EPOCH, LiveSale, MakeLiveSale
from tests.live.pipelines import asking, over_a_pipeline, purchase


@pytest.fixture
def own_sale(own_servers: Servers, key_prefix: str) -> LiveSale:
    """A sale on a ledger server of this test's own."""
    with Line() as line:
        line.load_scripts()
    sale = LiveSale(pk=1)
    assert sale.publish(stock=1_000) is Outcome.DONE
    return sale


class TestAPipeline:
    def test_sells_each_unit_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=100)

        async def rush(line: Pipeline) -> list[Taken]:
            return await asyncio.gather(*(asking(line, purchase(sale, f"u:{number}")) for number in range(300)))

        taken = over_a_pipeline(rush)

        bought = [each for each in taken if each.outcome is Outcome.BOUGHT]
        assert sorted(each.entry.unit for each in bought if each.entry) == list(range(1, 101))
        assert {each.outcome for each in taken} == {Outcome.BOUGHT, Outcome.SOLD_OUT}

    def test_gives_each_reply_to_who_asked(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=500)
        orders = {f"u:{number}": uuid4() for number in range(500)}

        async def rush(line: Pipeline) -> list[Taken]:
            return await asyncio.gather(*(asking(line, purchase(sale, who, order)) for who, order in orders.items()))

        taken = over_a_pipeline(rush)

        assert [each.entry.order_id for each in taken if each.entry] == list(orders.values())

    def test_sends_what_waits_as_one_write(self, live_sale: MakeLiveSale, monkeypatch: pytest.MonkeyPatch) -> None:
        sale = live_sale(stock=100)
        writes = []
        write = wire.Wire.write

        def writing(wire: Any, packed: bytes) -> None:
            writes.append(packed.count(b"u:"))
            write(wire, packed)

        monkeypatch.setattr(wire.Wire, "write", writing)

        async def rush(line: Pipeline) -> None:
            await asking(line, purchase(sale, "u:first"))
            await asyncio.gather(*(asking(line, purchase(sale, f"u:{number}")) for number in range(40)))

        over_a_pipeline(rush)

        assert [count for count in writes if count] == [1, 40]

    def test_sends_what_is_urgent_first(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=100)
        settled: list[str] = []

        async def rush(line: Pipeline) -> None:
            asked = [(f"u:{number}", asking(line, purchase(sale, f"u:{number}"))) for number in range(5)]
            asked.append(("urgent", asking(line, purchase(sale, "u:99"), urgent=True)))
            for name, future in asked:
                future.add_done_callback(lambda _, name=name: settled.append(name))  # type: ignore[misc]
            await asyncio.gather(*(future for _, future in asked))

        over_a_pipeline(rush)

        assert settled[0] == "urgent"

    def test_answers_early_when_too_many_wait(self, live_sale: MakeLiveSale, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pipeline, "MOST_WAITING", 10)
        sale = live_sale(stock=100)

        async def rush(line: Pipeline) -> list[Taken]:
            asked = [asking(line, purchase(sale, f"u:{number}")) for number in range(12)]
            await asyncio.sleep(0)
            assert [future.done() for future in asked] == [False] * 10 + [True] * 2
            return await asyncio.gather(*asked)

        taken = over_a_pipeline(rush)

        assert [each.outcome for each in taken[10:]] == [Outcome.UNREACHABLE] * 2

    def test_brings_a_missing_script_to_the_cache_server_only(self, own_servers: Servers, key_prefix: str) -> None:
        buckets = [Bucket("a", Rate(count=2, seconds=60))]

        async def spend(line: Pipeline) -> list[Any]:
            return await asyncio.gather(*(asking(line, limiter.spend(buckets)) for _ in range(3)))

        async def buy(line: Pipeline) -> Taken:
            return await asking(line, purchase(LiveSale(pk=1), "u:1"))

        assert [each.allowed for each in over_a_pipeline(spend, server=Server.CACHE)] == [True, True, False]
        assert over_a_pipeline(buy).outcome is Outcome.NO_SCRIPT

    def test_waits_for_nobody_else_after_it_is_closed(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        async def leave(line: Pipeline) -> Taken:
            asked = asking(line, purchase(sale, "u:1"))
            line.close()
            return await asked

        assert over_a_pipeline(leave).outcome is Outcome.UNREACHABLE


class TestAServerThatGoesAway:
    def test_is_unreachable(self, own_servers: Servers, own_sale: LiveSale) -> None:
        own_servers.ledger.kill()

        async def buy(line: Pipeline) -> list[Taken]:
            return await asyncio.gather(*(asking(line, purchase(own_sale, f"u:{number}")) for number in range(5)))

        assert {each.outcome for each in over_a_pipeline(buy)} == {Outcome.UNREACHABLE}

    def test_is_asked_again_when_it_is_back(self, own_servers: Servers, own_sale: LiveSale) -> None:
        async def rush(line: Pipeline) -> list[Outcome]:
            outcomes = [(await asking(line, purchase(own_sale, "u:1"))).outcome]
            await asyncio.to_thread(own_servers.ledger.kill)
            outcomes.append((await asking(line, purchase(own_sale, "u:2"))).outcome)
            with await asyncio.to_thread(lambda: embedded.start(server=own_servers.ledger.server)):
                await asyncio.to_thread(load_scripts)
                outcomes.append((await asking(line, purchase(own_sale, "u:3"))).outcome)
            return outcomes

        bought, away, back = over_a_pipeline(rush)

        assert (bought, back) == (Outcome.BOUGHT, Outcome.BOUGHT)
        assert away in UNDECIDED

    def test_without_a_reply_is_asked_once_more_with_the_same_order(
        self, own_servers: Servers, own_sale: LiveSale
    ) -> None:
        async def rush(line: Pipeline) -> tuple[list[Taken], float]:
            await asking(line, purchase(own_sale, "u:first"))
            os.kill(own_servers.ledger.pid, signal.SIGSTOP)
            began = time.monotonic()
            try:
                asked = [asking(line, purchase(own_sale, f"u:{number}")) for number in range(20)]
                await asyncio.sleep(0.9)  # past the first deadline, before the second
            finally:
                os.kill(own_servers.ledger.pid, signal.SIGCONT)
            return await asyncio.gather(*asked), time.monotonic() - began

        taken, took = over_a_pipeline(rush)

        assert {each.outcome for each in taken} == {Outcome.BOUGHT}
        assert own_sale.snapshot().sold == 21
        assert took < 2.5

    def test_is_unknown_within_the_deadline_if_it_stays_frozen(self, own_servers: Servers, own_sale: LiveSale) -> None:
        async def rush(line: Pipeline) -> tuple[list[Taken], float]:
            await asking(line, purchase(own_sale, "u:first"))
            began = time.monotonic()
            asked = []
            for number in range(20):
                asked.append(asking(line, purchase(own_sale, f"u:{number}")))
                await asyncio.sleep(0.01)
            return await asyncio.gather(*asked), time.monotonic() - began

        async def frozen(line: Pipeline) -> tuple[list[Taken], float]:
            os.kill(own_servers.ledger.pid, signal.SIGSTOP)
            try:
                return await rush(line)
            finally:
                os.kill(own_servers.ledger.pid, signal.SIGCONT)

        async def both(line: Pipeline) -> tuple[list[Taken], float]:
            await asking(line, purchase(own_sale, "u:0"))
            return await frozen(line)

        taken, took = over_a_pipeline(both)

        assert {each.outcome for each in taken} <= {Outcome.UNKNOWN, Outcome.UNREACHABLE}
        assert Outcome.UNKNOWN in {each.outcome for each in taken}
        assert took < 2.7

    def test_gives_nobody_else_a_late_reply(self, own_servers: Servers, own_sale: LiveSale) -> None:
        async def rush(line: Pipeline) -> Any:
            await asking(line, purchase(own_sale, "u:first"))
            os.kill(own_servers.ledger.pid, signal.SIGSTOP)
            lost = asking(line, purchase(own_sale, "u:1"))
            await asyncio.sleep(0.8)
            os.kill(own_servers.ledger.pid, signal.SIGCONT)
            found = await asking(line, ledger.find(sale=own_sale.pk, epoch=EPOCH, shopper="u:2"))
            await lost
            return found

        found = over_a_pipeline(rush)

        assert (found.outcome, found.entries) == (Outcome.FOUND, ())

    def test_is_not_waited_for_where_it_only_counts(self, own_servers: Servers, key_prefix: str) -> None:
        buckets = [Bucket("a", Rate(count=2, seconds=60))]
        own_servers.cache.kill()

        async def spend(line: Pipeline) -> tuple[bool | None, bool]:
            allowed = (await asking(line, limiter.spend(buckets))).allowed
            again = asking(line, limiter.spend(buckets))
            await asyncio.sleep(0)
            return allowed, again.done()

        assert over_a_pipeline(spend, server=Server.CACHE) == (None, True)

    @pytest.mark.parametrize(("password", "outcome"), [("right", Outcome.BOUGHT), ("wrong", Outcome.UNREACHABLE)])
    def test_is_told_the_password(
        self, own_servers: Servers, own_sale: LiveSale, settings: Any, password: str, outcome: Outcome
    ) -> None:
        own_sale.redis.config_set("requirepass", "right")
        url = own_servers.ledger.url.replace("unix://", f"unix://:{password}@")
        settings.CACHES = {**settings.CACHES, "ledger": {**settings.CACHES["ledger"], "LOCATION": url}}

        async def buy(line: Pipeline) -> Taken:
            return await asking(line, purchase(own_sale, "u:1"))

        assert over_a_pipeline(buy).outcome is outcome


class TestARetry:
    def test_would_sell_twice_with_a_new_order_id(self, own_servers: Servers, own_sale: LiveSale) -> None:
        """The broken twin: what the retry of the same order id prevents where a shopper may have more."""
        own_sale.move(limit=2)
        first = purchase(own_sale, "u:1")

        async def twice(line: Pipeline, again: Call[Taken]) -> None:
            await asking(line, first)
            await asking(line, again)

        over_a_pipeline(lambda line: twice(line, first))
        assert own_sale.snapshot().sold == 1

        over_a_pipeline(lambda line: twice(line, first._replace(args=purchase(own_sale, "u:1").args)))
        assert own_sale.snapshot().sold == 2


def load_scripts() -> None:
    with Line() as line:
        line.load_scripts()

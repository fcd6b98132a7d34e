"""The line to a server from an event loop: neighbours that go out as one command, each answered by itself."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.rates import Rate
from sales.live import ledger, limiter, pipeline, wire
from sales.live.calls import Call, Server
from sales.live.limiter import Bucket
from sales.live.line import Line
from sales.live.pipeline import Pipeline
from sales.live.results import Taken
from tests.conftest import Servers
from tests.live.conftest import EPOCH, LiveSale, MakeLiveSale
from tests.live.pipelines import asking, over_a_pipeline, purchase


class TestCallsThatGoTogether:
    @pytest.fixture
    def commands(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """The shoppers of every command that goes out."""
        sent: list[list[str]] = []
        write = wire.Wire.write

        def writing(wire: Any, packed: bytes) -> None:
            sent.extend(re.findall(r"u:\d+", each.decode()) for each in packed.split(b"EVALSHA")[1:])
            write(wire, packed)

        monkeypatch.setattr(wire.Wire, "write", writing)
        return sent

    def test_are_one_command(self, live_sale: MakeLiveSale, commands: list[list[str]]) -> None:
        sale = live_sale(stock=100)

        async def rush(line: Pipeline) -> list[Taken]:
            return await asyncio.gather(*(asking(line, purchase(sale, f"u:{number}")) for number in range(40)))

        taken = over_a_pipeline(rush)

        assert commands == [[f"u:{number}" for number in range(40)]]
        assert [each.entry.unit for each in taken if each.entry] == list(range(1, 41))

    def test_are_not_too_many(
        self, live_sale: MakeLiveSale, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pipeline, "MOST_TOGETHER", 16)
        sale = live_sale(stock=100)

        async def rush(line: Pipeline) -> list[Taken]:
            return await asyncio.gather(*(asking(line, purchase(sale, f"u:{number}")) for number in range(40)))

        taken = over_a_pipeline(rush)

        assert [len(shoppers) for shoppers in commands] == [16, 16, 8]
        assert [each.entry.unit for each in taken if each.entry] == list(range(1, 41))

    def test_are_neighbours_of_one_sale_and_epoch(self, live_sale: MakeLiveSale, commands: list[list[str]]) -> None:
        one, other = live_sale(), live_sale()
        older = LiveSale(pk=one.pk, epoch=EPOCH - 1)
        calls: list[Call[Any]] = [
            purchase(one, "u:1"),
            purchase(one, "u:2"),
            purchase(other, "u:3"),
            purchase(one, "u:4"),
            ledger.find(sale=one.pk, epoch=EPOCH, shopper="u:2"),
            ledger.find(sale=one.pk, epoch=EPOCH, shopper="u:5"),
            purchase(one, "u:6"),
            ledger.purchase(sale=older.pk, epoch=older.epoch, shopper="u:7", order_id=uuid4()),
        ]

        async def rush(line: Pipeline) -> list[Any]:
            return await asyncio.gather(*(asking(line, call) for call in calls))

        told = over_a_pipeline(rush)

        assert commands == [["u:1", "u:2"], ["u:3"], ["u:4"], ["u:2"], ["u:5"], ["u:6"], ["u:7"]]
        assert [each.outcome for each in told] == [
            *[Outcome.BOUGHT] * 4, Outcome.FOUND, Outcome.FOUND, Outcome.SOLD_OUT, Outcome.STALE_EPOCH
        ]  # fmt: skip
        assert told[4].entries == (told[1].entry,)

    def test_leave_out_one_that_cannot_be_packed(self, live_sale: MakeLiveSale, commands: list[list[str]]) -> None:
        sale = live_sale()

        async def rush(line: Pipeline) -> list[Taken]:
            first = asking(line, purchase(sale, "u:1"))
            with pytest.raises(UnicodeEncodeError):
                asking(line, purchase(sale, "u:\ud800"))
            return [await first, await asking(line, purchase(sale, "u:2"))]

        assert [each.outcome for each in over_a_pipeline(rush)] == [Outcome.BOUGHT] * 2

    def test_are_read_each_by_itself(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9)
        sale.buy("u:2")
        sale.redis.hset(sale.keys.shoppers, "u:2/1", f"b000000001000000000217900000000001790000000000{'é' * 11}")

        async def rush(line: Pipeline) -> list[Any]:
            asked = [asking(line, purchase(sale, f"u:{number}")) for number in (1, 2, 3)]
            return await asyncio.gather(*asked, return_exceptions=True)

        one, unreadable, other = over_a_pipeline(rush)

        assert (one.outcome, other.outcome) == (Outcome.BOUGHT, Outcome.BOUGHT)
        assert isinstance(unreadable, ValueError)

    def test_are_told_each_by_itself(self, live_sale: MakeLiveSale, caplog: pytest.LogCaptureFixture) -> None:
        sale = live_sale(stock=9)

        def deaf(_result: object, _mistake: object) -> None:
            raise RuntimeError("whoever waits is wrong")

        async def rush(line: Pipeline) -> list[Taken]:
            first = asking(line, purchase(sale, "u:1"))
            line.ask(purchase(sale, "u:2"), deaf)
            return [await first, await asking(line, purchase(sale, "u:3"))]

        assert [each.outcome for each in over_a_pipeline(rush)] == [Outcome.BOUGHT] * 2
        assert "whoever waits is wrong" in caplog.text

    def test_are_each_told_of_an_error(self, own_servers: Servers, key_prefix: str) -> None:
        own_sale = LiveSale(pk=1)
        with Line() as line:
            line.load_scripts()
        own_sale.publish()
        own_sale.redis.config_set("maxmemory", "1mb")

        async def rush(line: Pipeline) -> list[Taken]:
            return await asyncio.gather(*(asking(line, purchase(own_sale, f"u:{number}")) for number in range(5)))

        assert [each.outcome for each in over_a_pipeline(rush)] == [Outcome.FULL] * 5

    def test_are_paid_each_by_itself(self, live: Servers) -> None:
        shared = Bucket("shared", Rate(count=3, seconds=60))

        async def spend(line: Pipeline) -> list[Any]:
            own = (Bucket(f"own:{number}", Rate(count=9, seconds=60)) for number in range(5))
            return await asyncio.gather(*(asking(line, limiter.spend([each, shared])) for each in own))

        spent = over_a_pipeline(spend, server=Server.CACHE)

        assert [each.allowed for each in spent] == [True, True, True, False, False]
        assert [each.bucket for each in spent] == [shared] * 5
        assert [each.remaining for each in spent] == [2, 1, 0, 0, 0]

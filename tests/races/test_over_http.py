"""Many at once over HTTP, through two gunicorn workers: exactly the stock is sold, and one shopper gets one unit.

The broken twin is a shop as it is often written: read the stock, look the shopper up, then write. Under the same rush
and the same checks it must fail, or these checks prove nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import Servers
from tests.running_demo import SLUG, Demo, started

STOCK = 20
Buy = Callable[[str], str | None]
"""Buys for a shopper; returns the purchase's id, or None where it was refused."""


@pytest.fixture(scope="class")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A shop with two workers that sells 20 units; a new one for each kind of rush."""
    with started(tmp_path_factory.mktemp("rush"), workers=2, stock=STOCK) as running:
        yield running


def rush(buy: Buy, shoppers: list[str]) -> list[str | None]:
    """Let everybody click at the same instant."""
    together = threading.Barrier(len(shoppers))

    def click(shopper: str) -> str | None:
        together.wait()
        return buy(shopper)

    with ThreadPoolExecutor(max_workers=len(shoppers)) as pool:
        return list(pool.map(click, shoppers))


def left(demo: Demo) -> int:
    """Return what the shop says is left, once its snapshots (250 ms) cannot be older than the rush."""
    time.sleep(0.3)
    status, answer = demo.ask(f"/api/flashsale/status/{SLUG}")
    assert status == 200
    return int(answer["remainingStock"])


def winners(answers: list[str | None]) -> set[str]:
    """Return the ids that were given out."""
    return {answer for answer in answers if answer}


class CarelessShop:
    """The twin: three steps, and between them everybody else."""

    def __init__(self, redis: Any, prefix: str) -> None:
        self.redis, self.prefix = redis, prefix
        self.redis.set(f"{prefix}stock", STOCK)

    def buy(self, shopper: str) -> str | None:
        left = int(self.redis.get(f"{self.prefix}stock"))
        if left <= 0 or self.redis.sismember(f"{self.prefix}shoppers", shopper):
            return None
        time.sleep(0.005)  # what a page takes between looking and writing
        self.redis.set(f"{self.prefix}stock", left - 1)
        self.redis.sadd(f"{self.prefix}shoppers", shopper)
        return f"{shopper} at {time.monotonic_ns()}"


@pytest.fixture
def careless(live: Servers, key_prefix: str) -> CarelessShop:
    """A shop as it is often written."""
    from django_redis import get_redis_connection  # noqa: PLC0415 (the twin alone speaks to the server by itself)

    return CarelessShop(get_redis_connection("default"), key_prefix)


class TestFiftyClicksOfOneShopper:
    SHOPPERS = ["early_shopper"] * 50

    def test_are_one_purchase(self, demo: Demo) -> None:
        answers = rush(lambda shopper: demo.buy(shopper)[1].get("purchaseId"), self.SHOPPERS)

        assert len(winners(answers)) == 1
        assert None not in answers  # whoever came later is told which purchase it was
        assert left(demo) == STOCK - 1

    def test_are_several_in_a_careless_shop(self, careless: CarelessShop) -> None:
        assert len(winners(rush(careless.buy, self.SHOPPERS))) > 1


class TestSixtyShoppersForTheRest:
    SHOPPERS = [f"late_shopper_{number}" for number in range(60)]

    def test_buy_exactly_what_there_is(self, demo: Demo) -> None:
        before = left(demo)

        answers = rush(lambda shopper: demo.buy(shopper)[1].get("purchaseId"), self.SHOPPERS)

        assert len(winners(answers)) == before
        assert answers.count(None) == len(self.SHOPPERS) - before
        assert left(demo) == 0

    def test_are_all_on_record_soon(self, demo: Demo) -> None:
        demo.buy("anybody")
        until = time.monotonic() + 20
        sold = STOCK - left(demo)

        while self.on_record(demo) < sold and time.monotonic() < until:
            time.sleep(0.05)

        assert self.on_record(demo) == sold

    def on_record(self, demo: Demo) -> int:
        asked = [demo.ask(f"/api/flashsale/user/{shopper}/purchase/{SLUG}")[1] for shopper in self.everybody()]
        return sum(found.get("purchase", {}).get("status") == "confirmed" for found in asked)

    def everybody(self) -> list[str]:
        return [*self.SHOPPERS, "early_shopper", "anybody"]

    def test_buy_more_than_there_is_in_a_careless_shop(self, careless: CarelessShop) -> None:
        assert len(winners(rush(careless.buy, self.SHOPPERS))) > STOCK

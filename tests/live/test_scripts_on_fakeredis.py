"""The scripts' logic once more on fakeredis: no server, no clock of its own, thousands of steps in a second.

What depends on a real server (durability, memory, EVALSHA, types of replies) is tested on a real one.
"""

import random
from uuid import uuid4

import fakeredis
import pytest

from sales.domain.outcomes import Outcome
from sales.live import ledger
from sales.live.calls import Call
from sales.live.results import Snapshot, Terms


class FakeLedger:
    """Runs calls on fakeredis, which knows no `#!lua` line; that the line is there is checked elsewhere."""

    def __init__(self) -> None:
        self.redis = fakeredis.FakeRedis()

    def run[T](self, call: Call[T]) -> T:
        first, _, rest = call.script.text.partition("\n")
        assert first.startswith("#!lua")
        keys = (*call.shared_keys, *call.keys)
        return call.read_from(self.redis.eval(rest, len(keys), *keys, *call.shared_args, *call.args))

    def snapshot(self) -> Snapshot:
        return self.run(ledger.snapshot(sale=1, epoch=1))


@pytest.fixture
def fake() -> FakeLedger:
    made = FakeLedger()
    terms = Terms(stock=5, limit=2, opens_ms=0, closes_ms=9_999_999_999_999, hold_ms=60_000, hold_extension_ms=1_000)
    assert made.run(ledger.publish(sale=1, epoch=1, terms=terms)).outcome is Outcome.DONE
    return made


@pytest.mark.parametrize("seed", range(5))
def test_the_numbers_add_up_after_every_step(fake: FakeLedger, seed: int) -> None:
    chance = random.Random(seed)
    orders = {}

    for _ in range(150):
        shopper = chance.choice(["u:1", "u:2", "u:3"])
        verb = chance.choice(["purchase", "purchase", "confirm", "release", "extend", "tick", "time"])
        if verb == "purchase":
            taken = fake.run(ledger.purchase(sale=1, epoch=1, shopper=shopper, order_id=uuid4()))
            if taken.entry:
                orders[taken.entry.order_id] = shopper
        elif verb == "tick":
            fake.run(ledger.tick(sale=1, epoch=1))
        elif verb == "time":
            now_ms = fake.snapshot().now_ms
            fake.redis.hset("{sale:1}:meta", "clock_ms", now_ms + chance.choice([1, 30_000, 60_000]))
        elif orders:
            order_id, owner = chance.choice(list(orders.items()))
            fake.run(getattr(ledger, verb)(sale=1, epoch=1, shopper=owner, order_id=order_id))

        snapshot = fake.snapshot()
        assert snapshot.sound, (seed, verb)
        assert 0 <= snapshot.sold + snapshot.held <= snapshot.stock
        units = [
            entry.unit
            for name in ("u:1", "u:2", "u:3")
            for entry in fake.run(ledger.find(sale=1, epoch=1, shopper=name)).counted
        ]
        assert len(units) == len(set(units)) == snapshot.sold + snapshot.held
        assert all(1 <= unit <= snapshot.stock for unit in units)

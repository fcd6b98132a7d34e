"""A sale in the ledger alone, without the record: what tests of the scripts stand on."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from django_redis import get_redis_connection

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.results import Found, Snapshot, Taken, Terms, Ticked

EPOCH = 4
_numbers = itertools.count(1)


@dataclass
class LiveSale:
    """Asks the real scripts about one sale, and looks at its keys as they are."""

    pk: int
    epoch: int = EPOCH
    redis: Any = field(default_factory=lambda: get_redis_connection("ledger"))

    @property
    def keys(self) -> SaleKeys:
        return SaleKeys.of(self.pk)

    def buy(self, shopper: str, *, slot: int = 0, order_id: UUID | None = None, key: str = "") -> Taken:
        call = ledger.purchase(
            sale=self.pk,
            epoch=self.epoch,
            shopper=shopper,
            slot=slot,
            order_id=order_id or uuid4(),
            key_digest=key and f"{key:_<11}"[:11],
        )
        return connection.run(call)

    def confirm(self, shopper: str, order_id: UUID, *, slot: int = 0) -> Taken:
        return connection.run(
            ledger.confirm(sale=self.pk, epoch=self.epoch, shopper=shopper, slot=slot, order_id=order_id)
        )

    def release(self, shopper: str, order_id: UUID, *, slot: int = 0) -> Taken:
        return connection.run(
            ledger.release(sale=self.pk, epoch=self.epoch, shopper=shopper, slot=slot, order_id=order_id)
        )

    def extend(self, shopper: str, order_id: UUID, *, slot: int = 0) -> Taken:
        return connection.run(
            ledger.extend(sale=self.pk, epoch=self.epoch, shopper=shopper, slot=slot, order_id=order_id)
        )

    def find(self, shopper: str, *, key: str = "") -> Found:
        digest = key and f"{key:_<11}"[:11]
        return connection.run(ledger.find(sale=self.pk, epoch=self.epoch, shopper=shopper, key_digest=digest))

    def tick(self, *, most: int = 500) -> Ticked:
        return connection.run(ledger.tick(sale=self.pk, epoch=self.epoch, most=most))

    def snapshot(self) -> Snapshot:
        return connection.run(ledger.snapshot(sale=self.pk, epoch=self.epoch))

    def set_state(self, state: LedgerState, *, number: int) -> Outcome:
        return connection.run(ledger.set_state(sale=self.pk, epoch=self.epoch, state=state, number=number)).outcome

    def publish(self, **terms: Any) -> Outcome:
        now = self.now_ms()
        given = {"stock": 3, "limit": 1, "opens_ms": now - 60_000, "closes_ms": now + 3_600_000} | terms
        return connection.run(ledger.publish(sale=self.pk, epoch=self.epoch, terms=Terms(**given))).outcome

    def now_ms(self) -> int:
        seconds, micros = self.redis.time()
        return int(seconds) * 1_000 + int(micros) // 1_000

    def wait_past(self, moment_ms: int) -> None:
        """Return as soon as the server's clock has passed this moment."""
        while self.now_ms() <= moment_ms:
            time.sleep(0.001)

    def move(self, **numbers: int) -> None:
        """Set numbers of the sale as if time or an admin had."""
        self.redis.hset(self.keys.meta, mapping=numbers)

    def dump(self) -> dict[str, Any]:
        """Everything that is stored for the sale, to see that nothing changed."""
        found: dict[str, Any] = {}
        for name in ("meta", "shoppers", "keys", "returned", "deadlines", "events"):
            found[name] = self.redis.dump(getattr(self.keys, name))
        return found


MakeLiveSale = Callable[..., LiveSale]


@pytest.fixture
def live_sale(live: Any) -> MakeLiveSale:
    """Make a sale in the ledger: three units, one each, open for an hour; arguments are fields of `Terms`."""

    def make(**terms: Any) -> LiveSale:
        sale = LiveSale(pk=next(_numbers))
        assert sale.publish(**terms) is Outcome.DONE
        return sale

    return make

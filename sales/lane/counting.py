"""How often an address asks for what is public: counted in memory, settled with the cache server four times a second.

The counters there are those of django-ratelimit, so that lane and Django count together. A read is so cheap that asking
the cache server about each would cost as much again; an address may get as far beyond its limit as it asks in a quarter
of a second. Purchases and look-ups are counted one by one: `sales.answers.limiting`.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial

from django_ratelimit import ALL
from django_ratelimit.core import EXPIRATION_FUDGE, _get_window, _make_cache_key

from sales import conf
from sales.conf import WithoutCache
from sales.domain import addresses
from sales.domain.rates import Rate
from sales.domain.reads import Read
from sales.lane.driving import Driver
from sales.live import connection, counters
from sales.live.calls import Server

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 0.25

type Name = tuple[str, str, Rate]
"""Group, address as it is counted, and rate."""


@dataclass(slots=True)
class _Count:
    """One address in one group until the end of its window (seconds of the epoch)."""

    key: str
    until: int
    settled: int = 0
    since: int = 0


class Counting:
    """The counts of one worker, and the task that settles them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._counts: dict[Name, _Count] = {}
        self._changed: set[Name] = set()
        self._next_clearing = 0.0
        self._can_count = False  # until the cache server has answered for the first time
        self._settling: asyncio.Task[None] | None = None

    def may_go_on(self, group: str, address: str) -> bool:
        """Count one request; False where it is one too many, or nobody can count: then Django says so.

        Django counts it, too, and finds the same, because what was counted here is told to the same counters.
        """
        limits = conf.current().limits
        if not limits.on:
            return True
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle_always())
        if not self._can_count and limits.without_cache is WithoutCache.REFUSE:
            return False
        rate = limits.page_per_address if group == "page" else limits.panel_per_address
        return self._is_within(group, addresses.counted(address), rate)

    async def settle(self) -> None:
        """Tell the cache server what came since the last time, and learn what others counted."""
        changed, self._changed = self._changed, set()
        told = {name: count.since for name in changed if (count := self._counts.get(name))}
        if not told:
            if not self._can_count:
                self._can_count = await self._driver.read(Read(partial(connection.answers, Server.CACHE)))
            return
        adds = {self._counts[name].key: (since, name[2].seconds + EXPIRATION_FUDGE) for name, since in told.items()}
        totals = await self._driver.read(Read(partial(counters.add, adds)))
        self._can_count = totals is not None
        for name, since in told.items():
            count = self._counts.get(name)
            if count and totals and count.key in totals:
                count.settled = totals[count.key]
                count.since -= since
        self._forget_the_past()

    async def close(self) -> None:
        """Settle for the last time."""
        if self._settling:
            self._settling.cancel()
            self._settling = None
            await self.settle()

    def _is_within(self, group: str, counted: str, rate: Rate) -> bool:
        name, now = (group, counted, rate), time.time()
        count = self._counts.get(name)
        if count is None or count.until <= now:
            until = _get_window(counted, rate.seconds)
            key = _make_cache_key(group, until, (rate.count, rate.seconds), counted, ALL)
            count = self._counts[name] = _Count(key, until)
        if count.settled + count.since >= rate.count:
            return False
        count.since += 1
        self._changed.add(name)
        return True

    def _forget_the_past(self) -> None:
        now = time.time()
        if now >= self._next_clearing:
            self._next_clearing = now + 1
            self._counts = {name: count for name, count in self._counts.items() if count.until > now}

    async def _settle_always(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            try:
                await self.settle()
            except Exception:
                logger.exception("What was counted could not be told to the cache server")

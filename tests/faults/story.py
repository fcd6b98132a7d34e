"""Shoppers of an installation whose connections fail, and all that they were told, to be checked at the end.

Not here: which connections fail, and how.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.faults.checks import findings
from tests.faults.crowd import ANSWER_SECONDS, Shopper, now_ms
from tests.faults.history import History, Record, Row, Told
from tests.faults.installation import Installation
from tests.faults.proxy import Doing, Rule
from tests.faults.run import audited
from tests.running_demo import SLUG

MOST_SECONDS = 2.5
DRAINED_SECONDS = 20.0
LOST_ANSWER = {"replies": Rule(Doing.SWALLOW)}
Rules = dict[str, Rule]


class Story:
    """An installation, and all that its shoppers were told."""

    def __init__(self, shop: Installation) -> None:
        self.shop, self.history = shop, History()

    @contextmanager
    def shoppers(self, count: int = 1, *, history: History | None = None) -> Iterator[list[Shopper]]:
        """Let so many in, each over a connection of their own."""
        with httpx.Client(base_url=self.shop.url, timeout=ANSWER_SECONDS) as client:
            names = [f"s{time.monotonic_ns()}x{number}" for number in range(count)]
            yield [Shopper(self.shop.url, history or self.history, name, client) for name in names]

    @contextmanager
    def broken(self, rules: Rules, *links: str) -> Iterator[None]:
        """Do this to connections for the length of the block."""
        for link in links:
            self.shop.links[link].set(**rules)
        try:
            yield
        finally:
            self.shop.heal()

    def all_at_once(self, *acts: Callable[[], Told]) -> list[Told]:
        """Do all of this at once; return the answers, of which each came in time and none was an error of ours."""
        with ThreadPoolExecutor(len(acts)) as pool:
            told = [future.result() for future in [pool.submit(act) for act in acts]]
        assert max(each.answered_ms - each.asked_ms for each in told) <= MOST_SECONDS * 1_000
        assert {each.status for each in told} <= {200, 503}
        return told

    def record(self) -> Record:
        """What is on record now."""
        return Record.read(self.shop.folder, SLUG, database_url=self.shop.database_url)

    def until_on_record(self, *names: str) -> list[Row]:
        """Wait until each of these has an order; return them."""
        until = time.monotonic() + DRAINED_SECONDS
        while len({row.name for row in self._rows_of(names)}) < len(names):
            assert time.monotonic() < until, f"not all on record\n{self.shop.last_words()}"
            time.sleep(0.05)
        return self._rows_of(names)

    def _rows_of(self, names: Sequence[str]) -> list[Row]:
        return [row for row in self.record().rows if row.name in names]

    def settle(self, people: list[Shopper]) -> None:
        """Have everybody ask again, and see that each has one unit, one order, and the same answer."""
        answers = {shopper.name: shopper.buy_until_told() for shopper in people}
        rows = self.until_on_record(*answers)
        assert {row.name: row.order_id for row in rows} == {name: told.purchase_id for name, told in answers.items()}
        assert len(rows) == len(people)
        assert all(
            told.purchase_id in shopper.look_up().known for shopper, told in zip(people, answers.values(), strict=True)
        )

    def end(self) -> None:
        """See that somebody can buy now, and that all that was told is true of what is on record."""
        self.history.healed_ms = now_ms()
        with self.shoppers() as people:
            self.settle(people)
        assert findings(self.history, self.record()) == []
        assert audited(self.shop) == []

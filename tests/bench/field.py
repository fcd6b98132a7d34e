"""Everything that runs while a benchmark does, and the one load that all scenarios share: buying, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from tests.bench.cases import Pace
from tests.bench.contestants import Contestant
from tests.bench.shop import MANY, Shop
from tests.bench.wrk import Answered

AT = 256
"""Connections, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Our installation, its two web servers, the baselines and the constants."""

    shop: Shop
    lane: Contestant
    plain: Contestant
    others: Sequence[Contestant]
    constants: Sequence[Contestant]
    pace: Pace

    @property
    def ours(self) -> tuple[Contestant, ...]:
        """The two ways in which our site can be run."""
        return self.lane, self.plain

    @property
    def all(self) -> tuple[Contestant, ...]:
        """Everybody who sells."""
        return *self.ours, *self.others


class LedgerDisagrees(Exception):
    """The load generator saw other sales than there were: nothing that was measured means anything."""


_prefixes = count(1)


def prefix() -> str:
    """Return the start of user ids that nobody has had yet."""
    return f"user{next(_prefixes):04d}-"


def statuses(answered: Answered) -> dict[str, int]:
    """Return how many answers had which status, after a load with a census."""
    pairs = (word.split(":") for word in answered.counted.split())
    return {status: int(times) for status, times in pairs}


def buy(field: Field, who: Contestant, *, connections: int, slug: str, new_heads: bool = False) -> dict[str, float]:
    """Let ever new users buy; hold what was seen against the ledger. Raises LedgerDisagrees."""
    more = {"heads": 1} if new_heads else {}
    load = who.buying(slug=slug, prefix=prefix(), connections=connections, seconds=field.pace.seconds, **more)
    before = field.shop.sold(slug) if who in field.ours else 0
    answered, values = who.measured(load)
    if who in field.ours:
        check_sold(answered, sold=field.shop.sold(slug) - before, connections=connections)
    return values | came_through(answered)


def came_through(answered: Answered) -> dict[str, float]:
    """Return how many answers a second were good ones; those that say "come back later" are told apart."""
    per_second = (answered.requests - answered.refused) / answered.seconds if answered.seconds else 0.0
    return {"per_second": per_second, "failed": answered.refused}


def check_sold(answered: Answered, *, sold: int, connections: int) -> None:
    """Raise LedgerDisagrees unless the ledger sold what was answered; what was under way at the end was not seen."""
    seen = answered.requests - answered.refused
    unseen = connections + answered.timeouts + answered.broken
    if not seen <= sold <= seen + unseen:
        raise LedgerDisagrees(f"{seen} purchases were answered, and {sold} are in the ledger.")


def warm_up(field: Field) -> None:
    """Send everybody a second of purchases, and see that every answer is the one that is wanted."""
    for who in (*field.all, *field.constants):
        slug = who.open(MANY)
        answered = who.buying(slug=slug, prefix=prefix(), connections=32, seconds=1, census=1).run()
        who.settle(slug)
        if set(statuses(answered)) != {"200"}:
            raise LedgerDisagrees(f"{who.title} answered purchases with {answered.counted or 'nothing'}.")

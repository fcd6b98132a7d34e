"""How often somebody tried: counters on the cache server, spent all or none in one script.

Who pays from which bucket, and what a refusal looks like, is `sales.answers.limiting`.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Self

from sales.domain.outcomes import Outcome
from sales.domain.rates import Rate
from sales.live import keys
from sales.live.calls import Call, Reply, Server
from sales.live.scripts import CACHE_SCRIPTS


class Bucket(NamedTuple):
    """A named count with its rate, such as `purchase:shopper:u:7`."""

    name: str
    rate: Rate


class Allowance(NamedTuple):
    """What is left of the tightest bucket. `allowed` is None where the cache server did not answer."""

    allowed: bool | None
    bucket: Bucket | None = None
    remaining: int = 0
    reset_ms: int = 0

    @classmethod
    def of(cls, buckets: Sequence[Bucket], reply: Reply) -> Self:
        """Read the script's reply."""
        allowed, number, remaining, reset_ms = reply
        return cls(allowed == 1, buckets[number - 1], remaining, reset_ms)

    @classmethod
    def failed(cls, _outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(allowed=None)


def spend(buckets: Sequence[Bucket]) -> Call[Allowance]:
    """Spend one try from each bucket, all or none."""
    args = [len(buckets)]
    for _, rate in buckets:
        args += (rate.count, rate.seconds * 1_000)
    return Call(
        server=Server.CACHE,
        script=CACHE_SCRIPTS["spend"],
        keys=tuple([keys.bucket(name) for name, _ in buckets]),
        args=tuple(args),
        read=partial(Allowance.of, buckets),
        failed=Allowance.failed,
        own_reply=4,
    )

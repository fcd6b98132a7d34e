"""How often somebody tried: counters on the cache server, spent all or none in one script.

Who pays from which bucket, and what a refusal looks like, is `sales.answers.limiting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sales.domain.outcomes import Outcome
from sales.domain.rates import Rate
from sales.live import keys
from sales.live.calls import Call, Reply, Server
from sales.live.scripts import CACHE_SCRIPTS


@dataclass(frozen=True, slots=True)
class Bucket:
    """A named count with its rate, such as `purchase:shopper:u:7`."""

    name: str
    rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of the tightest bucket. `allowed` is None where the cache server did not answer."""

    allowed: bool | None
    bucket: Bucket | None = None
    remaining: int = 0
    reset_ms: int = 0

    @classmethod
    def of(cls, reply: Reply, buckets: Sequence[Bucket]) -> Self:
        """Read the script's reply."""
        allowed, number, remaining, reset_ms = reply
        return cls(allowed=bool(allowed), bucket=buckets[number - 1], remaining=remaining, reset_ms=reset_ms)

    @classmethod
    def failed(cls, _outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(allowed=None)


def spend(buckets: Sequence[Bucket]) -> Call[Allowance]:
    """Spend one try from each bucket, all or none."""
    return Call(
        server=Server.CACHE,
        script=CACHE_SCRIPTS["spend"],
        keys=tuple(keys.bucket(bucket.name) for bucket in buckets),
        args=tuple(number for bucket in buckets for number in (bucket.rate.count, bucket.rate.seconds * 1_000)),
        read=lambda reply: Allowance.of(reply, buckets),
        failed=Allowance.failed,
    )

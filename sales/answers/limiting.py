"""Who pays from which bucket, and what is said when one is empty.

A purchase is counted per shopper; besides, for a client with a key by the client's own figure, and for everybody else
per address, as a high ceiling, because offices and phone networks share addresses. A client's server has one address
for all its users, so a ceiling per address would undo the client's own figure. Where requests are counted, and how, is
`sales.live.limiter`.
"""

from sales import conf
from sales.answers import wire
from sales.answers.ask import Answer, Asking, Headers, result_of
from sales.conf import WithoutCache
from sales.domain import addresses
from sales.domain.rates import Rate
from sales.live import limiter
from sales.live.limiter import Allowance, Bucket
from sales.queries.api_keys import Client

TOO_MANY_PURCHASES = "Too many purchase attempts, please try again later"
TOO_MANY_REQUESTS = "Too many requests, please try again later"
_UNCOUNTED = "Requests cannot be counted right now, so none is taken; please try again"


def for_purchase(*, shopper: str, address: str, client: Client | None = None) -> tuple[Bucket, ...]:
    """Return what one attempt to take a unit is paid from."""
    limits = conf.current().limits
    return (
        Bucket(f"purchase:shopper:{shopper}", limits.purchase_per_shopper),
        _shared("purchase", limits.purchase_per_address, address, client, client.purchase_rate if client else None),
    )


def for_lookup(*, address: str, client: Client | None = None) -> tuple[Bucket, ...]:
    """Return what a look-up is paid from, and an act on a hold: both are about what one has already."""
    limits = conf.current().limits
    return (_shared("lookup", limits.lookup_per_address, address, client, client.lookup_rate if client else None),)


def spend(buckets: tuple[Bucket, ...]) -> Asking[Allowance]:
    """Pay, all or nothing. Where limits are off, everything is allowed and nobody is asked."""
    if not conf.current().limits.on:
        return Allowance(allowed=True)
    return (yield from result_of(limiter.spend(buckets)))


def may_go_on(allowance: Allowance) -> bool:
    """Whether the request may be decided anew; without the cache server that is the shop's policy."""
    if allowance.allowed is None:
        return conf.current().limits.without_cache is WithoutCache.ALLOW
    return allowance.allowed


def refusal(allowance: Allowance, *, sentence: str) -> Answer:
    """Say that it was too often and when to come back; or that nobody can count right now."""
    if allowance.allowed is None:
        return wire.unavailable(_UNCOUNTED)
    return wire.error(429, sentence, (("Retry-After", str(_seconds(allowance))), *headers(allowance)))


def headers(allowance: Allowance) -> Headers:
    """Return the RateLimit fields of the tightest bucket, as the IETF's draft 6 has them: one each, in seconds."""
    bucket = allowance.bucket
    if bucket is None:
        return ()
    return (
        ("RateLimit-Policy", f"{bucket.rate.count};w={bucket.rate.seconds}"),
        ("RateLimit-Limit", str(bucket.rate.count)),
        ("RateLimit-Remaining", str(allowance.remaining)),
        ("RateLimit-Reset", str(_seconds(allowance))),
    )


def _seconds(allowance: Allowance) -> int:
    return max(1, -(-allowance.reset_ms // 1_000))


def _shared(what: str, per_address: Rate, address: str, client: Client | None, own_rate: Rate | None) -> Bucket:
    if client and own_rate:
        return Bucket(f"{what}:client:{client.slug}", own_rate)
    return Bucket(f"{what}:address:{addresses.counted(address)}", per_address)

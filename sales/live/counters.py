"""Plain counters on the cache server, many in one round trip: for what is counted in memory first."""

from collections.abc import Mapping

import redis
from django.core.cache import caches
from django_redis import get_redis_connection

from sales.live.calls import Server


def add(counts: Mapping[str, tuple[int, int]]) -> dict[str, int] | None:
    """Add to each counter, and return what they are now; None where the cache server is away.

    `counts` has, for each of Django's cache keys, how many to add and the seconds that a new counter lives.
    """
    if not counts:
        return {}
    cache = caches[Server.CACHE]
    client: redis.Redis = get_redis_connection(Server.CACHE)
    line = client.pipeline(transaction=False)
    for key, (more, seconds) in counts.items():
        made = cache.make_key(key)
        line.set(made, 0, ex=seconds, nx=True)
        line.incrby(made, more)
    try:
        replies = line.execute()
    except redis.RedisError:
        return None
    return dict(zip(counts, map(int, replies[1::2]), strict=True))

"""Several calls as one command, as the pipeline sends them, from synchronous tests."""

from collections.abc import Sequence
from typing import Any

from django_redis import get_redis_connection

from sales.live.calls import Call, Server


def run_together[T](calls: Sequence[Call[T]]) -> list[T]:
    """Run calls that go together, and read each one's reply."""
    first = calls[0]
    assert all(call.goes_with(first) for call in calls)
    keys = [*first.shared_keys, *(key for call in calls for key in call.keys)]
    args = [*first.shared_args, *(arg for call in calls for arg in call.args)]
    client: Any = get_redis_connection(first.server)
    if first.server is Server.CACHE:
        client.script_load(first.script.text)
    reply = client.evalsha(first.script.sha, len(keys), *keys, *args)
    assert len(reply) == len(calls) * first.own_reply
    return [call.read_from(reply, place) for place, call in enumerate(calls)]

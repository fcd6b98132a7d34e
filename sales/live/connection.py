"""Talking to the two servers from ordinary synchronous code, over django-redis' connections.

A server's fault is never an exception of `run`: whoever asks gets a result that says NO_SCRIPT, FULL, UNREACHABLE or
UNKNOWN. The keeper's own connection, which may load scripts, is `sales.live.line`.
"""

import logging
from collections.abc import Sequence
from typing import Any

import redis
from django_redis import get_redis_connection
from django_redis.exceptions import ConnectionInterrupted

from sales.domain.outcomes import Outcome
from sales.live.calls import Call, Server

logger = logging.getLogger(__name__)

CACHE_ERRORS: tuple[type[Exception], ...] = (ConnectionInterrupted, redis.ConnectionError, redis.TimeoutError)
"""What Django's cache raises while its server is away."""

MAY_HAVE_RUN = frozenset({Outcome.UNKNOWN, Outcome.UNREACHABLE})
"""After these, a ledger call is worth sending once more."""

_REFUSES_WRITES = ("OOM", "READONLY", "MISCONF", "NOREPLICAS")
_NOT_NOW = ("BUSY", "LOADING", "CLUSTERDOWN", "MASTERDOWN", "NOPERM")
_CODES: dict[type[redis.ResponseError], str] = {
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.NoPermissionError: "NOPERM",
}


def run[T](call: Call[T]) -> T:
    """Run one script and read its reply.

    A ledger call that got no answer is sent once more: it carries its order id, and a script looks for that before
    anything else. Within the deadlines of `Conf` this takes 2 s at the most.
    """
    reply = _attempt(call)
    if isinstance(reply, Outcome) and reply in MAY_HAVE_RUN and call.server is Server.LEDGER:
        first, reply = reply, _attempt(call)
        if reply is Outcome.UNREACHABLE and first is Outcome.UNKNOWN:
            reply = first  # not sent this time, but the first time it may have been
    return _result(call, reply)


def run_many[T](calls: Sequence[Call[T]]) -> list[T]:
    """Run several ledger scripts in one round trip, without a second try; results in the same order."""
    if not calls:
        return []
    replies = _ask_all(Server.LEDGER, calls)
    return [_result(call, reply) for call, reply in zip(calls, replies, strict=True)]


def answers(server: Server) -> bool:
    """Whether the server answers a PING within the deadlines."""
    try:
        return bool(_client(server).ping())
    except redis.RedisError:
        return False


def _client(server: Server) -> "redis.Redis":
    client: redis.Redis = get_redis_connection(server)
    return client


def _result[T](call: Call[T], reply: Any) -> T:
    """Read a reply, or make a result of the outcome that stands in its place."""
    if isinstance(reply, Outcome):
        return call.failed(reply)
    try:
        return call.read_from(reply)
    except ValueError:  # an entry that a script let pass: its numbers are sound, its order id is not
        logger.exception("The reply of the script %s cannot be read.", call.script.name)
        return call.failed(Outcome.CORRUPT)


def _attempt(call: Call[Any]) -> Any:
    """Return the reply of one try, or the outcome that stands for its fault."""
    reply = _ask_all(call.server, [call])[0]
    if reply is Outcome.NO_SCRIPT and call.server is Server.CACHE:
        # Nothing to prove on the cache server: whoever misses a script there brings it.
        reply = _ask_all(call.server, [call], with_text=True)[0]
    return reply


def _ask_all(server: Server, calls: Sequence[Call[Any]], *, with_text: bool = False) -> list[Any]:
    """Send all calls at once and read their replies, errors as outcomes."""
    pool = _client(server).connection_pool
    try:
        connection: Any = pool.get_connection()
    except (redis.ConnectionError, redis.TimeoutError):
        return [Outcome.UNREACHABLE] * len(calls)
    replies: list[Any] = []
    try:
        commands = [command_of(call, with_text=with_text) for call in calls]
        connection.send_packed_command(connection.pack_commands(commands))
        for call in calls:
            try:
                replies.append(connection.read_response())
            except redis.ResponseError as error:
                replies.append(outcome_of(error, call))
    except redis.BusyLoadingError:
        connection.disconnect()
        replies += [Outcome.UNREACHABLE] * (len(calls) - len(replies))
    except (redis.ConnectionError, redis.TimeoutError):
        replies += [Outcome.UNKNOWN] * (len(calls) - len(replies))
    finally:
        if len(replies) < len(calls):  # whatever else went wrong: no half-read reply goes back into the pool
            connection.disconnect()
        pool.release(connection)
    return replies


def command_of(call: Call[Any], *, with_text: bool = False) -> tuple[str | int, ...]:
    """Return the command that runs a call alone, by the script's SHA or with its text."""
    script = ("EVAL", call.script.text) if with_text else ("EVALSHA", call.script.sha)
    many = len(call.shared_keys) + len(call.keys)
    return (*script, many, *call.shared_keys, *call.keys, *call.shared_args, *call.args)


def outcome_of(error: redis.ResponseError, call: Call[Any]) -> Outcome:
    """Return what a server's error reply means for whoever asked."""
    code, _, text = str(error).partition(" ")
    for kind, its_code in _CODES.items():  # redis-py takes the code away where it has a class for it
        if isinstance(error, kind):
            return outcome_of_code(its_code, str(error), call)
    return outcome_of_code(code, text, call)


def outcome_of_code(code: str, text: str, call: Call[Any]) -> Outcome:
    """Return what an error reply means, by the word that it begins with."""
    if code == "NOSCRIPT":
        return Outcome.NO_SCRIPT
    if code in _REFUSES_WRITES:
        return Outcome.FULL
    if code in _NOT_NOW:
        return Outcome.UNREACHABLE
    logger.error("The script %s failed on the %s server: %s %s", call.script.name, call.server.name.lower(), code, text)
    return Outcome.CORRUPT

"""Asking a server without talking to it: a verb builds a `Call`, a connection runs it, the call reads the reply."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from sales.domain.outcomes import Outcome
from sales.live.scripts import Script

Reply = list[Any]
"""A script's reply: integers, and text as bytes."""


class Server(StrEnum):
    """The two servers. The value is the name of the Django cache that reaches it."""

    LEDGER = "ledger"
    CACHE = "default"


class Call[R](NamedTuple):
    """One script with its keys and arguments, and how to read what comes back.

    A call with an `own_reply` is of a script that takes several at once: what it shares with others goes out once for
    all of them, keys before keys and arguments before arguments, and the script answers with one list: so many values
    for the first, then so many for the next.

    `read` turns the call's own reply into a result; `failed` makes the same kind of result of the reason why there is
    none (NO_SCRIPT, FULL, UNREACHABLE, UNKNOWN), so that whoever asks always gets an answer and never an exception.
    A tuple, because every purchase makes several.
    """

    script: Script
    keys: tuple[str, ...]
    args: tuple[str | int, ...]
    read: Callable[[Reply], R]
    failed: Callable[[Outcome], R]
    server: Server = Server.LEDGER
    own_reply: int = 0
    shared_keys: tuple[str, ...] = ()
    shared_args: tuple[str | int, ...] = ()

    def read_from(self, reply: Reply, place: int = 0) -> R:
        """Read what is this call's in the reply to a command, in which it was at this place, from 0."""
        values = self.own_reply
        return self.read(reply[place * values : (place + 1) * values] if values else reply)

    def goes_with(self, other: "Call[Any]") -> bool:
        """Whether one command can be of both."""
        return (
            self.own_reply > 0
            and self.script is other.script
            and self.shared_args == other.shared_args
            and self.shared_keys == other.shared_keys
        )


def text_of(value: bytes | str) -> str:
    """Return a reply's text, whichever of the two the connection gives."""
    return value.decode() if isinstance(value, bytes) else value

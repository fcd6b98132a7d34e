"""Asking a server without talking to it: a verb builds a `Call`, a connection runs it, the call reads the reply."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sales.domain.outcomes import Outcome
from sales.live.scripts import Script

Reply = list[Any]
"""A script's reply: integers, and text as bytes."""


class Server(StrEnum):
    """The two servers. The value is the name of the Django cache that reaches it."""

    LEDGER = "ledger"
    CACHE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call[R]:
    """One script with its keys and arguments, and how to read what comes back.

    `read` turns the script's reply into a result; `failed` makes the same kind of result of the reason why there is no
    reply (NO_SCRIPT, FULL, UNREACHABLE, UNKNOWN), so that whoever asks always gets an answer and never an exception.
    """

    server: Server = Server.LEDGER
    script: Script
    keys: tuple[str, ...]
    args: tuple[str | int, ...]
    read: Callable[[Reply], R] = field(repr=False)
    failed: Callable[[Outcome], R] = field(repr=False)


def text_of(value: bytes | str) -> str:
    """Return a reply's text, whichever of the two the connection gives."""
    return value.decode() if isinstance(value, bytes) else value

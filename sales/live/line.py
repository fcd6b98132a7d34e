"""The keeper's own connection to the ledger: it proves, loads scripts and reads the stream.

A line never reconnects by itself. When it breaks, whatever was proven over it is proven no longer, and the next line
begins anew: between two connections the server may have become another one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis
from django_redis import get_redis_connection

from sales.live.calls import Call, Server, text_of
from sales.live.connection import command_of, outcome_of
from sales.live.keys import SaleKeys
from sales.live.scripts import LEDGER_SCRIPTS
from sales.live.stream import Event, seq_of


class LedgerUnavailable(Exception):
    """The ledger did not answer; the line is broken for good."""


class LedgerRefused(Exception):
    """The ledger answered with an error, as where a key has the wrong type. The line is sound."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stream entry that is no event of ours."""

    seq: int
    fields: dict[str, str]
    reason: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a server's data comes from, by its own word. `role` is `master` or `slave`."""

    role: str
    replication_id: str
    was_promoted: bool


class Line:
    """One connection to the ledger server, opened here and closed for good at the first fault.

    Use it in a `with` block. Every method raises LedgerUnavailable once the server is away, and LedgerRefused where the
    server answers with an error.
    """

    def __init__(self) -> None:
        try:
            self._connection: Any = get_redis_connection(Server.LEDGER).connection_pool.make_connection()
            self._connection.connect()
        except (redis.RedisError, OSError) as error:
            raise LedgerUnavailable(f"The ledger server cannot be reached: {error}") from error
        self._broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._broken = True
        self._connection.disconnect()

    def ask(self, *command: str | int, timeout: float | None = None) -> Any:
        """Send one command and return its reply. `timeout` (s) replaces the connection's own, for one that waits."""
        try:
            return self._send(*command, timeout=timeout)
        except redis.ResponseError as error:
            raise LedgerRefused(f"The ledger server answers {command[0]} with: {error}") from error

    def _send(self, *command: str | int, timeout: float | None = None) -> Any:
        if self._broken:
            raise LedgerUnavailable("This line to the ledger server is broken.")
        try:
            self._connection.send_command(*command, check_health=False)
            return self._connection.read_response(**({} if timeout is None else {"timeout": timeout}))
        except redis.ResponseError:
            raise
        except (redis.RedisError, OSError) as error:
            self.close()
            raise LedgerUnavailable(f"The ledger server did not answer: {error}") from error

    def ask_many(self, commands: Sequence[Sequence[str | int]]) -> list[Any]:
        """Send several commands at once and return their replies. Raises LedgerRefused where one was refused."""
        if self._broken:
            raise LedgerUnavailable("This line to the ledger server is broken.")
        refused: redis.ResponseError | None = None
        replies: list[Any] = []
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    replies.append(self._connection.read_response())
                except redis.ResponseError as error:
                    refused = refused or error
        except (redis.RedisError, OSError) as error:
            self.close()
            raise LedgerUnavailable(f"The ledger server did not answer: {error}") from error
        if refused:
            raise LedgerRefused(f"The ledger server answers with: {refused}") from refused
        return replies

    def run[T](self, call: Call[T]) -> T:
        """Run a script with its text, loaded or not; for proof and stamping, before the others are loaded."""
        try:
            reply = self._send(*command_of(call, with_text=True))
        except redis.ResponseError as error:
            return call.failed(outcome_of(error, call))
        return call.read(reply)

    def run_id(self) -> str:
        """Return what this run of the server is called; it has a new name after each start."""
        return self._said("INFO", "server")["run_id"]

    def settings(self, *names: str) -> dict[str, str]:
        """Read settings back from the server; one that may not be read is missing."""
        try:
            reply = self.ask("CONFIG", "GET", *names)
        except LedgerRefused:
            return {}
        pairs = reply.items() if isinstance(reply, Mapping) else zip(reply[::2], reply[1::2], strict=True)
        return {text_of(name): text_of(value) for name, value in pairs}

    def role(self) -> str:
        """Return `master` or `slave`."""
        return self.lineage().role

    def lineage(self) -> "Lineage":
        """Return whose copy this server is or was. A replica that became the primary may lack the end."""
        said = self._said("INFO", "replication")
        return Lineage(
            role=said["role"],
            replication_id=said["master_replid"],
            was_promoted=said["role"] == "master" and int(said["second_repl_offset"]) >= 0,
        )

    def has_scripts(self) -> bool:
        """Whether every ledger script of this version is loaded."""
        return all(self.ask("SCRIPT", "EXISTS", *(script.sha for script in LEDGER_SCRIPTS.values())))

    def load_scripts(self) -> None:
        """Load every ledger script; from then on the server sells. Only for a server that is proven."""
        for script in LEDGER_SCRIPTS.values():
            self.ask("SCRIPT", "LOAD", script.text)

    def drop_scripts(self) -> None:
        """Unload every script; from then on the server sells nothing."""
        self.ask("SCRIPT", "FLUSH")

    def health(self) -> dict[str, str]:
        """Return what the server says of its memory and its disk."""
        return self._said("INFO", "memory") | self._said("INFO", "persistence")

    def read_events(
        self, after: Mapping[int, int], *, count: int, wait_ms: int = 0
    ) -> dict[int, list[Event | Unreadable]]:
        """Read events of several sales: `after` has each sale's offset (a sequence number).

        Waits at most `wait_ms` for a first one (0: not at all). Sales without news are missing in the answer. Raises
        LedgerRefused where a stream's key has the wrong type, whichever of them it is.
        """
        if not after:
            return {}
        sales = {SaleKeys.of(sale).events: sale for sale in after}
        waiting: tuple[str | int, ...] = ("BLOCK", wait_ms) if wait_ms else ()
        reply = self.ask(
            "XREAD", "COUNT", count, *waiting, "STREAMS", *sales, *(f"{seq}-0" for seq in after.values()),
            timeout=wait_ms / 1000 + 2,
        )  # fmt: skip
        streams: Iterable[Any] = reply.items() if isinstance(reply, Mapping) else reply or ()
        return {
            sales[text_of(name)]: [_read(event_id, fields) for event_id, fields in found] for name, found in streams
        }

    def _said(self, *command: str) -> dict[str, str]:
        lines = text_of(self.ask(*command)).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


def _read(event_id: bytes, fields: Any) -> Event | Unreadable:
    pairs = dict(zip(fields[::2], fields[1::2], strict=True))
    try:
        return Event.read(event_id=event_id, fields=pairs)
    except ValueError as error:
        said = {_printable(name): _printable(value) for name, value in pairs.items()}
        try:
            seq = seq_of(event_id)
        except ValueError:
            seq = 0
        return Unreadable(seq=seq, fields=said, reason=str(error))


def _printable(value: bytes) -> str:
    return value.decode(errors="backslashreplace")

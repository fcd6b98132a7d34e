"""A TCP proxy that stands between two processes and does to their bytes what networks do, switched while it runs.

A process that is stopped is no partition: the kernel still takes and delivers its buffers. Here bytes are late, lost,
or cut off in the middle of a reply, in each direction by itself. Not here: who is connected through it, and what
follows from that.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST
_START_SECONDS = 10.0


class Doing(StrEnum):
    """What happens to the bytes of one direction."""

    PASS = "pass"
    DELAY = "delay"  # late by `seconds`, and by up to `jitter` more
    HOLD = "hold"  # a partition: nothing arrives until it is healed, and then everything does
    SWALLOW = "swallow"  # taken, and never delivered
    HALVE = "halve"  # half of what comes next is delivered, and nothing after it
    CUT = "cut"  # half of what comes next is delivered, then both ends are closed (FIN)
    RESET = "reset"  # what comes next is not delivered, and both ends are reset (RST)


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens, and for DELAY by how many seconds."""

    doing: Doing
    seconds: float = 0.0
    jitter: float = 0.0


PASS = Rule(Doing.PASS)
_Ends = tuple[asyncio.StreamWriter, asyncio.StreamWriter]
Address = Path | tuple[str, int]


class Proxy:
    """Listens on a loopback port of its own and passes everything on to `to`. Use it in a `with` block.

    What is on its way never has a gap: a connection out of which bytes were lost is silent in that direction, and is
    reset at the next change of rules, as TCP finds out on a line that carries again. New ones follow the rules of now.
    """

    def __init__(self, to: Address, *, seed: int = 0) -> None:
        """`to` is a unix socket or host and port; `seed` decides the jitter."""
        self._to = to
        self._chance = random.Random(seed)
        self._rules = {"requests": PASS, "replies": PASS}
        self._changed = asyncio.Event()  # bound to its loop when it is first waited for
        self._over = asyncio.Event()
        self._up = threading.Event()
        self._passing: set[asyncio.Task[None]] = set()  # an event loop itself does not keep its tasks alive
        self._open_ends: set[_Ends] = set()
        self._silent: set[_Ends] = set()  # out of which bytes were lost
        self._hung: set[_Ends] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="proxy")
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(_START_SECONDS)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._in_loop(self._over.set)
        self._thread.join()

    def set(self, *, requests: Rule = PASS, replies: Rule = PASS) -> None:
        """Do this from now on to what clients send, and to what the server answers. Returns when it holds."""
        done = threading.Event()

        def change() -> None:
            self._rules = {"requests": requests, "replies": replies}
            for writer in (writer for both in self._silent | self._hung for writer in both):
                _reset(writer)
            self._changed.set()
            self._changed = asyncio.Event()
            done.set()

        self._in_loop(change)
        assert done.wait(_START_SECONDS)

    def heal(self) -> None:
        """Pass everything on again, and what was held."""
        self.set()

    def hang(self) -> None:
        """Deliver nothing any more over the connections that are open now; new ones follow the rules."""
        done = threading.Event()

        def change() -> None:
            self._hung |= self._open_ends
            done.set()

        self._in_loop(change)
        assert done.wait(_START_SECONDS)

    def _in_loop(self, act: Callable[[], None]) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(act)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._over.wait()
        server.close()
        # asyncio.run cancels whoever still passes something on.

    def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(client, to_client))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _connect(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await self._open()
        except OSError:
            _reset(to_client)
            return
        both = (to_client, to_server)
        self._open_ends.add(both)
        try:
            await asyncio.gather(
                self._pass_on("requests", client, to_server, both), self._pass_on("replies", server, to_client, both)
            )
        except OSError:
            for writer in both:
                _reset(writer)
        except asyncio.CancelledError:
            for writer in both:
                writer.transport.abort()
            raise
        else:
            for writer in both:
                writer.close()
        finally:
            for ends in (self._open_ends, self._silent, self._hung):
                ends.discard(both)

    def _open(self) -> Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        if isinstance(self._to, Path):
            return asyncio.open_unix_connection(str(self._to))
        return asyncio.open_connection(*self._to)

    async def _pass_on(
        self,
        way: str,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        both: _Ends,
    ) -> None:
        """Pass one direction on until its end, or until something is done to it. Raises OSError where it breaks."""
        lost = False
        while data := await source.read(_CHUNK):
            rule = await self._rule_for(way)
            if both in self._hung:
                continue
            if lost or rule.doing is Doing.SWALLOW:
                lost = True
                self._silent.add(both)
                continue
            if rule.doing is Doing.DELAY:
                await asyncio.sleep(rule.seconds + self._chance.uniform(0, rule.jitter))
            elif rule.doing is Doing.RESET:
                raise ConnectionResetError
            elif rule.doing is not Doing.PASS:
                data, lost = data[: len(data) // 2], True
                self._silent.add(both)
            target.write(data)
            await target.drain()
            if rule.doing is Doing.CUT:
                for writer in both:
                    writer.close()
                return
        if not lost:
            target.close()

    async def _rule_for(self, way: str) -> Rule:
        """Return the rule of now; while that is to hold, wait for another."""
        while self._rules[way].doing is Doing.HOLD:
            await self._changed.wait()
        return self._rules[way]


def _reset(writer: asyncio.StreamWriter) -> None:
    end: socket.socket = writer.get_extra_info("socket")
    if end.family != socket.AF_UNIX and end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()

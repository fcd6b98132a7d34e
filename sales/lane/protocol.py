"""uvicorn's HTTP protocol, with two shortcuts for what is answered by the thousand, and better manners when it leaves.

ASGI hands over a body and takes an answer in messages, each by a coroutine, and checks every header anew. Whoever finds
a `Shortcut` among the extensions of the scope may take a body that has come already, and write an answer at once, with
header lines that it vouches for. Where there is none, or it refuses, the messages do the same: nothing depends on it.

A server that stops closes the connections on which nothing is under way, and with them what is on its way there. Here
such a connection stays for a second more, and the next answer says that it was the last.

Knows nothing of the lane, of Django, or of what is asked.
"""

import asyncio
from typing import Any
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

SHORTCUT = "sales.lane"
"""The extension's name in the scope."""
LEAVING_SECONDS = 1.0


class Shortcut:
    """One request, past the messages of ASGI."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        # The cycle holds the scope, and the scope this: a ring would leave every request to the garbage collector.
        self._cycle = ref(cycle)

    def body(self) -> bytes | None:
        """Return the body if all of it has come; None where it has to be waited for."""
        cycle = self._cycle()
        return None if cycle is None or cycle.more_body or cycle.disconnected else bytes(cycle.body)

    def answer(self, status: int, lines: bytes, body: bytes) -> bool:
        """Write an answer; False where that is not possible now, and nothing was written.

        `lines` are header lines, each with its end, Content-Length among them; nobody looks at them again.
        """
        cycle = self._cycle()
        if cycle is None or cycle.flow.write_paused or cycle.response_started or cycle.access_log:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        parts = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            parts += name, b": ", value, b"\r\n"
        parts += lines, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", body
        cycle.transport.write(b"".join(parts))
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class State(ServerState):
    """What all connections of a server share: uvicorn's, and whether the server is leaving."""

    leaving = False


class LaneProtocol(HttpToolsProtocol):
    """Starts a request when all bytes at hand are read, and at once: most answers need nobody to be waited for."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._reading = False
        self._next: tuple[RequestResponseCycle, Any] | None = None
        self._leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin; one that was accepted in the moment in which the server began to leave must hear of it, too."""
        super().connection_made(transport)
        if isinstance(self.server_state, State) and self.server_state.leaving:
            self.shutdown()

    def shutdown(self) -> None:
        """Leave: with the answer under way, else with the next one, else in a second."""
        self._leaving = True
        if self._is_idle():
            self.loop.call_later(LEAVING_SECONDS, self._leave)
        else:
            self.cycle.keep_alive = False

    def _leave(self) -> None:
        if self._is_idle() and not self.transport.is_closing():
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Read what came, then start the request that began in it."""
        self._reading = True
        super().data_received(data)
        self._reading = False
        if self._next:
            (cycle, app), self._next = self._next, None
            if self.transport.is_closing():
                return  # what followed was no HTTP, and that was said
            task = asyncio.Task(cycle.run_asgi(app), loop=self.loop, eager_start=True)
            if not task.done():
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._leaving:
            cycle.keep_alive = False
        extensions: Any = {SHORTCUT: Shortcut(cycle)}
        cycle.scope["extensions"] = extensions
        if self._reading:
            self._next = cycle, app
        else:  # one of several that came together: in its turn, so that they do not go before everybody else
            super()._start_asgi_task(cycle, app)

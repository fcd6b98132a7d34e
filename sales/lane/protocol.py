"""uvicorn's HTTP protocol, with a way past the messages of ASGI, and better manners when it leaves.

ASGI hands over a body and takes an answer in messages, each by a coroutine in a task, and checks every header anew. An
application that has a method `take` is offered each request that is whole: it may answer with header lines that it
vouches for, at once or when it can. Whatever it does not take goes the way of ASGI, so nothing depends on it.

Whoever asks again on a connection in the same words (a program, a page that polls) is not read again: the head is the
one that is known, byte by byte, and the body follows it.

A server that stops closes the connections on which nothing is under way, and with them what is on its way there. Here
such a connection stays for a second more, and the next answer says that it was the last.

Knows nothing of the lane, of Django, or of what is asked.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from sales.lane.request import Head, Request

LEAVING_SECONDS = 1.0
MOST_KEPT_BYTES = 2_048
"""No longer head is kept beside its connection."""
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})


class State(ServerState):
    """What all connections of a server share: uvicorn's, and whether the server is leaving."""

    leaving = False

    def __init__(self) -> None:
        super().__init__()
        self._joined: tuple[Any, bytes] = (None, b"")

    def first_lines(self) -> bytes:
        """Return what the server adds to each answer, as it goes over the wire."""
        headers, joined = self._joined
        if headers is not self.default_headers:
            joined = b"".join([b"%s: %s\r\n" % header for header in self.default_headers])
            self._joined = (self.default_headers, joined)
        return joined


class LaneProtocol(HttpToolsProtocol):
    """Begins a request when all bytes at hand are read, and at once."""

    cycle: Request
    server_state: State

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.first_lines = self.server_state.first_lines
        self._take: Callable[[Request], bool] | None = None if self.access_log else getattr(self.app, "take", None)
        self._reading = False
        self._in_message = False  # the parser has begun one
        self._begun = 0  # in the bytes that are being read
        self._next: Request | None = None
        self._known: tuple[bytes, int, Head] | None = None  # head as it came, length of all of it, and what it says
        self._leaving = False
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin; one that was accepted in the moment in which the server began to leave must hear of it, too."""
        super().connection_made(transport)
        if self.server_state.leaving:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and with it the wait for the next request."""
        super().connection_lost(exc)
        self._end_wait()

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
        """Read what came, then begin the request that began in it."""
        known = self._known
        if known and len(data) == known[1] and self._is_idle() and not self._in_message and data.startswith(known[0]):
            request = Request(self, known[2])
            request.body, request.more_body = data[len(known[0]) :], False
            self.cycle = request
            self._begin(request)
            return
        self._reading, self._begun, was_between = True, 0, not self._in_message
        super().data_received(data)
        self._reading = False
        if self._next:
            request, self._next = self._next, None
            if self.transport.is_closing():
                return  # what followed was no HTTP, and that was said
            if was_between and self._begun == 1 and not self._in_message:
                self._remember(data, request)
            self._begin(request)

    def _remember(self, data: bytes, request: Request) -> None:
        """Keep the head of a request that was all that came, and all of which came."""
        ends = len(data) - len(request.body)
        if ends > MOST_KEPT_BYTES or data[ends - 4 : ends] != b"\r\n\r\n":
            return
        if all(name not in _SPECIAL for name, _ in request.head.headers):
            self._known = (data[:ends], len(data), request.head)

    def _begin(self, request: Request) -> None:
        if self._leaving:
            request.keep_alive = False
        if request.more_body or self._take is None or self.root_path:
            request.run(self.app)
            return
        try:
            taken = self._take(request)
        except Exception as mistake:  # noqa: BLE001 - said and answered as any other of the application
            request.fail(mistake)
            return
        if not taken:
            request.run(self.app)

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._in_message = True
        self._begun += 1

    def on_headers_complete(self) -> None:
        """Make a request of what was read; it begins when the one before it is answered. Nobody is upgraded."""
        before = self.cycle
        self.cycle = request = Request(self, Head(self))
        if before is None or before.response_complete:
            self._start_asgi_task(request, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((request, self.app))

    def on_body(self, body: bytes) -> None:
        """Add to the body."""
        request = self.cycle
        if request.response_complete:
            return
        request.body += body
        if len(request.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        request.wake()

    def on_message_complete(self) -> None:
        """All of the request has come."""
        self._in_message = False
        request = self.cycle
        if not request.response_complete:
            request.more_body = False
            request.wake()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ARG002 - uvicorn's
        request: Any = cycle
        if self._reading:
            self._next = request
        else:  # one of several that came together: in its turn, so that they do not go before everybody else
            self.loop.call_soon(self._begin, request)

    def on_response_complete(self) -> None:
        """Go on with what came behind the answered request, or wait for the next one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            request, app = self.pipeline.pop()
            self._start_asgi_task(request, app)
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:  # else it runs: one timer, however many requests
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _unset_keepalive_if_required(self) -> None:
        """Do nothing: the timer looks for itself whether anything came."""

    def _end_wait(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _look_whether_idle(self) -> None:
        """Close a connection on which nothing came for long enough; else look again."""
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if not self._is_idle() or self._in_message:
            left = self.timeout_keep_alive
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self._look_whether_idle)
        else:
            self.timeout_keep_alive_task = None
            self.timeout_keep_alive_handler()

"""One request as the protocol reads it: its head, and the two ways of answering it.

Which requests begin when, and on which connection, is `protocol`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from sales.lane.protocol import LaneProtocol

type App = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""


class Head:
    """What stands before a body. Never changes, but for `note`: what the application remembers of such a request."""

    __slots__ = ("client", "expects_continue", "headers", "keep_alive", "method", "note", "path", "query", "raw_path",
                 "scheme", "version")  # fmt: skip

    def __init__(self, protocol: "LaneProtocol") -> None:
        parser = protocol.parser
        url = httptools.parse_url(protocol.url)
        self.method: str = parser.get_method().decode("ascii")
        self.version: str = parser.get_http_version()
        self.raw_path: bytes = url.path
        self.path = unquote(url.path.decode("ascii"))
        self.query: bytes = url.query or b""
        self.headers: list[tuple[bytes, bytes]] = protocol.headers
        self.scheme = protocol.scheme or "http"
        self.client = protocol.client
        self.expects_continue = protocol.expect_100_continue
        self.keep_alive: bool = self.version != "1.0" and parser.should_keep_alive()
        self.note: Any = None


class Request(RequestResponseCycle):
    """One request: uvicorn's, made of what each one needs; what only the messages of ASGI need is made for them."""

    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0

    def __init__(self, protocol: "LaneProtocol", head: Head) -> None:
        self.head = head
        self.protocol = protocol
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.keep_alive = head.keep_alive
        self.waiting_for_100_continue = head.expects_continue
        self.body: Any = b""  # mostly it comes in one piece

    @cached_property
    def scope(self) -> Any:  # type: ignore[override] # an attribute there
        """The request as ASGI describes it."""
        head, protocol = self.head, self.protocol
        root = protocol.root_path
        return {
            "type": "http",
            "asgi": {"version": protocol.asgi_version, "spec_version": "2.3"},
            "http_version": head.version,
            "server": protocol.server,
            "client": head.client,
            "scheme": head.scheme,
            "root_path": root,
            "method": head.method,
            "path": root + head.path,
            "raw_path": root.encode("ascii") + head.raw_path,
            "query_string": head.query,
            "headers": head.headers,
            "state": protocol.app_state.copy(),
        }

    @cached_property
    def message_event(self) -> asyncio.Event:  # type: ignore[override] # an attribute there
        """Set when there is something to receive."""
        event = asyncio.Event()
        if self.body or not self.more_body or self.disconnected or self.response_complete:
            event.set()
        return event

    def wake(self) -> None:
        """Tell whoever waits for more of the body that something came."""
        waited_for = self.__dict__.get("message_event")
        if waited_for:
            waited_for.set()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override] # an attribute there
        """What the server adds to each answer."""
        return self.protocol.server_state.default_headers

    @property
    def access_log(self) -> bool:  # type: ignore[override] # an attribute there
        """Whether each answer is logged."""
        return self.protocol.access_log

    @property
    def logger(self) -> Any:  # type: ignore[override] # an attribute there
        """Hears what went wrong."""
        return self.protocol.logger

    @property
    def access_logger(self) -> Any:  # type: ignore[override] # an attribute there
        """Hears of each answer."""
        return self.protocol.access_logger

    def on_response(self) -> None:
        """Go on with what came behind this one."""
        self.protocol.on_response_complete()

    def answer(self, status: int, lines: bytes, body: bytes) -> bool:
        """Write an answer; False where that is not possible now, and nothing was written.

        `lines` are header lines, each with its end, Content-Length among them; nobody looks at them again.
        """
        if self.flow.write_paused or self.response_started:
            return False
        if self.disconnected:
            return True
        self.response_started = self.response_complete = True
        ending = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], self.protocol.first_lines(), lines, ending, body)))
        if not self.keep_alive:
            self.transport.close()
        self.protocol.on_response_complete()
        return True

    def run(self, app: App) -> None:
        """Have it answered in the messages of ASGI, beginning at once: most answers need nobody to be waited for."""
        tasks = self.protocol.tasks
        task = asyncio.Task(self.run_asgi(app), loop=self.protocol.loop, eager_start=True)
        if not task.done():
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    def fail(self, mistake: Exception) -> None:
        """Have a mistake of the application logged, and answered with 500."""

        async def raise_it(_scope: Any, _receive: Any, _send: Any) -> None:
            raise mistake

        self.run(raise_it)

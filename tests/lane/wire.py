"""The lane's own server without sockets: bytes in, bytes out."""

import asyncio
from http.client import HTTPResponse
from io import BytesIO
from typing import Any

import uvicorn
from django.core.wsgi import get_wsgi_application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sales.lane.app import Lane
from sales.lane.protocol import LaneProtocol, State
from tests.lane.both import Got, Sent


class Line:
    """The server's end of a connection that keeps what is written."""

    def __init__(self, sent: Sent | None = None) -> None:
        peer, scheme = (sent.peer, sent.scheme) if sent else ("203.0.113.7", "http")
        self._info = {
            "peername": (peer, 50_000) if peer else "",
            "sockname": ("127.0.0.1", 8_000),
            "sslcontext": "there is one" if scheme == "https" else None,
        }
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._info.get(name, default)

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Answers:
    """What stands on the wire, read as a client reads it."""

    def __init__(self, written: bytes) -> None:
        self._wire = BytesIO(written)

    def makefile(self, _mode: str) -> BytesIO:
        return self._wire

    def all(self, *, count: int, method: str = "GET") -> list[Got]:
        found = []
        for _ in range(count):
            answer = HTTPResponse(self, method=method)  # type: ignore[arg-type]
            answer.fp.close = lambda: None  # type: ignore[method-assign] # the next one is in it
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            found.append(Got(answer.status, headers, answer.read()))
        return found


def raw(sent: Sent) -> bytes:
    """Return a request as it goes over the wire."""
    head = b"".join(b"%s: %s\r\n" % header for header in sent.on_the_wire)
    body = sent.body or b""
    if sent.chunked and sent.body is not None:
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (sent.method.encode(), sent.target.encode(), head) + body


async def began(
    app: Any, protocol: type[HttpToolsProtocol] = LaneProtocol, *, sent: Sent | None = None
) -> tuple[HttpToolsProtocol, State, Line]:
    """Begin a connection to a server of one."""
    config = uvicorn.Config(app, log_config=None, access_log=False, http=protocol, lifespan="off", proxy_headers=False)
    config.load()
    line, state = Line(sent), State()
    connection = protocol(config=config, server_state=state, app_state={})
    connection.connection_made(line)  # type: ignore[arg-type]
    return connection, state, line


def through_server(sent: Sent) -> Got:
    """Have a request answered by the lane in its own server."""
    (got,), _ = served(raw(sent), sent=sent)
    return got


def served(
    *packets: bytes, count: int = 1, slow_reader: bool = False, in_turn: bool = False, sent: Sent | None = None
) -> tuple[list[Got], Line]:
    """Send these packets over one connection, and wait until so many answers are written.

    With `in_turn` each waits for the answer to the one before. `sent` says from where, and by which method, where that
    matters.
    """

    async def serve() -> Line:
        lane = Lane(get_wsgi_application(), threads=1)
        protocol, state, line = await began(lane, sent=sent)
        if slow_reader:
            protocol.pause_writing()
        try:
            for packet in packets:
                protocol.data_received(packet)
                await asyncio.sleep(0)
                while in_turn and protocol.cycle and not (protocol.cycle.response_complete or protocol.cycle.more_body):
                    await asyncio.sleep(0.001)
            protocol.resume_writing()
            async with asyncio.timeout(30):
                while line.written.count(b"HTTP/1.1 ") < count or state.tasks:
                    await asyncio.sleep(0.001)
        finally:
            closed = line.closed
            protocol.connection_lost(None)
            line.closed = closed
            await lane.close()
        return line

    line = asyncio.run(serve())
    return Answers(line.written).all(count=count, method=sent.method if sent else "GET"), line

"""One request, sent to plain Django as a WSGI server would, and through the lane as an ASGI server would."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from django.core.wsgi import get_wsgi_application

from sales.lane.app import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request as it goes over the wire; `target` may hold percent signs and a query."""

    method: str = "GET"
    target: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    chunked: bool = False
    peer: str = "203.0.113.7"
    scheme: str = "http"

    def with_header(self, name: str, value: str) -> "Sent":
        return replace(self, headers={**self.headers, name: value})

    @property
    def on_the_wire(self) -> list[tuple[bytes, bytes]]:
        headers = {"host": "testserver", **self.headers}
        if self.body is not None and self.chunked:
            headers["transfer-encoding"] = "chunked"
        elif self.body is not None:
            headers.setdefault("content-length", str(len(self.body)))
        return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items() if value != "-"]


@dataclass(frozen=True, slots=True)
class Got:
    """The answer to it; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def through_django(sent: Sent) -> Got:
    """Have it answered by the WSGI application."""
    path, _, query = sent.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": sent.peer,
        "wsgi.url_scheme": sent.scheme,
        "wsgi.input": io.BytesIO(sent.body or b""),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in sent.on_the_wire:
        name = raw_name.decode().upper().replace("-", "_")
        environ[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"] = raw_value.decode("latin-1")
    started: list[tuple[str, list[tuple[str, str]]]] = []
    parts = get_wsgi_application()(environ, lambda status, headers, *_: started.append((status, headers)))  # type: ignore[arg-type]
    body = b"".join(parts)
    parts.close()
    (status, headers), *_ = started
    # A server leaves the body away where there is none.
    body = b"" if sent.method == "HEAD" else body
    return Got(int(status.split()[0]), {name.lower(): value for name, value in headers}, body)


def through_lane(sent: Sent, *, body_seconds: float = 10.0) -> Got:
    """Have it answered by the ASGI application."""
    return asyncio.run(_one(sent, body_seconds))


async def _one(sent: Sent, body_seconds: float) -> Got:
    lane = Lane(get_wsgi_application(), threads=2, body_seconds=body_seconds)
    try:
        return await ask(lane, sent)
    finally:
        await lane.close()


def scope_of(sent: Sent) -> dict[str, Any]:
    """Return what uvicorn makes of it."""
    path, _, query = sent.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": (sent.peer, 50_000) if sent.peer else None,
        "scheme": sent.scheme,
        "method": sent.method,
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": sent.on_the_wire,
        "state": {},
    }


async def ask(lane: Lane, sent: Sent, *, never_whole: bool = False) -> Got:
    """Send it to a lane; with `never_whole` the body never comes to its end."""
    parts = [sent.body or b""]
    if sent.chunked and sent.body:
        parts = [sent.body[at : at + 7] for at in range(0, len(sent.body), 7)]
    waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for number, part in enumerate(parts, start=1):
        more = never_whole or number < len(parts)
        waiting.put_nowait({"type": "http.request", "body": part, "more_body": more})
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    await lane(scope_of(sent), waiting.get, send)
    start = said[0]
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in said[1:])
    return Got(start["status"], headers, b"" if sent.method == "HEAD" else body)

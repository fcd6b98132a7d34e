"""Django behind the lane: plain WSGI in threads, through a2wsgi. A thread is taken only for a request that is whole.

The request that Django sees is the one that a WSGI server would have made of the same bytes.
"""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi import build_environ
from django.conf import settings

from sales import conf
from sales.lane.asked import Asked, Scope
from sales.lane.bodies import Body, again

ADMIN_BODY_BYTES = 25 * 1_024 * 1_024  # pictures
_ANSWER_PARTS = 4_096  # an answer waits for a slow reader here, so that its thread does not
_RAW = "lane.raw"
_HOW_THE_BODY_CAME = (b"content-length", b"transfer-encoding")

type WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Any]


def most_bytes(path: str) -> int:
    """Return the longest body that is read for Django: a little more than it takes, so that it can say so itself."""
    if path.startswith("/admin/"):
        return ADMIN_BODY_BYTES
    if path == "/api" or path.startswith("/api/"):
        return conf.current().body_limit_bytes + 1
    return (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or ADMIN_BODY_BYTES) + 1


class Django:
    """The rest of the site, as an ASGI application that wants its bodies read."""

    def __init__(self, wsgi: WsgiApp, *, threads: int) -> None:
        app: Any = _as_sent(wsgi)
        self._asgi: Any = WSGIMiddleware(app, workers=threads, send_queue_size=_ANSWER_PARTS)

    async def answer(self, asked: Asked, body: Body | None) -> None:
        """Have Django answer. The headers are those of the request, but for how the body came here."""
        headers = _without_underscores(asked.scope)
        if body is not None:
            came = (b"content-length", str(len(body.content)).encode())
            if body.whole:  # one that came in chunks, too, has a length now
                headers = [(name, value) for name, value in headers if name not in _HOW_THE_BODY_CAME]
                headers.append(came)
            elif "content-length" not in asked.headers:
                headers.append(came)
        receive = again(body or Body(b"", whole=True), asked.receive)
        await self._asgi(_handed(asked.scope, headers), receive, asked.send)

    def close(self) -> None:
        """Let the threads finish and end them."""
        self._asgi.executor.shutdown()


def environ_of(asked: Asked) -> dict[str, Any]:
    """Return the request without its body as a WSGI server would give it to a view."""
    handed: Any = _handed(asked.scope, _without_underscores(asked.scope))
    nothing: Any = io.BytesIO()
    environ: Any = build_environ(handed, nothing)
    _correct(environ)
    made: dict[str, Any] = environ
    return made


def _handed(scope: Scope, headers: list[tuple[bytes, bytes]]) -> Scope:
    raw = (scope.get("raw_path") or scope["path"].encode(), scope["query_string"])
    return {**scope, "headers": headers, "query_string": b"", _RAW: raw}


def _without_underscores(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers but those that WSGI could not tell from others, which anybody may send."""
    return [(name, value) for name, value in scope["headers"] if b"_" not in name]


def _correct(environ: dict[str, Any]) -> None:
    """Give path and query byte by byte as they were sent, which ASGI's decoded ones are not."""
    path, query = environ["asgi.scope"][_RAW]
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")
    environ.setdefault("REMOTE_ADDR", "")  # a unix socket has none


def _as_sent(wsgi: WsgiApp) -> WsgiApp:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        _correct(environ)
        return wsgi(environ, start_response)

    return app

"""A request as it came over ASGI, and the shapes of that interface. What it means is decided elsewhere."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

type Message = MutableMapping[str, Any]
type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request, and the two ways to whoever asked."""

    scope: Scope
    receive: Receive
    send: Send

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        method: str = self.scope["method"]
        return method

    @property
    def path(self) -> str:
        """The path, decoded."""
        path: str = self.scope["path"]
        return path

    @property
    def query(self) -> str:
        """What stands behind the question mark, as it was sent."""
        query: bytes = self.scope["query_string"]
        return query.decode("latin-1")

    @property
    def scheme(self) -> str:
        """That of the connection; what a proxy says of it is in a header."""
        scheme: str = self.scope["scheme"]
        return scheme

    @property
    def peer(self) -> str:
        """The address of the connection; empty for a unix socket."""
        client = self.scope.get("client")
        return client[0] if client else ""

    @cached_property
    def headers(self) -> dict[str, str]:
        """See `texts_of`."""
        return texts_of(self.scope["headers"])

    @property
    def has_body(self) -> bool:
        """Whether a body comes with it."""
        headers = self.headers
        return headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers


def is_plain(path: str) -> bool:
    """Whether a decoded path means to Django what it means here."""
    return path.isprintable() and "\ufffd" not in path


def texts_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers as a WSGI application sees them: repeated ones joined, and none with an underscore."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        if b"_" in raw_name:
            continue  # in WSGI it could not be told from the one with a dash
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found

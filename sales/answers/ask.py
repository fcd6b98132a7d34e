"""What an answer is made from and what it is: the shapes that every edge shares.

An edge makes an `Ask` of its request, has the steps of an answer driven (`services.purchasing.run`, or the lane's own
driver), and makes its response of the `Answer`. Nothing here knows a web framework, a server or a clock.
"""

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sales.domain.reads import Read
from sales.live.calls import Call

Headers = tuple[tuple[str, str], ...]


class Ask(NamedTuple):
    """One request. `headers` has names in small letters; `address` is the client's, seen through trusted proxies.

    `body` is read to one byte over the limit at most, so that whoever answers can tell that it is too long. A tuple, as
    `Answer` is, because every request makes one.
    """

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    address: str = "127.0.0.1"
    host: str = "localhost"
    secure: bool = False

    def with_body(self, body: bytes) -> "Ask":
        """Return the same request with this body."""
        method, path, query, headers, _, address, host, secure = self
        return Ask(method, path, query, headers, body, address, host, secure)

    def __repr__(self) -> str:
        return f"Ask({self.method} {self.path})"  # headers and body may hold a key


class Answer(NamedTuple):
    """One response, whole. Content-Length and what the site adds to every response are the edge's."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def with_headers(self, headers: Headers) -> "Answer":
        """Return the same answer with these headers too."""
        return self._replace(headers=self.headers + headers) if headers else self


type Step = Call[Any] | Read[Any]
type Asking[R] = Generator[Step, Any, R]
"""Part of an answer: asks for calls and reads, is sent their results, and returns an R."""

type Steps = Asking[Answer]
"""A whole answer."""


def result_of[R](step: Call[R] | Read[R]) -> Asking[R]:
    """Ask for one step and return its result, with its type."""
    result: R = yield step
    return result

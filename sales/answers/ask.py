"""What an answer is made from and what it is: the shapes that every edge shares.

An edge makes an `Ask` of its request, has the steps of an answer driven (`services.purchasing.run`, or the lane's own
driver), and makes its response of the `Answer`. Nothing here knows a web framework, a server or a clock.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sales.domain.reads import Read
from sales.live.calls import Call

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `headers` has names in small letters; `address` is the client's, seen through trusted proxies.

    `body` is read to one byte over the limit at most, so that whoever answers can tell that it is too long.
    """

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a key
    body: bytes = field(default=b"", repr=False)
    address: str = "127.0.0.1"
    host: str = "localhost"
    secure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response, whole. Content-Length and what the site adds to every response are the edge's."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def with_headers(self, headers: Headers) -> "Answer":
        """Return the same answer with these headers too."""
        return replace(self, headers=self.headers + headers) if headers else self


type Step = Call[Any] | Read[Any]
type Asking[R] = Generator[Step, Any, R]
"""Part of an answer: asks for calls and reads, is sent their results, and returns an R."""

type Steps = Asking[Answer]
"""A whole answer."""


def result_of[R](step: Call[R] | Read[R]) -> Asking[R]:
    """Ask for one step and return its result, with its type."""
    result: R = yield step
    return result

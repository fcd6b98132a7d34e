"""One id per request: taken from the proxy in front or made here, in every log record and in the answer.

A run of a command, the keeper's among them, has one as well: `manage.py` begins it.

Nothing else about logging lives here; the site's settings put `RequestIdFilter` on their log output.
"""

import logging
import os
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from itertools import count

from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_MOST = 1 << 32
_current: ContextVar[str] = ContextVar("request_id", default="-")


class _Numbers:
    """Ids for one process: a start that is drawn once, and a count. They need not be hard to guess."""

    def __init__(self) -> None:
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._start, self._count = secrets.token_hex(4), count(secrets.randbelow(_MOST))

    def draw(self) -> str:
        """Return the next id, of sixteen hex digits."""
        return f"{self._start}{next(self._count) % _MOST:08x}"


_numbers = _Numbers()


def current() -> str:
    """Return the id of the request being answered, `-` outside of one."""
    return _current.get()


def chosen(offered: str | None) -> str:
    """Return the offered id if it is short and plain enough to stand in a log line, otherwise a new one."""
    return offered if offered and _SANE.fullmatch(offered) else _numbers.draw()


def begin(offered: str | None) -> None:
    """Give the request that is being answered its id."""
    _current.set(chosen(offered))


class RequestIdMiddleware:
    """Gives each request its id, before anything else looks at it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with its id set, and name the id in the answer."""
        begin(request.headers.get(HEADER))
        response = self._get_response(request)
        response.headers[HEADER] = current()
        return response


@receiver(request_finished, dispatch_uid="request_id")
def forget(**_: object) -> None:
    """End the id with its request: the thread goes on with somebody else's.

    Not when the middleware is left: Django logs 4xx and 5xx after that.
    """
    _current.set("-")


class RequestIdFilter(logging.Filter):
    """Puts `request_id` on each record; lets all of them pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id of the request in whose course the record was made."""
        record.request_id = current()
        return True

"""Pages for what went wrong: a note in the frame of the site, or for a fragment the stub with that note.

They ask nobody who is signed in: the database may be what is missing.
"""

import sys
from datetime import UTC, datetime
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from sales.answers.wire import instant
from sales.live.connection import CACHE_ERRORS
from sales.queries.copies import Unavailable
from sales.web import context, edge

AWAY: tuple[type[Exception], ...] = (
    *CACHE_ERRORS,
    OperationalError,
    InterfaceError,
    InternalError,
    Unavailable,
)
"""What is raised while the cache server or the database is away, or the database can only be read."""

RETRY_AFTER_SECONDS = 5


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's name
    """400: what came cannot be understood."""
    return _page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's name
    """403: not for this visitor."""
    return _page(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's name
    """403: a form that we did not write, or whose cookie is gone."""
    return _page(request, 403, is_stale_form=True)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's name
    """404: nothing is here."""
    return _page(request, 404)


def too_slow(request: HttpRequest) -> HttpResponse:
    """408: what was being sent did not come in time."""
    return _page(request, 408)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a mistake of ours. 503 where it was a server that is away, met outside of a view."""
    return unavailable(request) if isinstance(sys.exception(), AWAY) else _page(request, 500)


def too_many(request: HttpRequest, *, seconds: int) -> HttpResponse:
    """429: this address asks too often."""
    return _page(request, 429, seconds=seconds)


def unavailable(request: HttpRequest, *, seconds: int = RETRY_AFTER_SECONDS) -> HttpResponse:
    """503: a server that this needs is away."""
    return _page(request, 503, seconds=seconds)


def _page(request: HttpRequest, status: int, *, seconds: int = 0, is_stale_form: bool = False) -> HttpResponse:
    now = datetime.now(UTC)
    # A poll of a stub gets a stub that goes on polling; whatever else was asked gets a page.
    is_fragment = request.headers.get("HX-Request") == "true" and request.method == "GET" and seconds > 0
    told: dict[str, Any] = {
        **context.shop(None),
        "seconds": seconds,
        "delay_ms": seconds * 1_000,
        "path": request.path,
        "is_stale_form": is_stale_form,
        "status": status,
    }
    template = "sales/error_stub.html" if is_fragment else f"{status}.html"
    response = edge.AnswerResponse(render_to_string(template, told), status=status)
    response.headers["Cache-Control"] = "no-store"
    if is_fragment:
        response.headers["X-Server-Time"] = instant(round(now.timestamp() * 1_000))
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response

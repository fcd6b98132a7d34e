"""Turns a server that is away into 503 with Retry-After, for every view: never a 500 for a fault that heals.

What sessions and other middleware meet never comes here, because Django answers it at once; `errors.server_error` looks
for the same faults.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from sales.web import errors

logger = logging.getLogger(__name__)


class UnavailableMiddleware:
    """Answers for views whose cache server or database is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 where the view met a server that is away; leave everything else to Django."""
        if not isinstance(exception, errors.AWAY):
            return None
        logger.warning("%s %s: a server is away: %s", request.method, request.path, exception)
        return errors.unavailable(request)

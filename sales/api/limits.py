"""How often one address may ask for what is public. Purchases and look-ups have their own count: `answers.limiting`."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django_ratelimit.core import get_usage

from sales import conf
from sales.answers import limiting, wire
from sales.api import edge
from sales.conf import WithoutCache
from sales.domain import addresses
from sales.live.connection import CACHE_ERRORS

View = Callable[..., HttpResponse]


def limited(view: View) -> View:
    """Count requests per address by `panel_per_address`, the rate for polling a sale's state."""

    @wraps(view)
    def counting(request: HttpRequest, **named: str) -> HttpResponse:
        limits = conf.current().limits
        if not limits.on:
            return view(request, **named)
        rate = limits.panel_per_address
        value = addresses.counted(edge.address_of(request))
        try:
            usage = get_usage(
                request, group="api", key=lambda *_: value, rate=(rate.count, rate.seconds), increment=True
            )
        except CACHE_ERRORS:
            usage = {"time_left": -1}
        if usage["time_left"] < 0:  # nobody counted
            refused = limits.without_cache is WithoutCache.REFUSE
            return edge.response_of(wire.unavailable()) if refused else view(request, **named)
        if usage["should_limit"]:
            seconds = str(max(1, usage["time_left"]))
            return edge.response_of(wire.error(429, limiting.TOO_MANY_REQUESTS, (("Retry-After", seconds),)))
        return view(request, **named)

    return counting

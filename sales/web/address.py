"""The address that a page was asked from, seen through the trusted proxies; the rule itself is `domain.addresses`."""

from django.http import HttpRequest

from sales import conf
from sales.domain import addresses


def of(request: HttpRequest) -> str:
    """Return the client's address: the peer's, or what trusted proxies say, read from the right."""
    meta = request.META
    return addresses.client_address(
        meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), conf.current().trusted_proxies
    )


def counted(request: HttpRequest) -> str:
    """Return what limits count this visitor as."""
    return addresses.counted(of(request))

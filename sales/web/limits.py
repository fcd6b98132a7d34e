"""How often one address may ask for pages: one table from routes to policies, counted by django-ratelimit.

Buying and acts on holds are not in it: they have their own count, per shopper too, in `answers.limiting`. The API's
public reads count for themselves.
"""

import threading
from collections.abc import Callable
from enum import StrEnum

from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django_ratelimit.core import get_usage

from sales import conf
from sales.conf import Limits, WithoutCache
from sales.domain.rates import Rate
from sales.live.connection import CACHE_ERRORS
from sales.web import address, errors

HASH_WAIT_SECONDS = 2.0


class Policy(StrEnum):
    """Which rate a route is counted by."""

    PAGE = "page"
    PANEL = "panel"
    ACCOUNT = "account"
    LOGIN = "login"
    ADMIN = "admin"


ROUTES: dict[str, Policy | None] = {
    "panel": Policy.PANEL,
    "mine": Policy.PANEL,
    "receipt": Policy.PANEL,
    "buy": None,
    "confirm": None,
    "let_go": None,
    "extend": None,
    "account_login": Policy.LOGIN,
    "account_reauthenticate": Policy.LOGIN,
    "mfa_authenticate": Policy.LOGIN,
    "mfa_reauthenticate": Policy.LOGIN,
    "account_signup": Policy.LOGIN,
    "admin:login": Policy.LOGIN,
}
"""Routes by name. What is not here: `admin:…` by ADMIN, `account…` and `mfa_…` by ACCOUNT, `api:…` not at all, the rest
by PAGE."""

_BY_PREFIX: tuple[tuple[str, Policy | None], ...] = (
    ("admin:", Policy.ADMIN),
    ("account", Policy.ACCOUNT),
    ("mfa_", Policy.ACCOUNT),
    ("api:", None),
)

# Each of these costs a third of a second of processor; they must not starve the sale.
HASHING = frozenset(
    {
        "account_login",
        "account_signup",
        "account_reauthenticate",
        "account_change_password",
        "account_set_password",
        "account_reset_password_from_key",
        "admin:login",
    }
)
_one_hash = threading.BoundedSemaphore(1)
_HAS_THE_TURN = "sales.has_the_turn_to_hash"


def policy_of(match: ResolverMatch) -> Policy | None:
    """Return the policy of a route; None where it is not counted here."""
    name = match.view_name or ""
    if name in ROUTES:
        return ROUTES[name]
    return next((policy for prefix, policy in _BY_PREFIX if name.startswith(prefix)), Policy.PAGE)


def rate_of(policy: Policy, limits: Limits) -> Rate:
    """Return the installation's rate for a policy."""
    return {
        Policy.PAGE: limits.page_per_address,
        Policy.PANEL: limits.panel_per_address,
        Policy.ACCOUNT: limits.account_per_address,
        Policy.LOGIN: limits.login_per_address,
        Policy.ADMIN: limits.admin_per_address,
    }[policy]


class LimitsMiddleware:
    """Counts each request by its route's policy, and lets one password be hashed at a time in this process."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, and let the next one hash afterwards."""
        try:
            return self._get_response(request)
        finally:
            if request.META.pop(_HAS_THE_TURN, False):
                _one_hash.release()

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _named: object
    ) -> HttpResponse | None:  # fmt: skip
        """Refuse what is too often, and what would wait too long for its turn to hash a password."""
        match = request.resolver_match
        if match is None:
            return None
        policy = policy_of(match)
        refusal = refused(request, policy) if policy else None
        if refusal is None and request.method == "POST" and match.view_name in HASHING:
            if not _one_hash.acquire(timeout=HASH_WAIT_SECONDS):
                return errors.unavailable(request, seconds=2)
            request.META[_HAS_THE_TURN] = True
        return refusal


def refused(request: HttpRequest, policy: Policy) -> HttpResponse | None:
    """Count the request; return the answer where it is one too many, or where nobody can count and policy refuses."""
    limits = conf.current().limits
    if not limits.on:
        return None
    rate, counted = rate_of(policy, limits), address.counted(request)
    try:
        usage = get_usage(
            request, group=policy, key=lambda *_: counted, rate=(rate.count, rate.seconds), increment=True
        )  # fmt: skip
    except CACHE_ERRORS:
        usage = {"time_left": -1}
    if usage is None or usage["time_left"] < 0:  # nobody counted
        return errors.unavailable(request) if limits.without_cache is WithoutCache.REFUSE else None
    return errors.too_many(request, seconds=max(1, usage["time_left"])) if usage["should_limit"] else None

"""What every page shows around its own content: the shop's name, who is signed in, and the time it was written.

Nothing here asks the database before a template does: who is signed in is found out only where that is shown.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from sales import conf

_MOST_OF_A_NAME = 20
_RETURNS = ("sales", "sale", "purchases", "purchase")
_PLACES = {
    "sales": ("sales", "sale", "buy", "confirm", "let_go", "extend"),
    "purchases": ("purchases", "purchase"),
    "account": ("account",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Who sells here."""

    name: str
    place: str


class Visitor:
    """Who looks at a page, and in which part of the site."""

    def __init__(self, request: HttpRequest | None) -> None:
        self._request = request

    @cached_property
    def is_signed_in(self) -> bool:
        """Whether there is an account. A page that is not asked for by a request is nobody's."""
        user = getattr(self._request, "user", None)
        return bool(user and user.is_authenticated)

    @cached_property
    def email(self) -> str:
        """The account's address; empty where there is none."""
        return str(getattr(self._request, "user").email) if self.is_signed_in else ""  # noqa: B009 - may be missing

    @property
    def is_staff(self) -> bool:
        """Whether the account may work here."""
        return self.is_signed_in and bool(getattr(self._request, "user").is_staff)  # noqa: B009 - may be missing

    @property
    def name(self) -> str:
        """What the account is called in the head of the page."""
        user: Any = getattr(self._request, "user", None)
        name = (user.first_name if self.is_signed_in else "") or self.email.partition("@")[0]
        return name if len(name) <= _MOST_OF_A_NAME else f"{name[: _MOST_OF_A_NAME - 1]}…"

    @property
    def back_to(self) -> str:
        """Where to return after signing in: the page that is open, if it is one of the shop's own; else nothing."""
        match = self._request.resolver_match if self._request else None
        return str(reverse(match.view_name, kwargs=match.kwargs)) if match and match.url_name in _RETURNS else ""

    @property
    def at(self) -> str:
        """The part of the site: sales, purchases, account, or nothing."""
        match = self._request.resolver_match if self._request else None
        name = (match and match.url_name) or ""
        if name.startswith(("account_", "mfa_")):
            return "account"
        return next((place for place, names in _PLACES.items() if name in names), "")


def shop(request: HttpRequest | None) -> dict[str, Any]:
    """Return what the frame of each page needs."""
    current = conf.current()
    return {
        "shop": Shop(name=current.shop_name, place=current.shop_place),
        "visitor": Visitor(request),
        "now": datetime.now(UTC),
    }

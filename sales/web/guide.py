"""The rest of the style guide: pages other than a sale's, as they are seldom met, and where the accounts' pages are.

Numbers and people are made up. The states of a sale's page are `states`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from sales.queries.orders import Purchase, Purchases
from sales.web import errors, purchase
from sales.web.sales import Shelves

_AT = datetime(2026, 11, 22, 17, 17, 0, 418_000, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))


def _purchase(state: str) -> Purchase:
    is_known = state in {"recorded", "cancelled"}
    return Purchase(
        order_id=UUID("9df2f152-1d00-4000-8000-000000000063"),
        state=state,
        sale_slug="night-ferry",
        name="Night Ferry",
        subtitle="Screen print, 50 × 70 cm. 100 made, one each.",
        picture=None,
        picture_alt="",
        price=Decimal("48.00"),
        currency="EUR",
        unit=63,
        of=100,
        taken_at=_AT - timedelta(seconds=19),
        bought_at=None if state == "held" else _AT,
        recorded_at=_AT + timedelta(milliseconds=112) if is_known else None,
        deadline=_AT + timedelta(minutes=9) if state == "held" else None,
        cancelled_at=_AT + timedelta(days=1) if state == "cancelled" else None,
        cancel_reason="print damaged in the press" if state == "cancelled" else "",
    )


def _purchases(request: HttpRequest, *states: str, is_complete: bool = True) -> HttpResponse:
    purchases = Purchases(rows=tuple(_purchase(state) for state in states), is_complete=is_complete)
    return render(request, "sales/purchases.html", {"purchases": purchases})


def _receipt(request: HttpRequest, *, state: str) -> HttpResponse:
    shown = purchase.shown(request, _purchase(state))
    return render(request, "sales/purchase.html", {**shown, "bought_by": "ada@example.org", "delay_ms": None})


def _no_sales(request: HttpRequest) -> HttpResponse:
    return render(request, "sales/sales.html", {"shelves": Shelves(on_now=(), coming=(), over=())})


PAGES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "no-sales": _no_sales,
    "no-purchases": _purchases,
    "purchases": lambda request: _purchases(request, "held", "recording", "recorded", "cancelled"),
    "purchases-incomplete": partial(_purchases, is_complete=False),
    "receipt": partial(_receipt, state="recorded"),
    "receipt-cancelled": partial(_receipt, state="cancelled"),
    "not-found": errors.page_not_found,
    "not-understood": errors.bad_request,
    "not-allowed": errors.permission_denied,
    "stale-form": errors.csrf_failure,
    "too-slow": errors.too_slow,
    "too-many": partial(errors.too_many, seconds=24),
    "mistake": errors.server_error,
    "away": errors.unavailable,
}

_ACCOUNTS = {
    "sign-up": ("account_signup", []),
    "confirm": ("account_email_verification_sent", []),
    "confirm-with-an-old-link": ("account_confirm_email", ["old"]),
    "sign-in": ("account_login", []),
    "closed": ("account_inactive", []),
    "forgotten": ("account_reset_password", []),
    "forgotten-mail-sent": ("account_reset_password_done", []),
    "forgotten-with-an-old-link": ("account_reset_password_from_key", ["1", "old"]),
    "forgotten-done": ("account_reset_password_from_key_done", []),
    "account": ("account", []),
    "e-mail": ("account_email", []),
    "password": ("account_change_password", []),
    "is-it-you": ("account_reauthenticate", []),
    "second-factor": ("mfa_index", []),
    "second-factor-on": ("mfa_activate_totp", []),
    "recovery-codes": ("mfa_generate_recovery_codes", []),
    "sign-out": ("account_logout", []),
}


def accounts() -> dict[str, str]:
    """Return where the pages of accounts are. They are the real ones, as who looks may see them."""
    return {name: reverse(view, args=args) for name, (view, args) in _ACCOUNTS.items()}

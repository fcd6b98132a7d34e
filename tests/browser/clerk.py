"""Somebody in the office of a running demo: makes sales and visitors there, each in milliseconds instead of by hand.

`python -m tests.browser.clerk` reads one request a line, as JSON, and answers each with one line. Tests talk to it
through `tests.browser.shop`.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flashsale_site.settings")

import django

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.files import File  # noqa: E402
from django.utils import timezone  # noqa: E402

from sales.management.demo_children import PROJECT  # noqa: E402
from sales.models import Account, OnLedgerLoss, Product, Sale  # noqa: E402
from sales.services import lifecycle  # noqa: E402
from sales.services.acting import Actor  # noqa: E402

PASSWORD = "harbour lights at seven"
BY = Actor(who="the clerk")


def product(*, name: str, subtitle: str, description: str, price: int, picture: str, picture_alt: str) -> str:
    """Make a product; its picture is one of the demo's."""
    made = Product(
        name=name, subtitle=subtitle, description=description, price=Decimal(price), currency="EUR",
        picture_alt=picture_alt,
    )  # fmt: skip
    with (PROJECT / "sales" / "services" / "demo_pictures" / picture).open("rb") as opened:
        made.picture.save(picture, File(opened), save=True)
    return made.name


def sale(*, slug: str, product: str = "", opens_in: float = 0, lasts: float = 3_600, **terms: Any) -> str:
    """Publish a sale; by default one that is open, of twenty units, of the thing that the demo sells."""
    opens_at = timezone.now() + timedelta(seconds=opens_in)
    made = Sale.objects.create(
        slug=slug,
        product=Product.objects.get(name=product) if product else Product.objects.earliest("pk"),
        time_zone="Europe/Berlin",
        opens_at=opens_at,
        closes_at=opens_at + timedelta(seconds=lasts),
        on_ledger_loss=OnLedgerLoss.SELL_ON,
        **{"stock": 20, **terms},
    )
    lifecycle.publish(sale_pk=made.pk, by=BY)
    return made.slug


def visitor(*, email: str, staff: bool = False, is_verified: bool = False) -> dict[str, str]:
    """Make an account, and return the cookie of a browser in which it is signed in.

    `is_verified`: its address is confirmed, and it has a password.
    """
    password = PASSWORD if is_verified else None  # to hash one takes a while
    account = Account.objects.create_user(email=email, password=password, is_staff=staff, is_superuser=staff)
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    if is_verified:
        EmailAddress.objects.create(user=account, email=email, verified=True, primary=True)
    session.create()
    return {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key or ""}


def act(*, slug: str, verb: str) -> str:
    """Pause, resume or close a sale."""
    done = getattr(lifecycle, verb)(sale_pk=Sale.objects.get(slug=slug).pk, by=BY, why="a test")
    return str(done.sale.state)


REQUESTS: dict[str, Callable[..., Any]] = {"product": product, "sale": sale, "visitor": visitor, "act": act}

if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        answer = REQUESTS[request.pop("do")](**request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

"""What the demo sells: one sale about to open, one that opens in days, one that is over, and who may look behind.

Everything here can be done again at every start and changes only what has to change. Not here: when the demo starts
what, and anything that a real shop would use.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from sales import conf
from sales.domain import shoppers
from sales.domain.states import OrderState, SaleState
from sales.models import Account, ApiClient, CompareAtMeaning, OnLedgerLoss, Order, Product, Sale
from sales.services import acting, lifecycle
from sales.services.acting import Actor

SLUG = "sample-sale-1"
ADMIN_EMAIL = "admin@example.org"
BY_DEMO = Actor(who="manage.py demo")
_PICTURES = Path(__file__).parent / "demo_pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a new demo sale is to be."""

    stock: int
    opens_in: timedelta
    lasts: timedelta
    hold_seconds: int = 0


def prepare(*, wanted: Wanted, now: datetime) -> Sale:
    """Bring client and sales up to date; return the sale that visitors are to buy in.

    Raises `lifecycle.Refused` where the sale that is wanted would be over before it is there.
    """
    ApiClient.objects.get_or_create(slug="demo", defaults={"name": _("Open demo")})
    sale = _current(wanted=wanted, now=now)  # first, because its time runs
    _upcoming(now=now)
    _ended(now=now)
    return sale


def has_admin() -> bool:
    """Whether there is somebody who can sign in to the admin under the demo's address."""
    return Account.objects.filter(email__iexact=ADMIN_EMAIL).exists()


def make_admin(*, password: str) -> None:
    """Make the account of whoever runs the demo."""
    Account.objects.create_superuser(email=ADMIN_EMAIL, password=password)


def _current(*, wanted: Wanted, now: datetime) -> Sale:
    """Return the demo sale: the one that is there while it is not over, otherwise a new one."""
    sale = Sale.objects.filter(slug=SLUG).first()
    if sale and sale.is_live and sale.state != SaleState.CLOSED and sale.closes_at > now:
        return sale
    if sale and sale.state != SaleState.DRAFT:
        _set_aside(sale)
        sale = None
    opens_at = now + wanted.opens_in
    terms = {"stock": wanted.stock, "opens_at": opens_at, "closes_at": opens_at + wanted.lasts}
    terms |= {"hold_seconds": wanted.hold_seconds, "product": _product_x(), "on_ledger_loss": OnLedgerLoss.SELL_ON}
    if sale:  # a start that was interrupted left its draft
        Sale.objects.filter(pk=sale.pk).update(**terms)
    else:
        sale = _draft(slug=SLUG, **terms)
    return lifecycle.publish(sale_pk=sale.pk, by=BY_DEMO).sale


def _set_aside(sale: Sale) -> None:
    """Close a sale that is over and give its name free. No other sale is ever renamed."""
    if sale.state in lifecycle.CLOSE.begins:
        lifecycle.close(sale_pk=sale.pk, by=BY_DEMO, why=_("Its time is over; the demo opens a new one."))
    renamed = f"{SLUG}-{sale.opens_at:%Y%m%d-%H%M%S}"
    with transaction.atomic():
        Sale.objects.filter(pk=sale.pk).update(slug=renamed)
        acting.write_trail(by=BY_DEMO, act="rename", sale=sale, before={"slug": SLUG}, after={"slug": renamed})


def _upcoming(*, now: datetime) -> None:
    product = _product_timetable()
    if Sale.objects.filter(product=product, state=SaleState.PUBLISHED, opens_at__gt=now).exists():
        return
    opens_at = _clock(day=now + timedelta(days=7), hour=20)
    sale = _draft(
        slug=f"winter-timetable-{opens_at:%Y%m%d}",
        product=product,
        stock=240,
        limit=2,
        opens_at=opens_at,
        closes_at=opens_at + timedelta(hours=2),
        hold_seconds=600,
        hold_extension_seconds=300,
        on_ledger_loss=OnLedgerLoss.SELL_ON,
    )
    lifecycle.publish(sale_pk=sale.pk, by=BY_DEMO)


def _ended(*, now: datetime) -> None:
    """Put a sale that sold out yesterday on record. It is settled, so the live ledger never hears of it."""
    if Sale.objects.filter(slug="signal-flags").exists():
        return
    opens_at = _clock(day=now - timedelta(days=1), hour=18)
    closes_at = opens_at + timedelta(hours=1)
    with transaction.atomic():
        sale = _draft(
            slug="signal-flags",
            product=_product_flags(),
            stock=60,
            opens_at=opens_at,
            closes_at=closes_at,
            published_at=opens_at - timedelta(days=3),
            closed_at=closes_at,
            settled_at=closes_at + timedelta(minutes=5),
            state=SaleState.SETTLED,
            state_number=3,
            recorded=60,
            stream_offset=60,
        )
        Order.objects.bulk_create(_order(sale=sale, unit=unit) for unit in range(1, sale.stock + 1))


def _order(*, sale: Sale, unit: int) -> Order:
    """Return the order of one unit: quick ones first, the last after 3 min 12 s, as sales go."""
    bought_at = sale.opens_at + timedelta(seconds=192 * (unit / sale.stock) ** 2)
    order_id = uuid.uuid4()
    return Order(
        order_id=order_id,
        reference=Order.reference_of(order_id),
        sale=sale,
        shopper=shoppers.of_client(client="demo", user_id=f"visitor-{unit}"),
        slot=1,
        unit=unit,
        epoch=0,
        seq=unit,
        taken_at=bought_at,
        bought_at=bought_at,
        recorded_at=bought_at + timedelta(milliseconds=140),
        product_name=sale.product.name,
        product_subtitle=sale.product.subtitle,
        price=sale.product.price,
        currency=sale.product.currency,
        state=OrderState.RECORDED,
    )


def _draft(*, slug: str, **fields: Any) -> Sale:
    return Sale.objects.create(slug=slug, time_zone=timezone.get_default_timezone_name(), **fields)


def _clock(*, day: datetime, hour: int) -> datetime:
    """Return this hour of the shop's own day."""
    zone = timezone.get_default_timezone()
    return datetime.combine(day.astimezone(zone).date(), time(hour), tzinfo=zone)


def _product_x() -> Product:
    return _product(
        name="X",
        subtitle=_("Screen print, 50 × 70 cm"),
        description=_(
            "The thing that this demo sells. Each one is numbered, and there are exactly as many as the page says."
            " Nothing is sent and nothing is charged, so try whatever you like: two tabs, a double click, a script."
        ),
        price=Decimal(48),
        compare_at_price=Decimal(65),
        compare_at_meaning=CompareAtMeaning.BEFORE,
        picture="night-ferry.png",
        picture_alt=_("Screen print: a ferry with lit windows crosses a dark sea under a yellow moon."),
    )


def _product_timetable() -> Product:
    return _product(
        name=_("Winter Timetable"),
        subtitle=_("Wall calendar, 42 × 60 cm"),
        description=_(
            "Twelve sheets, one a month, printed in two colours. Up to two each. A number is held for you for ten"
            " minutes while you make up your mind; let it go and somebody else can have it."
        ),
        price=Decimal(29),
        picture="timetable.png",
        picture_alt=_("Wall calendar: a dark clock face shows four o'clock above two columns of departures."),
    )


def _product_flags() -> Product:
    return _product(
        name=_("Signal Flags"),
        subtitle=_("Linen tea towel, 60 pieces"),
        description=_("Four flags on heavy linen, hemmed by hand. It dries dishes and says nothing of importance."),
        price=Decimal(18),
        picture="signal-flags.png",
        picture_alt=_("Tea towel: four square signal flags hang below a line, in blue, red, yellow and white."),
    )


def _product(*, name: str, picture: str, **fields: Any) -> Product:
    """Return the demo's product of this name, made with its picture if it is missing."""
    product = Product.objects.filter(name=name).first()
    if product is None:
        product = Product(name=name, currency=conf.current().shop_currency, **fields)
        with (_PICTURES / picture).open("rb") as opened:
            product.picture.save(picture, File(opened), save=True)
    return product

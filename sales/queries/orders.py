"""What one shopper bought or holds, over all sales: the record, and before it the live ledger.

A purchase is the shopper's from the instant the ledger accepted it, so lists and receipts read the ledger of every live
sale too: a page never says "not bought" of what is only not yet in the books.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sales import conf
from sales.domain import references
from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live import connection, ledger
from sales.live.entries import Entry
from sales.live.results import Found
from sales.models import Order
from sales.queries import catalogue, pictures, tickets
from sales.queries.catalogue import SaleEntry
from sales.queries.pictures import Picture
from sales.queries.stubs import moment
from sales.queries.tickets import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One unit of one shopper. `state` is held, recording, recorded or cancelled; times are in the sale's zone."""

    order_id: UUID
    state: str
    sale_slug: str
    name: str
    subtitle: str
    picture: Picture | None
    picture_alt: str
    price: Decimal
    currency: str
    unit: int
    of: int
    taken_at: datetime
    bought_at: datetime | None = None
    recorded_at: datetime | None = None
    deadline: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str = ""
    may_be_lost: bool = False  # bought, and where the ledger's machine falls now, perhaps nobody's

    @property
    def reference(self) -> str:
        """The reference as people see it."""
        return references.spaced(references.of(self.order_id))

    @property
    def was_held(self) -> bool:
        """Whether the shopper confirmed it after it was taken."""
        return self.bought_at is not None and self.bought_at - self.taken_at >= timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """All of them, newest first. The newest may be missing where a ledger could not be asked (`is_complete` False)."""

    rows: tuple[Purchase, ...]
    is_complete: bool


def of_shopper(shopper: str) -> Purchases:
    """Return everything the shopper has."""
    # The ledger first: what is recorded between the two readings is then found in the record.
    live, is_complete = _in_ledgers(shopper)
    recorded = _on_record(shopper)
    rows = recorded | {order_id: row for order_id, row in live.items() if order_id not in recorded}
    ordered = sorted(rows.values(), key=lambda row: row.bought_at or row.taken_at, reverse=True)
    return Purchases(rows=tuple(ordered), is_complete=is_complete)


def one(shopper: str, order_id: UUID) -> Purchase | Outcome | None:
    """Return one purchase; None where the shopper has no such; UNREACHABLE where that cannot be told right now."""
    recorded = _on_record(shopper, order_id=order_id).get(order_id)
    if recorded:
        return recorded
    live, is_complete = _in_ledgers(shopper)
    if order_id in live:
        return live[order_id]
    # It may have been recorded, and its sale settled, between the two readings.
    recorded = _on_record(shopper, order_id=order_id).get(order_id)
    if recorded is None and not is_complete:
        return Outcome.UNREACHABLE
    return recorded


def _on_record(shopper: str, **only: UUID) -> dict[UUID, Purchase]:
    orders = Order.objects.filter(shopper=shopper, **only).select_related("sale__product")
    return {order.order_id: _recorded(order) for order in orders}


def _recorded(order: Order) -> Purchase:
    zone, product = ZoneInfo(order.sale.time_zone), order.sale.product
    is_cancelled = order.state == OrderState.CANCELLED
    return Purchase(
        order_id=order.order_id,
        state="cancelled" if is_cancelled else "recorded",
        sale_slug=order.sale.slug,
        name=order.product_name,
        subtitle=order.product_subtitle,
        picture=pictures.of(product),
        picture_alt=product.picture_alt,
        price=order.price,
        currency=order.currency,
        unit=order.unit,
        of=order.sale.stock,
        taken_at=order.taken_at.astimezone(zone),
        bought_at=order.bought_at.astimezone(zone),
        recorded_at=order.recorded_at.astimezone(zone),
        cancelled_at=order.cancelled_at and order.cancelled_at.astimezone(zone),
        cancel_reason=order.cancel_reason,
    )


def _in_ledgers(shopper: str) -> tuple[dict[UUID, Purchase], bool]:
    """Return what the live ledgers know, and whether all of them answered."""
    sales = [sale for sale in catalogue.all() if sale.is_live and sale.opens_at <= datetime.now(UTC) + _EARLY]
    found = _find(sales, shopper, catalogue.epoch())
    if any(each.outcome is Outcome.STALE_EPOCH for each in found):
        newer = catalogue.refresh()
        found = _find(sales, shopper, newer.epoch if newer else 0)
    having = [(sale, each) for sale, each in zip(sales, found, strict=True) if each.bought or each.open_holds]
    faces = tickets.many(sale for sale, _ in having) if having else {}
    rows = [_live(sale, faces[sale.slug], entry) for sale, each in having for entry in (*each.open_holds, *each.bought)]
    return {row.order_id: row for row in rows}, all(each.outcome is Outcome.FOUND for each in found)


_EARLY = timedelta(hours=1)  # in a sale that opens later than that nobody has anything, however wrong our clock


def _find(sales: list[SaleEntry], shopper: str, epoch: int) -> list[Found]:
    return connection.run_many([ledger.find(sale=sale.pk, epoch=epoch, shopper=shopper) for sale in sales])


def _live(sale: SaleEntry, ticket: Ticket, entry: Entry) -> Purchase:
    is_held = entry.is_hold
    return Purchase(
        order_id=entry.order_id,
        state="held" if is_held else "recording",
        sale_slug=sale.slug,
        name=ticket.name,
        subtitle=ticket.subtitle,
        picture=ticket.picture,
        picture_alt=ticket.picture_alt,
        price=sale.price,
        currency=sale.currency,
        unit=entry.unit,
        of=sale.stock,
        taken_at=moment(entry.taken_ms, sale),
        bought_at=None if is_held else moment(entry.at_ms, sale),
        deadline=moment(entry.at_ms, sale) if is_held else None,
        may_be_lost=not is_held and conf.current().may_lose_a_second,
    )

"""The face of a ticket: what is sold, with picture and price, and the terms of its sale.

It does not change by the second. Read from the record for each page. What changes is the stub: `panels` and `mine`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sales import conf
from sales.models import CompareAtMeaning, Product, Sale
from sales.queries import pictures
from sales.queries.catalogue import SaleEntry
from sales.queries.pictures import Picture
from sales.queries.stubs import local


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One sale as its page shows it; times are in the sale's zone."""

    slug: str
    name: str
    subtitle: str
    description: str
    picture: Picture | None
    picture_alt: str
    price: Decimal
    currency: str
    compare_at: Decimal | None
    compare_at_meaning: str
    stock: int
    limit: int
    opens_at: datetime
    closes_at: datetime
    hold_seconds: int
    zone: str
    may_lose_a_second: bool = False  # what was bought in the last second, where the ledger's machine falls

    @property
    def is_lowest_30_days(self) -> bool:
        """Whether the struck price was the shop's lowest in the last 30 days."""
        return self.compare_at_meaning == CompareAtMeaning.LOWEST_30_DAYS

    @property
    def is_recommended(self) -> bool:
        """Whether the struck price is the maker's recommended one."""
        return self.compare_at_meaning == CompareAtMeaning.RECOMMENDED


def of(sale: SaleEntry) -> Ticket:
    """Return the ticket of a sale."""
    return many([sale])[sale.slug]


def many(sales: Iterable[SaleEntry]) -> dict[str, Ticket]:
    """Return the tickets of several sales by slug, with one question to the record."""
    by_pk = {sale.pk: sale for sale in sales}
    rows = Sale.objects.filter(pk__in=by_pk).select_related("product")
    return {row.slug: _ticket(by_pk[row.pk], row.product) for row in rows}


def _ticket(sale: SaleEntry, product: Product) -> Ticket:
    return Ticket(
        slug=sale.slug,
        name=product.name,
        subtitle=product.subtitle,
        description=product.description,
        picture=pictures.of(product),
        picture_alt=product.picture_alt,
        price=product.price,
        currency=product.currency,
        compare_at=product.compare_at_price,
        compare_at_meaning=product.compare_at_meaning,
        stock=sale.stock,
        limit=sale.limit,
        opens_at=local(sale.opens_at, sale),
        closes_at=local(sale.closes_at, sale),
        hold_seconds=sale.hold_seconds,
        zone=sale.time_zone,
        may_lose_a_second=conf.current().may_lose_a_second,
    )

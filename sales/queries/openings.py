"""An opening as an event for calendars: when it begins and ends, and how often that was changed since it was public."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db.models import F, Q

from sales.domain.states import ChangeState, SaleState
from sales.models import StockChange
from sales.queries.catalogue import SaleEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One event. `uid` stays for good; `sequence` grows with each change, so that calendars take the newest."""

    uid: UUID
    sequence: int
    name: str
    opens_at: datetime
    closes_at: datetime
    is_off: bool


def of(sale: SaleEntry) -> Opening:
    """Return the event of a sale."""
    is_over = sale.state in (SaleState.CLOSED, SaleState.SETTLED)
    same_window = Q(opens_to=F("opens_from"), closes_to=F("closes_from"))
    moves = StockChange.objects.filter(sale_id=sale.pk, state=ChangeState.DONE).exclude(same_window).count()
    return Opening(
        uid=uuid5(NAMESPACE_OID, f"flash sale {sale.pk} {sale.slug}"),
        sequence=moves + is_over,
        name=sale.name,
        opens_at=sale.opens_at,
        closes_at=sale.closes_at,
        is_off=is_over,
    )

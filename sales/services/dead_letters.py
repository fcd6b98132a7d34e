"""Events that the record refused: kept with the reason, told to the ledger, left for a person to decide."""

from typing import Any
from uuid import UUID

from sales.live.line import Unreadable
from sales.live.stream import Event, EventKind
from sales.models import DeadLetter, Sale
from sales.services import incidents
from sales.services.incidents import IncidentKind, Trouble


def bury(*, sale: Sale, event: Event | Unreadable, reason: str) -> None:
    """Keep a refused event. Call it in the transaction that moves the offset past it."""
    DeadLetter.objects.create(
        sale=sale,
        epoch=event.epoch if isinstance(event, Event) else 0,
        seq=event.seq,
        event=_written(event),
        reason=_storable(reason),
    )
    text = f"Sale {sale.slug}: the record refused event {event.seq}. {_storable(reason)}"
    incidents.begin(Trouble(kind=IncidentKind.DEAD_LETTER, sale_pk=sale.pk, text=text))


def open_orders(*, sale_pk: int, since: int = 0) -> list[tuple[str, int, UUID]]:
    """Return (shopper, slot, order id) of the bought units behind event `since` that nobody has decided on yet."""
    rows = DeadLetter.objects.filter(sale=sale_pk, seq__gt=since, ended_at=None, event__what=EventKind.BOUGHT)
    return [
        (event["shopper"], event["slot"], UUID(event["order_id"]))
        for event in rows.order_by("seq").values_list("event", flat=True)
        if event.get("order_id")
    ]


def _written(event: Event | Unreadable) -> dict[str, Any]:
    if isinstance(event, Unreadable):
        return {"fields": {_storable(name): _storable(value) for name, value in event.fields.items()}}
    return {
        "what": event.what,
        "unit": event.unit,
        "shopper": _storable(event.shopper),
        "slot": event.slot,
        "order_id": str(event.order_id) if event.order_id else "",
        "key_digest": _storable(event.key_digest),
        "time_ms": event.time_ms,
        "taken_ms": event.taken_ms,
    }


def _storable(text: str) -> str:
    """PostgreSQL stores every character but one."""
    return text.replace("\0", "\\x00")

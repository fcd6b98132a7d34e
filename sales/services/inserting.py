"""Orders as rows: what an event becomes on record, one at a time or a whole batch in one statement.

A batch goes past Django's `bulk_create`, which prepares every value of every row and is most of what recording costs.
What all orders of a batch share is prepared once, and only an event's own values are made for each row: a third of the
time, and none of it while the database is locked. What may be stored is the database's business, in both ways.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from sales.domain import references
from sales.live.line import Unreadable
from sales.live.stream import Event
from sales.models import Order, Sale

_ORDERS = Order._meta  # noqa: SLF001 - Django documents it as what describes a model
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = ("order_id", "reference", "shopper", "slot", "unit", "epoch", "seq", "key_digest", "taken_at", "bought_at")
"""What an order has from its event; everything else is the same for all orders that are recorded together."""


class NoOrder(ValueError):
    """An event from which no order can be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Orders in the form that the database's driver takes: for each its own values, and those that all share."""

    own: Sequence[tuple[Any, ...]]
    shared: dict[str, Any]  # by column


def order_of(sale: Sale, event: Event | Unreadable, *, now: datetime) -> Order:
    """Make the order that an event becomes. Raises ValueError where it names none."""
    *plain, taken_ms, time_ms = _said(event)
    own = (*plain, _moment(taken_ms), _moment(time_ms))
    return Order(
        **dict(zip(_OWN, own, strict=True)),
        sale=sale,
        recorded_at=now,
        product_name=sale.product.name,
        product_subtitle=sale.product.subtitle,
        price=sale.product.price,
        currency=sale.product.currency,
    )


def rows_of(sale: Sale, events: Sequence[Event | Unreadable], *, now: datetime) -> Rows:
    """Make the rows of the orders that these events become. Raises ValueError where one names none."""
    if not events:
        return Rows(own=(), shared={})
    database = connections[DEFAULT_DB_ALIAS]
    fields = {field.name: field for field in _ORDERS.concrete_fields if not field.primary_key}
    first = order_of(sale, events[0], now=now)
    shared = {
        field.attname: field.get_db_prep_save(field.pre_save(first, add=True), database)
        for field in fields.values()
        if field.name not in _OWN
    }
    # Whole numbers and text go to the driver as they are; these two kinds take another form on each database.
    order_id, moments = fields["order_id"], _Moments()
    own = [
        (order_id.get_db_prep_value(uuid, database, prepared=True), *plain, moments[taken_ms], moments[time_ms])
        for uuid, *plain, taken_ms, time_ms in map(_said, events)
    ]
    return Rows(own=own, shared=shared)


def insert(rows: Rows) -> None:
    """Write them all, or none where the database refuses one. Call it in a transaction."""
    if not rows.own:
        return
    shared = tuple(rows.shared.values())
    database = connections[DEFAULT_DB_ALIAS]
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            # One column after the other: it plans a statement once, and not for each row.
            cursor.execute(_insert_columns(rows), [*shared, *map(list, zip(*rows.own, strict=True))])
        else:
            cursor.executemany(_insert_row(rows), [own + shared for own in rows.own])


def _insert_row(rows: Rows) -> str:
    return f"{_insert_into(rows)} VALUES ({_places(len(_OWN) + len(rows.shared))})"


def _insert_columns(rows: Rows) -> str:
    database = connections[DEFAULT_DB_ALIAS]
    # Without a length, as in varchar(250): what is too long must be refused and not cut.
    types = [str(_ORDERS.get_field(name).db_type(database)).partition("(")[0] for name in _OWN]
    columns = ", ".join(f"%s::{kind}[]" for kind in types)
    return f"{_insert_into(rows)} SELECT own.*, {_places(len(rows.shared))} FROM unnest({columns}) AS own"  # noqa: S608


def _insert_into(rows: Rows) -> str:
    quoted = connections[DEFAULT_DB_ALIAS].ops.quote_name
    columns = ", ".join(map(quoted, (*_OWN, *rows.shared)))
    return f"INSERT INTO {quoted(_ORDERS.db_table)} ({columns})"


def _places(count: int) -> str:
    return ", ".join(["%s"] * count)


class _Moments(dict[int, Any]):
    """Milliseconds since 1970 in the form that the driver takes. Many events of a batch share one: it is made once."""

    def __missing__(self, ms: int) -> Any:
        field = _ORDERS.get_field("bought_at")
        made = self[ms] = field.get_db_prep_save(_moment(ms), connections[DEFAULT_DB_ALIAS])
        return made


def _said(event: Event | Unreadable) -> tuple[Any, ...]:
    """Return what an order has from its event, with both times in milliseconds."""
    if isinstance(event, Unreadable) or event.order_id is None:
        raise NoOrder(event.reason if isinstance(event, Unreadable) else "The event names no order.")
    return (
        event.order_id,
        references.of(event.order_id),
        event.shopper,
        event.slot,
        event.unit,
        event.epoch,
        event.seq,
        event.key_digest,
        event.taken_ms,
        event.time_ms,
    )


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)

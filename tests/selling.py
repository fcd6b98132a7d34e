"""Buying in the ledger as a shopper's request does, and events and orders by hand, for tests of what comes after."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django_redis import get_redis_connection

from sales.domain import references
from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.live.results import Snapshot, Taken
from sales.live.stream import Event, EventKind
from sales.models import Order, Sale
from sales.services import recording
from tests.conftest import EPOCH

NOW_MS = 1_790_000_000_000


def ask_for_unit(sale: Sale, shopper: str, *, epoch: int = EPOCH, order_id: UUID | None = None) -> Taken:
    """Ask for a unit, whatever the answer."""
    return connection.run(
        ledger.purchase(sale=sale.pk, epoch=epoch, shopper=shopper, order_id=order_id or uuid4(), key_digest="")
    )


def buy(sale: Sale, *shoppers: str, epoch: int = EPOCH) -> None:
    """Buy one unit for each of these shoppers."""
    for shopper in shoppers:
        assert ask_for_unit(sale, shopper, epoch=epoch).outcome is Outcome.BOUGHT


def hold(sale: Sale, shopper: str, *, epoch: int = EPOCH) -> Taken:
    """Hold one unit."""
    taken = ask_for_unit(sale, shopper, epoch=epoch)
    assert taken.outcome is Outcome.HELD
    return taken


def in_ledger(sale: Sale, *, epoch: int | None = EPOCH) -> Snapshot:
    """Return the ledger's numbers of a sale."""
    return connection.run(ledger.snapshot(sale=sale.pk, epoch=epoch))


def raw() -> Any:
    """Return a client of the ledger server, to look at keys and to spoil them."""
    return get_redis_connection("ledger")


def write_event(sale: Sale, seq: int, **fields: str | int) -> None:
    """Write into the stream what no script wrote, as number `seq`; the sale's numbers know of it."""
    keys = SaleKeys.of(sale.pk)
    raw().xadd(keys.events, {name: str(value) for name, value in fields.items()} or {"what": "nonsense"}, f"{seq}-0")
    raw().hset(keys.meta, "seq", seq)


def drain(sale: Sale) -> recording.Recorded:
    """Record all that the sale's stream holds."""
    with Line() as line:
        return recording.drain(sale_pk=sale.pk, line=line, epoch=EPOCH)


def an_event(seq: int, **fields: Any) -> Event:
    """Make a bought event, by default of unit `seq` for shopper `u:<seq>`."""
    values: dict[str, Any] = {
        "epoch": EPOCH,
        "what": EventKind.BOUGHT,
        "unit": seq,
        "shopper": f"u:{seq}",
        "slot": 1,
        "order_id": uuid4(),
        "key_digest": "",
        "time_ms": NOW_MS,
        "taken_ms": NOW_MS,
    }
    return Event(seq=seq, **(values | fields))


def an_order(sale: Sale, **fields: Any) -> Order:
    """An order that is on record by another way."""
    moment = datetime.now(UTC)
    order_id = fields.pop("order_id", uuid4())
    values = {
        "reference": references.of(order_id),
        "shopper": "u:1",
        "slot": 1,
        "unit": 1,
        "epoch": EPOCH,
        "seq": 1,
        "taken_at": moment,
        "bought_at": moment,
        "recorded_at": moment,
        "product_name": "Night Ferry",
        "price": 48,
        "currency": "EUR",
    }
    order: Order = Order.objects.create(sale=sale, order_id=order_id, **(values | fields))
    return order

"""Buying in the ledger as a shopper's request does, for tests of what comes after."""

from typing import Any
from uuid import UUID, uuid4

from django_redis import get_redis_connection

from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.results import Snapshot, Taken
from sales.models import Sale
from tests.conftest import EPOCH


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

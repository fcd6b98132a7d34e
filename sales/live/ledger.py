"""The ledger's verbs as pure functions: each builds the `Call` of one script and knows how to read its reply.

Talks to nobody; see `sales.live.connection`. Times are integer milliseconds of the ledger server's clock.
"""

from collections.abc import Iterable
from uuid import UUID

from sales.domain.states import LedgerState
from sales.live.calls import Call
from sales.live.entries import write_order_id
from sales.live.keys import SaleKeys, of_sale
from sales.live.results import Changed, Done, Found, Snapshot, Taken, Terms, Ticked
from sales.live.scripts import LEDGER_SCRIPTS

_ALL = ("meta", "shoppers", "keys", "returned", "deadlines", "events")
_HOLD = ("meta", "shoppers", "returned", "deadlines", "events")


def purchase(
    *, sale: int, epoch: int, shopper: str, slot: int = 0, order_id: UUID, key_digest: str = ""
) -> Call[Taken]:
    """Take a unit: bought at once, or held where the sale has a hold time. Slot 0 is the shopper's next free one."""
    return Call(
        script=LEDGER_SCRIPTS["purchase"],
        keys=(),
        args=(shopper, slot, write_order_id(order_id), key_digest),
        read=Taken.read,
        failed=Taken.failed,
        own_reply=8,
        shared_keys=of_sale(sale, _ALL),
        shared_args=(epoch,),
    )


def _about_hold(verb: str, *, sale: int, epoch: int, shopper: str, slot: int, order_id: UUID) -> Call[Taken]:
    return Call(
        script=LEDGER_SCRIPTS[verb],
        keys=of_sale(sale, _HOLD),
        args=(epoch, shopper, slot, write_order_id(order_id)),
        read=Taken.read,
        failed=Taken.failed,
    )


def confirm(*, sale: int, epoch: int, shopper: str, slot: int = 0, order_id: UUID) -> Call[Taken]:
    """Buy a held unit. Slot 0 finds it by the order id."""
    return _about_hold("confirm", sale=sale, epoch=epoch, shopper=shopper, slot=slot, order_id=order_id)


def release(*, sale: int, epoch: int, shopper: str, slot: int = 0, order_id: UUID) -> Call[Taken]:
    """Let a held unit go."""
    return _about_hold("release", sale=sale, epoch=epoch, shopper=shopper, slot=slot, order_id=order_id)


def extend(*, sale: int, epoch: int, shopper: str, slot: int = 0, order_id: UUID) -> Call[Taken]:
    """Move a hold's deadline, once."""
    return _about_hold("extend", sale=sale, epoch=epoch, shopper=shopper, slot=slot, order_id=order_id)


def find(*, sale: int, epoch: int, shopper: str, key_digest: str = "") -> Call[Found]:
    """Read all that the ledger knows of one shopper, and who holds a key. Writes nothing."""
    return Call(
        script=LEDGER_SCRIPTS["find"],
        keys=of_sale(sale, ("meta", "shoppers", "keys")),
        args=(epoch, shopper, key_digest),
        read=Found.read,
        failed=Found.failed,
    )


def snapshot(*, sale: int, epoch: int | None) -> Call[Snapshot]:
    """Read a sale's numbers in one instant. Epoch None reads whichever epoch the ledger is in (for proof and audit)."""
    return Call(
        script=LEDGER_SCRIPTS["snapshot"],
        keys=of_sale(sale, ("meta", "returned", "deadlines", "events")),
        args=(-1 if epoch is None else epoch,),
        read=Snapshot.read,
        failed=Snapshot.failed,
    )


def tick(*, sale: int, epoch: int, most: int = 500) -> Call[Ticked]:
    """Free at most so many holds that are due, and store the clock."""
    return Call(
        script=LEDGER_SCRIPTS["tick"],
        keys=of_sale(sale, _HOLD),
        args=(epoch, most),
        read=Ticked.read,
        failed=Ticked.failed,
    )


def publish(*, sale: int, epoch: int, terms: Terms) -> Call[Done]:
    """Put a sale into the ledger for the first time."""
    return Call(
        script=LEDGER_SCRIPTS["publish"],
        keys=of_sale(sale, _ALL),
        args=(
            epoch,
            terms.stock,
            terms.limit,
            terms.opens_ms,
            terms.closes_ms,
            terms.hold_ms,
            terms.hold_extension_ms,
            int(terms.cancelled_counts),
            terms.state,
            terms.state_number,
        ),
        read=Done.read,
        failed=Done.failed,
    )


def set_state(*, sale: int, epoch: int, state: LedgerState, number: int) -> Call[Done]:
    """Open, pause or close; `number` is the record's number of this state change."""
    return Call(
        script=LEDGER_SCRIPTS["set_state"],
        keys=of_sale(sale, ("meta",)),
        args=(epoch, state, number),
        read=Done.read,
        failed=Done.failed,
    )


def change(*, sale: int, epoch: int, number: int, stock: int, opens_ms: int, closes_ms: int) -> Call[Changed]:
    """Change stock and window; `number` is the record's number of this change, `stock` and times are absolute."""
    return Call(
        script=LEDGER_SCRIPTS["change"],
        keys=of_sale(sale, ("meta", "returned", "deadlines")),
        args=(epoch, number, stock, opens_ms, closes_ms),
        read=Changed.read,
        failed=Changed.failed,
    )


def cancel(*, sale: int, epoch: int, shopper: str, slot: int, order_id: UUID, number: int = 0) -> Call[Changed]:
    """Cancel an order that is cancelled on record; `number` is the stock change that keeps its unit back, or 0."""
    return Call(
        script=LEDGER_SCRIPTS["cancel"],
        keys=of_sale(sale, _HOLD),
        args=(epoch, shopper, slot, write_order_id(order_id), number),
        read=Changed.read,
        failed=Changed.failed,
    )


def mark_recorded(*, sale: int, epoch: int, seq: int, dead: Iterable[tuple[str, int, UUID]] = ()) -> Call[Done]:
    """Say that events up to `seq` are on record; `dead` are (shopper, slot, order id) that the record refused."""
    triples: list[str | int] = []
    for shopper, slot, order_id in dead:
        triples += (shopper, slot, write_order_id(order_id))
    return Call(
        script=LEDGER_SCRIPTS["mark_recorded"],
        keys=of_sale(sale, ("meta", "shoppers")),
        args=(epoch, seq, *triples),
        read=Done.read,
        failed=Done.failed,
    )


def mend(*, sale: int, epoch: int, shopper: str, order_id: UUID) -> Call[Done]:
    """Say that an order that the record had refused is on record after all."""
    return Call(
        script=LEDGER_SCRIPTS["mend"],
        keys=of_sale(sale, ("meta", "shoppers")),
        args=(epoch, shopper, write_order_id(order_id)),
        read=Done.read,
        failed=Done.failed,
    )


def stamp(*, sale: int, old_epoch: int, new_epoch: int, moved: str = "") -> Call[Done]:
    """Move a sale that is proven complete into a new epoch; `moved` names the draft with the new deadlines."""
    keys = SaleKeys.of(sale)
    return Call(
        script=LEDGER_SCRIPTS["stamp"],
        keys=(*keys.named("meta", "deadlines"), SaleKeys.of(sale, draft=moved or "none").deadlines),
        args=(old_epoch, new_epoch, int(bool(moved))),
        read=Done.read,
        failed=Done.failed,
    )


def fence(*, sale: int, below: int) -> Call[Done]:
    """Shut a sale that is not to be believed, unless it is of an epoch above `below`: it answers STALE_EPOCH."""
    return Call(
        script=LEDGER_SCRIPTS["fence"],
        keys=of_sale(sale, ("meta",)),
        args=(below,),
        read=Done.read,
        failed=Done.failed,
    )


def move_holds(*, sale: int, epoch: int, draft: str, holds: Iterable[tuple[str, int]]) -> Call[Done]:
    """Give at most 500 open holds (`shopper/slot`, deadline) of a sale that is shut their new deadlines."""
    pairs: list[str | int] = []
    for holder, at_ms in holds:
        pairs += (holder, at_ms)
    keys = SaleKeys.of(sale)
    return Call(
        script=LEDGER_SCRIPTS["move_holds"],
        keys=(keys.meta, keys.shoppers, SaleKeys.of(sale, draft=draft).deadlines),
        args=(epoch, *pairs),
        read=Done.read,
        failed=Done.failed,
    )


def install(*, sale: int, epoch: int, draft: str, shoppers: int, keys: int, returned: int, events: int) -> Call[Done]:
    """Put a draft in the place of the sale's keys; the numbers say how much was written of each."""
    return Call(
        script=LEDGER_SCRIPTS["install"],
        keys=(*of_sale(sale, _ALL), *SaleKeys.of(sale, draft=draft).named(*_ALL)),
        args=(epoch, shoppers, keys, returned, events),
        read=Done.read,
        failed=Done.failed,
    )

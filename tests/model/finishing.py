"""From what is asked on record to what is done: telling the ledger of a change or a cancellation, and what follows.

Whoever began it does this, and any keeper; every part can be repeated. The rules of `sales.services.changing`,
`cancelling` and `asking`.
"""

from uuid import UUID

from sales.domain.outcomes import Outcome
from tests.model import record as transactions
from tests.model.world import Call, Record, Scope, World


def call_for(record: Record, *, place: int, order: UUID | None, said: Outcome | None = None) -> Call | None:
    """The script that tells the ledger; None where nothing is asked any more."""
    change = record.changes[place] if place >= 0 else None
    if order is None or (said is Outcome.SAME and change):
        return Call("change", record.epoch, number=change.number, stock=change.to) if change else None
    found = next(each for each in record.orders if each.order == order)
    number = change.number if change else 0
    return Call("cancel", record.epoch, found.shopper, found.slot, order, number)


def keeps_back(record: Record, order: UUID) -> int:
    """Place of the change, still asked, that keeps this order's unit back; or -1."""
    return next((n for n, each in enumerate(record.changes) if each.order == order and each.state == "asked"), -1)


def end(scope: Scope, world: World, *, place: int, order: UUID | None, said: Outcome, epoch: int) -> tuple[World, bool]:
    """Put on record what came of it. True where the ledger can be told again, since another change made way."""
    record = world.record
    if said is Outcome.OUT_OF_ORDER and place >= 0:
        after = _make_way(scope, world, place, epoch)
        return (after or world), after is not None
    if said not in (Outcome.DONE, Outcome.SAME) and not (said is Outcome.TOO_LOW and place >= 0):
        if place >= 0 and record.changes[place].to < record.sold and not order:
            record = transactions.refuse(record, place)  # the record knows of some that are sold, without the ledger
        return world._replace(record=record), False
    if place >= 0 and said is Outcome.TOO_LOW:
        record = transactions.refuse(record, place)
    elif place >= 0:
        settled = transactions.settle(record, place, epoch=epoch, loose=scope.loose)
        if settled is None:
            return world, False
        record = settled
    return world._replace(record=transactions.cancel_told(record, order) if order else record), False


def _make_way(scope: Scope, world: World, place: int, epoch: int) -> World | None:
    sale, record = world.selling, world.record
    if sale is None or sale.change_number != record.changes[place].number:
        return None
    late = transactions.late(record, number=sale.change_number, stock=sale.stock)
    if late < 0:
        return None
    after = transactions.make_way(record, place, late, epoch=epoch, loose=scope.loose)
    return world._replace(record=after) if after else None

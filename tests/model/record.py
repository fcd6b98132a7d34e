"""What transactions make of the record: each function is one, all of it or nothing.

The rules of `sales.services.recording`, `asking` and `cancelling`, and the constraints of the tables. A transaction
that the record refuses returns None.
"""

from collections.abc import Iterable
from uuid import UUID

from tests.model.world import Bought, Change, Loose, Order, Record

type Looseness = frozenset[Loose]


def write(
    record: Record, *, after: int, upto: int, events: Iterable[Bought], epoch: int, loose: Looseness
) -> Record | None:
    """Write what was read behind `after` in `epoch`, and move the offset; None where another keeper was there."""
    if record.offset != after and Loose.NO_OFFSET_CHECK not in loose:
        return None
    if record.epoch != epoch and Loose.COMMIT_IN_ANY_EPOCH not in loose:
        return None
    orders, letters = list(record.orders), list(record.letters)
    for event in events:
        if _is_repetition(orders, event):
            continue
        if _is_refused(record._replace(orders=tuple(orders)), event, loose):
            if Loose.STUCK_ON_REFUSAL in loose:
                return None
            if Loose.LETTER_DROPPED not in loose:
                letters.append(event)
            continue
        orders.append(Order(event.order, event.shopper, event.slot, event.unit, event.seq))
    return record._replace(offset=upto, orders=tuple(orders), letters=tuple(letters))


def _is_repetition(orders: Iterable[Order], event: Bought) -> bool:
    said = (event.order, event.shopper, event.slot, event.unit)
    return any((each.order, each.shopper, each.slot, each.unit) == said for each in orders)


def _is_refused(record: Record, event: Bought, loose: Looseness) -> bool:
    """Whether a constraint of the tables is against it."""
    standing = [each for each in record.orders if not each.cancelled]
    return (
        any(each.order == event.order for each in record.orders)
        or any(each.unit == event.unit for each in standing)
        or any((each.shopper, each.slot) == (event.shopper, event.slot) for each in standing)
        or (len(standing) >= record.stock and Loose.NO_CHECK not in loose)
    )


def ask(record: Record, *, to: int, loose: Looseness, order: UUID | None = None) -> Record | None:
    """Put a change on record as asked, and with it the stock that it raises."""
    if record.asked >= 0 or to < 0:
        return None
    change = Change(number=record.last_number + 1, start=record.stock, to=to, order=order)
    asked = record._replace(changes=(*record.changes, change))
    return asked._replace(stock=to) if _goes_first(change, loose) and to >= record.sold else asked


def _goes_first(change: Change, loose: Looseness) -> bool:
    """Whether the record goes before the ledger."""
    if change.to > change.start:
        return Loose.RAISED_LEDGER_FIRST not in loose
    return Loose.LOWERED_RECORD_FIRST in loose and not change.order


def settle(record: Record, place: int, *, epoch: int, loose: Looseness) -> Record | None:
    """The ledger has taken this change in `epoch`: it is done, and less stock is on record now, too."""
    change = record.changes[place]
    if change.state == "done":
        return record
    if record.epoch != epoch and Loose.SETTLED_IN_ANY_EPOCH not in loose:
        return None  # the ledger may have been made anew without it since
    others = [each for n, each in enumerate(record.changes) if n != place and each.state != "refused"]
    if any(each.number == change.number for each in others):
        return None
    done = record._replace(changes=_put(record.changes, place, change._replace(state="done")))
    if _goes_first(change, loose):
        return done
    return done._replace(stock=change.to) if done.sold <= change.to else None


def refuse(record: Record, place: int) -> Record:
    """The ledger has refused this change: its number is given back."""
    change = record.changes[place]
    if change.state != "asked":
        return record
    return record._replace(changes=_put(record.changes, place, change._replace(state="refused")))


def late(record: Record, *, number: int, stock: int) -> int:
    """Place of the refused change that the ledger has taken after all, or -1."""
    found = [
        place
        for place, each in enumerate(record.changes)
        if (each.number, each.to, each.state) == (number, stock, "refused")
    ]
    return found[-1] if found else -1


def make_way(record: Record, place: int, late_one: int, *, epoch: int, loose: Looseness) -> Record | None:
    """Put the late change on record, and count this one, which had its number, on from it."""
    change, before = record.changes[place], record.changes[late_one]
    if change.state != "asked":
        return None
    to = before.to - 1 if change.order else change.to
    counted_on = change._replace(number=change.number + 1, start=before.to, to=to)
    settled = settle(
        record._replace(changes=_put(record.changes, place, counted_on)), late_one, epoch=epoch, loose=loose
    )
    if settled is None:
        return None
    return settled._replace(stock=to) if to > counted_on.start else settled


def cancel(record: Record, order: UUID, *, kept_back: bool, loose: Looseness) -> Record | None:
    """Cancel an order on record; the ledger is asked. Kept back: with a change that lowers stock by one."""
    orders = tuple(each._replace(cancelled=True, asked=True) if each.order == order else each for each in record.orders)
    cancelled = record._replace(orders=orders)
    return ask(cancelled, to=record.stock - 1, loose=loose, order=order) if kept_back else cancelled


def cancel_told(record: Record, order: UUID) -> Record:
    """The ledger knows of this cancellation."""
    orders = tuple(each._replace(asked=False) if each.order == order else each for each in record.orders)
    return record._replace(orders=orders)


def _put(changes: tuple[Change, ...], place: int, change: Change) -> tuple[Change, ...]:
    return (*changes[:place], change, *changes[place + 1 :])

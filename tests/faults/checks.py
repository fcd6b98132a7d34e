"""Whether what shoppers were told and what is on record can both be true: a sentence for each thing that must never be.

`tests/faults/test_checks.py` forges a history for each of them. What the ledger holds is not here: `audit_sales`
compares that with the record.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.faults.history import UNDECIDED, History, Record, Row, Told

TOLERATED = frozenset({200, 400, 429, 503})
CLOCK_MS = 50  # the ledger's clock and ours are one, read in different processes and rounded
NO_ROW = Row(order_id="", shopper="", unit=0)


def findings(history: History, record: Record) -> list[str]:
    """Return a sentence for each thing that must never happen and did; none is the only good answer."""
    return [
        *_statuses(history),
        *_same_answer_again(history, record),
        *_own_writes(history),
        *_on_record(record),
        *_order_of_events(record),
        *_lost(history, record),
        *_unasked(history, record),
        *_confirmed_too_early(history, record),
        *_sold_out_too_early(history, record),
        *_selling_again(history),
    ]


def _statuses(history: History) -> Iterator[str]:
    for status, count in history.statuses().items():
        if status and status not in TOLERATED:
            yield f"{count} answers had the status {status}."


def _same_answer_again(history: History, record: Record) -> Iterator[str]:
    """See that a purchase that won is told again to whoever asks again (I13), and that its number is its own (I3)."""
    for shopper, ids in history.bought().items():
        if len(ids) > record.limit:
            yield f"{shopper} was told {len(ids)} different purchases: {', '.join(sorted(ids))}."
    yield from _twice("unit", ((each.unit, each.purchase_id) for each in history.told if each.unit and not each.held))
    keyed = [each for each in history.purchases if each.key]
    yield from _twice("key", (((each.shopper, each.key), each.purchase_id) for each in keyed if each.won))
    won_ms: dict[tuple[str, str], int] = {}
    for each in keyed:
        if each.won:
            won_ms.setdefault((each.shopper, each.key), each.answered_ms)
    for each in keyed:
        since = won_ms.get((each.shopper, each.key))
        if since is not None and each.asked_ms > since and each.status not in UNDECIDED and not each.won:
            yield f"{each.shopper} had won with the key {each.key}, and was refused when asking again: {each.message}."


def _own_writes(history: History) -> Iterator[str]:
    """See that whoever was told of a purchase reads of it from then on (I15), and that `confirmed` stays so (I11)."""
    told_ms: dict[tuple[str, str], int] = {}
    confirmed_ms: dict[str, int] = {}
    for each in history.told:
        if each.bought:
            told_ms.setdefault((each.shopper, each.purchase_id), each.answered_ms)
        if each.purchase_id and each.order_status == "confirmed":
            confirmed_ms.setdefault(each.purchase_id, each.answered_ms)
    by_shopper: dict[str, list[tuple[str, int]]] = {}
    for (shopper, purchase_id), since in told_ms.items():
        by_shopper.setdefault(shopper, []).append((purchase_id, since))
    for each in history.look_ups:
        for purchase_id, since in by_shopper.get(each.shopper, ()):
            if each.asked_ms > since and purchase_id not in each.known:
                yield f"{each.shopper} was told {purchase_id}, and a look-up after that did not know of it."
        since = confirmed_ms.get(each.purchase_id, each.asked_ms)
        if each.asked_ms > since and each.order_status == "pending":
            yield f"{each.purchase_id} was confirmed, and a look-up after that called it pending."


def _on_record(record: Record) -> Iterator[str]:
    """See that the record keeps to the stock and to itself (I3, I4)."""
    if len(record.rows) > record.stock:
        yield f"Oversold: {len(record.rows)} orders on record, stock {record.stock}."
    if record.recorded != len(record.rows):
        yield f"The sale counts {record.recorded} orders, and there are {len(record.rows)}."
    yield from _twice("unit", ((row.unit, row.order_id) for row in record.rows))
    for shopper, orders in Counter(row.shopper for row in record.rows).items():
        if orders > record.limit:
            yield f"{shopper} has {orders} orders, and the limit is {record.limit}."


def _order_of_events(record: Record) -> Iterator[str]:
    """See that each order is one event (I5, I17), that epochs only grow (I7), and that the window was kept (I8)."""
    if record.dead_letters:
        yield f"{record.dead_letters} purchases were refused by the record."
    yield from _twice("event", ((row.seq, row.order_id) for row in record.rows if row.seq))
    before = NO_ROW
    for row in sorted(record.rows, key=lambda row: row.seq):
        if before.order_id and row.epoch < before.epoch:
            yield f"Event {row.seq} is of epoch {row.epoch}, after event {before.seq} of epoch {before.epoch}."
        before = row
        if row.taken_ms and not record.opens_ms <= row.taken_ms < record.closes_ms:
            yield f"Unit {row.unit} was taken at {row.taken_ms}, outside the sale's window."


def _lost(history: History, record: Record) -> Iterator[str]:
    """See that what was accepted is on record, as it was told (I9, I10, I12)."""
    rows = {row.order_id: row for row in record.rows}
    for purchase_id, each in {each.purchase_id: each for each in history.told if each.bought}.items():
        row = rows.get(purchase_id)
        if row is None:
            yield f"Lost: {each.shopper} was told {purchase_id} (unit {each.unit}), and it is not on record."
        elif each.unit not in (0, row.unit):
            yield f"{each.shopper} was told unit {each.unit}, and the record says {row.unit}."
        elif row.name != each.shopper:
            yield f"{each.shopper} was told {purchase_id}, and the record says that it is {row.name}'s."


def _unasked(history: History, record: Record) -> Iterator[str]:
    """See that nobody has what they were not told of, nor more than they asked for (I12)."""
    told = {each.purchase_id for each in history.told if each.bought}
    undecided = history.undecided()
    for row in record.rows:
        if row.order_id not in told and row.name not in undecided:
            yield f"Nobody was told of {row.order_id} (unit {row.unit}, {row.shopper}), and nobody waits to hear of it."
    keys: dict[str, set[str]] = {}
    for each in history.purchases:
        keys.setdefault(each.shopper, set()).add(each.key)
    for name, orders in Counter(row.name for row in record.rows).items():
        asked = keys.get(name, set())
        if "" not in asked and orders > len(asked):
            yield f"{name} has {orders} orders, and asked for {len(asked)}."


def _confirmed_too_early(history: History, record: Record) -> Iterator[str]:
    """See that `confirmed` was said only of what was on record (I11)."""
    rows = {row.order_id: row for row in record.rows}
    for each in history.told:
        if each.order_status == "confirmed" and each.purchase_id:
            row = rows.get(each.purchase_id)
            if row is None or row.recorded_ms > each.answered_ms + CLOCK_MS:
                yield f"{each.purchase_id} was called confirmed before it was on record."


def _sold_out_too_early(history: History, record: Record) -> Iterator[str]:
    """See that "sold out" was said only if nothing was available (I14).

    A unit that is taken stays taken where there are no holds. With holds, whoever may have had one then counts, too.
    """
    said = [each for each in history.purchases if "sold out" in each.message]
    if said and not record.hold_seconds and len(record.rows) < record.stock:
        yield f"Somebody was told that it is sold out, and {record.stock - len(record.rows)} units are left."
    for each in said:
        taken = sum(row.taken_ms <= each.answered_ms + CLOCK_MS for row in record.rows)
        if record.hold_seconds:
            taken += _may_have_held(history, record, by=each)
        if taken < record.stock:
            yield f"{each.shopper} was told that it is sold out when {taken} of {record.stock} units were taken."
            return


def _may_have_held(history: History, record: Record, *, by: Told) -> int:
    """Count tries that began before this answer and may have held a unit that is on record for nobody by then."""
    bought = {row.order_id for row in record.rows}
    told = {each.purchase_id for each in history.purchases if each.held and each.asked_ms <= by.answered_ms}
    unknown = {
        (each.shopper, each.key)
        for each in history.purchases
        if each.status in UNDECIDED and each.asked_ms <= by.answered_ms
    }
    return len(told - bought) + len(unknown)


def _selling_again(history: History) -> Iterator[str]:
    """See that the sale goes on by itself once everything is healed (I16)."""
    if history.healed_ms and not any(
        each.asked_ms >= history.healed_ms and (each.won or each.held or "sold out" in each.message)
        for each in history.purchases
    ):
        yield "Nobody could buy after everything was healed."


def _twice(what: str, pairs: Iterable[tuple[object, str]]) -> Iterator[str]:
    owners: dict[object, set[str]] = {}
    for key, owner in pairs:
        owners.setdefault(key, set()).add(owner)
    for key, found in owners.items():
        if len(found) > 1:
            yield f"The {what} {key} belongs to {len(found)} purchases: {', '.join(sorted(found))}."

"""What must be so in every state, at every step, and once nothing is left to do: sentences where it is not.

The invariants are those of `docs/reliability.md`, as far as the model has what they speak of.
"""

from functools import lru_cache
from uuid import UUID

from sales.domain.outcomes import Outcome
from sales.live.entries import EntryState
from tests.model.reference import Reference
from tests.model.slots import COUNTING, Said, Slot, Where
from tests.model.world import Call, Record, Scope, Shopper, World

HELD = (EntryState.HELD, EntryState.EXTENDED)
BOUGHT = (EntryState.BOUGHT, EntryState.UNRECORDED)


class Broken(Exception):
    """A promise is broken by the very answer."""


def answered(world: World, call: Call, said: Said) -> None:
    """I7, I8 and I14: what an answer says is so at that instant. Raises Broken."""
    sale = world.server.sale
    if sale is None or call.verb != "purchase":
        return
    if said.outcome is Outcome.SOLD_OUT and _truly_left(sale) > 0:
        raise Broken("I14: sold out is said, and something is available")
    is_new = said.entry is not None and said.entry.order == call.order and call.order not in _orders(sale)
    if is_new and not sale.opens <= sale.now < sale.closes:
        raise Broken("I8: something is taken outside the window")


def _truly_left(sale: Reference) -> int:
    counted = [slot for slot in sale.slots.values() if slot.state in (*HELD, *BOUGHT) and not sale.due(slot)]
    return sale.stock - len(counted)


@lru_cache(maxsize=100_000)
def _orders(sale: Reference) -> frozenset[UUID]:
    return frozenset(slot.order for slot in sale.slots.values())


def in_state(scope: Scope, world: World) -> str:
    """Return which promise this state breaks, or nothing."""
    server, record = world.server, world.record
    if server.sale is not None and (broken := _of_ledger(server.sale)):
        return broken
    if broken := _of_record(record):
        return broken
    sale = world.selling
    if sale is None:
        return ""
    if sale.stock > record.stock + scope.lie:
        return f"I6: the ledger sells {sale.stock}, and {record.stock} are on record"
    if sale.recorded > record.offset:
        return f"I11: the ledger says recorded up to {sale.recorded}, and the record is at {record.offset}"
    return _of_events(sale, record, bool(world.excused)) or _to_shoppers(scope, world, sale)


@lru_cache(maxsize=200_000)
def _of_ledger(sale: Reference) -> str:
    standing = [slot for slot in sale.slots.values() if slot.state in (*HELD, *BOUGHT)]
    if not 0 <= len(standing) <= sale.stock:
        return f"I1: {len(standing)} are sold and held, of {sale.stock}"
    if not sale.before and _told_by(sale) != {
        where: (slot.state, slot.unit, slot.order) for where, slot in sale.slots.items()
    }:
        return "I2: the shoppers' entries and the events tell different stories"
    if len({slot.unit for slot in standing}) != len(standing):
        return "I3: one unit is two shoppers'"
    for shopper in {who for who, _ in sale.slots}:
        counted = [slot for slot in sale.mine(shopper) if slot.state in COUNTING and not sale.due(slot)]
        if len(counted) > sale.limit:
            return f"I3: {shopper} has {len(counted)} units, and the limit is {sale.limit}"
    return ""


def _told_by(sale: Reference) -> dict[Where, tuple[EntryState, int, UUID]]:
    """What the events make of the slots. Whether the record refused one is nothing that events tell."""
    told: dict[Where, tuple[EntryState, int, UUID]] = {}
    states = {"held": EntryState.HELD, "bought": EntryState.BOUGHT, "cancelled": EntryState.CANCELLED}
    for what, shopper, number, unit, order in sale.events:
        if order is None:
            continue
        where = (shopper, number)
        state = states.get(what, EntryState.GONE)
        refused = where in sale.slots and sale.slots[where].state is EntryState.UNRECORDED
        told[where] = (EntryState.UNRECORDED if refused and state is EntryState.BOUGHT else state, unit, order)
    return told


@lru_cache(maxsize=100_000)
def _of_record(record: Record) -> str:
    standing = [each for each in record.orders if not each.cancelled]
    if len(standing) > record.stock:
        return f"I4: {len(standing)} orders are on record, and {record.stock} units"
    if len({each.unit for each in standing}) != len(standing):
        return "I4: one unit has two orders on record"
    if len(record.decided) < len(record.orders) + len(record.letters):
        return "I5: one purchase is on record twice"
    return ""


@lru_cache(maxsize=100_000)
def _of_events(sale: Reference, record: Record, is_excused: bool) -> str:
    """I5 and I17: each event that the offset has passed is an order or a dead letter, and none is out of the air."""
    decided = record.decided
    events = {
        order: (seq, unit)
        for seq, (what, _, _, unit, order) in enumerate(sale.events, start=sale.before + 1)
        if what == "bought" and order
    }
    for order, (seq, unit) in events.items():
        if seq <= record.offset and decided.get(order) != unit:
            return f"I17: event {seq} was passed over, and its purchase is not on record"
    if any(each.seq > sale.before and each.order not in events for each in record.orders) and not is_excused:
        return "I5: an order on record has no event"
    return ""


def _to_shoppers(scope: Scope, world: World, sale: Reference) -> str:
    cancelled = {each.order for each in world.record.orders if each.cancelled}
    if world.admin.order:
        cancelled.add(world.admin.order)
    for shopper in world.shoppers:
        is_lost = shopper.order in world.excused or shopper.order in cancelled
        if broken := _to_shopper(sale, shopper, scope.slot, is_lost):
            return broken
    return ""


@lru_cache(maxsize=100_000)
def _to_shopper(sale: Reference, shopper: Shopper, wanted: int, is_lost: bool) -> str:
    """I9, I12, I13 and I15: who was told of a unit is told the same when asking again, and has no other."""
    won = shopper.told in (Outcome.BOUGHT, Outcome.ALREADY) and shopper.unit
    if won and shopper.order and not is_lost:
        slot = _slot_of(sale, shopper.name, shopper.order)
        if slot is None or slot.state not in BOUGHT or slot.unit != shopper.unit:
            return f"I13: {shopper.name} was told of unit {shopper.unit}, and asking again says otherwise"
        _, said = sale.purchase(shopper.name, wanted, shopper.order, "")
        if said.outcome is not Outcome.BOUGHT:
            return f"I15: {shopper.name} bought, and asking again says {said.outcome}"
    mine = [slot for slot in sale.mine(shopper.name) if slot.state in (*HELD, *BOUGHT) and not sale.due(slot)]
    return f"I12: {shopper.name} asked for one unit and has {len(mine)}" if len(mine) > 1 else ""


def _slot_of(sale: Reference, shopper: str, order: UUID) -> Slot | None:
    return next((slot for slot in sale.mine(shopper) if slot.order == order), None)


def between(before: World, after: World) -> str:
    """I7 and I9: what a step must not take away."""
    if before.record is after.record:
        return ""
    if after.record.epoch < before.record.epoch or after.record.offset < before.record.offset:
        return "I7: the epoch or the offset goes back"
    kept = {each.order: each for each in after.record.orders}
    if any(each.order not in kept or kept[each.order].unit != each.unit for each in before.record.orders):
        return "I9: an order vanishes from the record"
    return ""


def at_rest(scope: Scope, world: World) -> str:
    """I12 and I16: nothing is left to do, so everything must be done."""
    sale = world.selling
    if sale is None:
        return "I16: nothing is left to do, and the sale does not sell"
    if waiting := [each.name for each in world.shoppers if each.does]:
        return f"I16: {waiting[0]} waits for an answer for ever"
    return _is_drained(scope, world, sale) or _agree(scope, world, sale)


def _is_drained(scope: Scope, world: World, sale: Reference) -> str:
    record = world.record
    if (sale.seq, sale.recorded) != (record.offset, record.offset):
        return f"I16: the record stops at event {record.offset} of {sale.seq}"
    if record.asked >= 0 or any(each.asked for each in record.orders):
        return "I16: what was asked on record is never done"
    if (sale.stock, sale.change_number) != (record.stock + scope.lie, record.last_number):
        return f"I16: stock is {sale.stock} in the ledger and {record.stock} on record"
    return ""


def _agree(scope: Scope, world: World, sale: Reference) -> str:
    record = world.record
    bought = {slot.order: slot.unit for _, slot in sale.taken(EntryState.BOUGHT)}
    orders = {each.order: each.unit for each in record.orders if not each.cancelled}
    if bought != orders:
        return f"I12: {len(bought)} accepted purchases, and {len(orders)} orders that are not the same"
    if len(record.letters) > scope.lie:
        return "I12: an accepted purchase ended as a dead letter"
    return ""

"""A sale's ledger made anew, by the very code that the keeper uses: `sales.live.rebuilding`."""

from sales.live import rebuilding
from sales.live.entries import Entry
from sales.live.rebuilding import Kept
from sales.live.results import Terms
from tests.model.reference import Reference
from tests.model.slots import Slot
from tests.model.world import Record, Scope

AFTER_A_LOSS = 10


def made_anew(scope: Scope, record: Record, *, stock: int, number: int, believed: Reference | None) -> Reference:
    """What is put in the place of a sale of which something may be missing. Raises Impossible."""
    terms = Terms(stock=stock, limit=scope.limit, opens_ms=scope.opens, closes_ms=scope.closes, hold_ms=scope.hold)
    now = believed.now if believed else 0
    highest = max(record.offset, believed.seq if believed else 0)
    made = rebuilding.rebuild(
        terms=terms,
        entries={where: _entry(where[1], slot) for where, slot in believed.entries} if believed else {},
        kept=_kept(record),
        now_ms=now,
        above=highest + AFTER_A_LOSS,
    )
    happened = [(str(each.what), each.shopper, each.entry.slot, each.entry.unit, each.entry.order_id)
                for each in made.happenings]  # fmt: skip
    return scope.rules(
        stock=stock,
        limit=scope.limit,
        opens=scope.opens,
        closes=scope.closes,
        hold=scope.hold,
        now=now,
        change_number=number,
        recorded=record.offset,
        sold_out=made.sold_out_ms,
        entries=tuple(sorted((where, _slot(entry)) for where, entry in made.entries.items())),
        events=(("rebuilt", "", 0, 0, None), *happened),
        before=made.first_seq - 1,
    )


def _kept(record: Record) -> list[Kept]:
    orders = [
        Kept(
            shopper=each.shopper, slot=each.slot, unit=each.unit, order_id=each.order, key_digest="", seq=each.seq,
            taken_ms=0, at_ms=0, cancelled=each.cancelled,
        )
        for each in record.orders
    ]  # fmt: skip
    letters = [
        Kept(
            shopper=each.shopper, slot=each.slot, unit=each.unit, order_id=each.order, key_digest="", seq=each.seq,
            taken_ms=0, at_ms=0, unrecorded=True,
        )
        for each in record.letters
    ]  # fmt: skip
    return orders + letters


def _entry(number: int, slot: Slot) -> Entry:
    return Entry(
        slot=number, state=slot.state, lost=slot.lost, unit=slot.unit, seq=slot.seq, taken_ms=slot.taken,
        at_ms=slot.at, order_id=slot.order, key_digest=slot.key,
    )  # fmt: skip


def _slot(entry: Entry) -> Slot:
    return Slot(
        state=entry.state, unit=entry.unit, order=entry.order_id, key=entry.key_digest, seq=entry.seq,
        taken=entry.taken_ms, at=entry.at_ms, lost=entry.lost,
    )  # fmt: skip

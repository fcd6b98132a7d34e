"""The whole comparison of one sale: every entry of the map with the events and the record, every number with both.

Reads everything, in slices, so it is for repairs, for settling and for whoever asks; what the keeper looks at every few
seconds is `auditing`'s. A sale may go on selling meanwhile: what changed since the beginning is left out.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live import drafting, ledger, rebuilding
from sales.live.entries import Entry, EntryState
from sales.live.line import Line
from sales.live.rebuilding import Slot
from sales.live.results import Snapshot
from sales.live.tallying import Tally
from sales.models import Order, Sale
from sales.services import auditing, following

MOST = 20


def differences(*, line: Line, sale: Sale) -> list[str]:
    """Return what does not agree, in sentences, at most 20 and then how many more. Raises LedgerRefused."""
    seen = line.run(ledger.snapshot(sale=sale.pk, epoch=None))
    if seen.outcome is not Outcome.FOUND:
        return [f"The ledger answers {seen.outcome}."]
    if not seen.sound:
        return ["The ledger's own numbers contradict each other."]
    found = list(_all(line, sale, seen))
    return found if len(found) <= MOST else [*found[:MOST], f"… and {len(found) - MOST} more."]


def _all(line: Line, sale: Sale, seen: Snapshot) -> Iterator[str]:
    entries: dict[Slot, Entry] = {}
    for place, entry in drafting.entries_of(line, sale.pk):
        if entry is None:
            yield f"The entry of {_named(place)} cannot be read."
        else:
            entries[place] = entry
    # Read after the map, so that it knows of all that stands in there.
    tally = Tally(limit=sale.limit, cancelled_counts=sale.cancelled_counts)
    told: dict[Slot, Entry] = {}
    events = []
    for event in drafting.events_of(line, sale.pk):
        if event.seq <= seen.seq:
            tally.follow(event)
        events.append(event)
    told = rebuilding.replay(events, terms=following.terms(sale))
    yield from tally.against(seen)
    yield from _map_against_events(entries, told, seen=seen, start=tally.start)
    yield from _map_against_record(entries, sale, seen=seen, start=tally.start)
    if line.run(ledger.snapshot(sale=sale.pk, epoch=None)).seq == seen.seq:
        yield from _units(line, sale, entries, seen)
    reading = auditing.read(line=line, sale_pk=sale.pk, tally=tally)
    yield from reading.findings if reading else ()


def _map_against_events(
    entries: Mapping[Slot, Entry], told: Mapping[Slot, Entry], *, seen: Snapshot, start: int
) -> Iterator[str]:
    for place, event in told.items():
        entry = entries.get(place)
        if event.seq > seen.seq:
            continue  # it changed while we read
        if entry is None:
            yield f"{_named(place)} has no entry, and event {event.seq} is about it."
        elif entry.seq != event.seq:
            yield f"The entry of {_named(place)} is of event {entry.seq}, its last event is {event.seq}."
        elif _essence(entry) != _essence(event):
            yield f"The entry of {_named(place)} says {_said(entry)}, its event {event.seq} says {_said(event)}."
    for place, entry in entries.items():
        if place not in told and start < entry.seq <= seen.seq:
            yield f"The entry of {_named(place)} is of event {entry.seq}, which is not about it."


def _map_against_record(entries: Mapping[Slot, Entry], sale: Sale, *, seen: Snapshot, start: int) -> Iterator[str]:
    """Compare the orders on record with the map. Orders of this stream that the map lacks, the events tell of, too."""
    orders = Order.objects.filter(sale=sale, seq__lte=seen.seq).values_list(
        "shopper", "slot", "order_id", "unit", "state"
    )
    known: set[Slot] = set()
    for shopper, slot, order_id, unit, state in orders.iterator(chunk_size=2_000):
        place = (shopper, slot)
        entry = entries.get(place)
        known.add(place)
        if state == OrderState.CANCELLED or (entry and entry.seq > seen.seq):
            continue
        if entry is None:
            yield f"{_named(place)} has an order on record and no entry."
        elif not _is(entry, order_id):
            yield f"{_named(place)} has an order on record, and the ledger says {_said(entry)}."
        elif entry.unit != unit:
            yield f"{_named(place)} has unit {unit} on record and unit {entry.unit} in the ledger."
    for place, entry in entries.items():
        if entry.state is EntryState.BOUGHT and entry.seq < start and place not in known:
            yield f"The ledger says {_said(entry)} of {_named(place)}, and nothing is on record."


def _units(line: Line, sale: Sale, entries: Mapping[Slot, Entry], seen: Snapshot) -> Iterator[str]:
    """See that every number is in one place, in a moment in which nothing changed."""
    owners: dict[int, Slot] = {}
    for place, entry in entries.items():
        if entry.is_bought or entry.is_hold:
            if entry.unit in owners:
                yield f"Unit {entry.unit} is {_named(owners[entry.unit])}'s and {_named(place)}'s."
            owners[entry.unit] = place
    for unit in sorted(drafting.returned_of(line, sale.pk)):
        if unit in owners:
            yield f"Unit {unit} was given back, and is {_named(owners[unit])}'s."
        elif not 1 <= unit < seen.next_unit:
            yield f"Unit {unit} was given back, and the next number is {seen.next_unit}."
    held = dict(drafting.deadlines_of(line, sale.pk))
    for place, entry in entries.items():
        if entry.is_hold and held.get(_named(place)) != entry.at_ms:
            yield f"The hold of {_named(place)} and the index of deadlines disagree."


def _essence(entry: Entry) -> tuple[str, int, UUID]:
    state = "b" if entry.is_bought else str(entry.state)
    return state, entry.unit, entry.order_id


def _is(entry: Entry, order_id: UUID) -> bool:
    return entry.is_bought and entry.order_id == order_id


def _named(place: Slot) -> str:
    return f"{place[0]}/{place[1]}"


def _said(entry: Entry) -> str:
    return f"{entry.state.name.lower().replace('_', ' ')}, unit {entry.unit}"

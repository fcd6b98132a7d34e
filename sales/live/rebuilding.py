"""What a sale's ledger should hold, worked out from events and from what is on record. Nothing is asked or written.

`replay` tells what the events alone say of each slot. `rebuild` makes a whole ledger of that and of the record, which
has the last word: open holds are dropped, refused purchases keep a unit, holes between slots are filled. Not here: what
of a returned ledger may be believed, and how its keys are written (`sales.live.drafting`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, islice
from uuid import UUID

from sales.live.entries import Entry, EntryState
from sales.live.results import Terms
from sales.live.stream import Event, EventKind

Slot = tuple[str, int]
"""A shopper's slot: (shopper, number)."""

_NO_ORDER = UUID(int=0)
_GIVEN_BACK = frozenset({EventKind.LET_GO, EventKind.RAN_OUT, EventKind.TAKEN_OVER, EventKind.DROPPED})


class Impossible(Exception):
    """No sound ledger can be made of this; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One purchase that the record answers for: an order, or (`unrecorded`) one that the record refused."""

    shopper: str
    slot: int
    unit: int
    order_id: UUID
    key_digest: str
    seq: int
    taken_ms: int
    at_ms: int
    cancelled: bool = False
    unrecorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event that a new stream begins with: a hold dropped, or a purchase that only the old ledger knew."""

    what: EventKind
    shopper: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """Everything that a sale's keys are written from. The numbers are those after the happenings."""

    entries: Mapping[Slot, Entry]
    keys: Mapping[str, Slot]
    returned: tuple[int, ...]
    next_unit: int
    sold: int
    sold_before: int  # without the happenings: what the event `rebuilt` says
    happenings: tuple[Happening, ...]
    first_seq: int  # number of the event `rebuilt`
    sold_out_ms: int

    @property
    def seq(self) -> int:
        """Number of the last event."""
        return self.first_seq + len(self.happenings)

    @property
    def dropped(self) -> int:
        """How many holds came to nothing by this."""
        return sum(happening.what is EventKind.DROPPED for happening in self.happenings)


@dataclass(slots=True)
class _Draft:
    """The entries while they are being worked out, and which of them nobody but the old ledger vouches for."""

    entries: dict[Slot, Entry]
    recorded: set[Slot] = field(default_factory=set)


def replay(events: Iterable[Event], *, terms: Terms) -> dict[Slot, Entry]:
    """Return what these events, in order, say of each slot."""
    entries: dict[Slot, Entry] = {}
    for event in events:
        if event.order_id is not None:
            place = (event.shopper, event.slot)
            entries[place] = _after(event, entries.get(place), terms)
    return entries


def _after(event: Event, before: Entry | None, terms: Terms) -> Entry:
    lost = before.lost if before else 0
    entry = Entry(
        slot=event.slot,
        state=EntryState.HELD,
        lost=lost,
        unit=event.unit,
        seq=event.seq,
        taken_ms=event.taken_ms,
        at_ms=event.taken_ms + terms.hold_ms,
        order_id=event.order_id or _NO_ORDER,
        key_digest=event.key_digest,
    )
    deadline = before.at_ms if before and before.order_id == event.order_id else entry.at_ms
    match event.what:
        case EventKind.EXTENDED:
            return entry._replace(state=EntryState.EXTENDED, at_ms=deadline + terms.hold_extension_ms)
        case EventKind.BOUGHT:
            return entry._replace(state=EntryState.BOUGHT, at_ms=event.time_ms)
        case EventKind.CANCELLED:
            bought_ms = before.at_ms if before and before.order_id == event.order_id else event.time_ms
            return entry._replace(state=_cancelled(terms), at_ms=bought_ms)
        case what if what in _GIVEN_BACK:
            counts = what is not EventKind.DROPPED
            return entry._replace(state=EntryState.GONE, at_ms=deadline, lost=lost + counts)
    return entry


def rebuild(
    *, terms: Terms, entries: Mapping[Slot, Entry], kept: Iterable[Kept], now_ms: int, above: int, sold_out_ms: int = 0
) -> Rebuilt:
    """Make a sound ledger of what is known. Events are numbered from `above` + 1 on. Raises Impossible.

    `entries` is what the old ledger says, as far as it may be believed; of a purchase that is in `kept` too, or whose
    slot or unit somebody has there, `kept` decides.
    """
    draft = _Draft(dict(entries))
    waiting = _lay_record(draft, kept, terms)
    for each in waiting:
        _lay_refused(draft, each)
    dropped = _drop_holds(draft, now_ms)
    units = _Units(draft)
    new = _give_units(draft, units)
    _fill_holes(draft)
    happenings = [Happening(what=EventKind.DROPPED, shopper=place[0], entry=draft.entries[place]) for place in dropped]
    happenings += [Happening(what=EventKind.BOUGHT, shopper=place[0], entry=draft.entries[place]) for place in new]
    happenings = _numbered(draft, happenings, above + 1)
    sold = sum(entry.is_bought for entry in draft.entries.values())
    if sold > terms.stock:
        raise Impossible(f"{sold} units are sold, and the stock is {terms.stock}.")
    returned, next_unit = units.free()
    is_out = sold == terms.stock
    return Rebuilt(
        entries=draft.entries,
        keys=_keys(draft.entries),
        returned=returned,
        next_unit=next_unit,
        sold=sold,
        sold_before=sold - len(new),
        happenings=tuple(happenings),
        first_seq=above + 1,
        sold_out_ms=(sold_out_ms or now_ms) if is_out else 0,
    )


def _lay_record(draft: _Draft, kept: Iterable[Kept], terms: Terms) -> list[Kept]:
    """Put the orders into their slots; return the refused ones, which come after all others."""
    refused = []
    for each in sorted(kept, key=lambda one: (one.cancelled, one.seq)):
        place = (each.shopper, each.slot)
        if each.unrecorded:
            refused.append(each)
        elif not (each.cancelled and place in draft.recorded):
            draft.entries[place] = _entry(each, draft, _cancelled(terms) if each.cancelled else EntryState.BOUGHT)
            draft.recorded.add(place)
    return refused


def _lay_refused(draft: _Draft, each: Kept) -> None:
    """Keep a slot for a purchase that the record refused: its own, or the shopper's next where that is an order's."""
    slot = each.slot
    while (each.shopper, slot) in draft.recorded:
        slot += 1
    place = (each.shopper, slot)
    draft.entries[place] = _entry(each, draft, EntryState.UNRECORDED)._replace(slot=slot)
    draft.recorded.add(place)  # no new event: the record knows of it


def _entry(each: Kept, draft: _Draft, state: EntryState) -> Entry:
    before = draft.entries.get((each.shopper, each.slot))
    return Entry(
        slot=each.slot,
        state=state,
        lost=before.lost if before else 0,
        unit=each.unit,
        seq=each.seq,
        taken_ms=each.taken_ms,
        at_ms=each.at_ms,
        order_id=each.order_id,
        key_digest=each.key_digest,
    )


def _cancelled(terms: Terms) -> EntryState:
    return EntryState.CANCELLED_FOR_GOOD if terms.cancelled_counts else EntryState.CANCELLED


def _drop_holds(draft: _Draft, now_ms: int) -> list[Slot]:
    """Let go of every open hold; its shopper is told that it ended now, or when its time was over."""
    dropped = [place for place, entry in draft.entries.items() if entry.is_hold]
    for place in dropped:
        entry = draft.entries[place]
        draft.entries[place] = entry._replace(state=EntryState.GONE, at_ms=min(entry.at_ms, now_ms))
    return sorted(dropped)


class _Units:
    """Which numbers are somebody's."""

    def __init__(self, draft: _Draft) -> None:
        self.taken = {draft.entries[place].unit for place in draft.recorded if _is_order(draft.entries[place])}
        self._highest = max(self.taken, default=0)

    def take(self, unit: int) -> int:
        """Take this number, or the lowest free one where it is somebody's already."""
        if unit < 1 or unit in self.taken:
            unit = next(each for each in count(1) if each not in self.taken)
        self.taken.add(unit)
        self._highest = max(self._highest, unit)
        return unit

    def free(self) -> tuple[tuple[int, ...], int]:
        """Return the numbers given back, and the next one that was never used."""
        return tuple(unit for unit in range(1, self._highest) if unit not in self.taken), self._highest + 1


def _is_order(entry: Entry) -> bool:
    return entry.state is EntryState.BOUGHT


def _give_units(draft: _Draft, units: _Units) -> list[Slot]:
    """Give every purchase that no order has yet a number; return those that the record does not know of."""
    claims = [
        (entry.seq, place)
        for place, entry in draft.entries.items()
        if entry.is_bought and not (place in draft.recorded and _is_order(entry))
    ]
    new = []
    for _seq, place in sorted(claims):
        entry = draft.entries[place]
        is_new = place not in draft.recorded
        state = EntryState.BOUGHT if is_new else EntryState.UNRECORDED
        draft.entries[place] = entry._replace(unit=units.take(entry.unit), state=state)
        if is_new:
            new.append(place)
    return new


def _fill_holes(draft: _Draft) -> None:
    """Give every shopper slots 1, 2, … without a hole, as the scripts read them."""
    most: dict[str, int] = {}
    for shopper, slot in draft.entries:
        most[shopper] = max(most.get(shopper, 0), slot)
    for shopper, last in most.items():
        for slot in range(1, last):
            if (shopper, slot) not in draft.entries:
                draft.entries[shopper, slot] = Entry(
                    slot=slot, state=EntryState.GONE, lost=0, unit=0, seq=0, taken_ms=0, at_ms=0,
                    order_id=_NO_ORDER, key_digest="",
                )  # fmt: skip


def _numbered(draft: _Draft, happenings: list[Happening], first_seq: int) -> list[Happening]:
    """Number the events behind `rebuilt`, and the entries after them."""
    numbered = []
    for seq, each in enumerate(happenings, start=first_seq + 1):
        entry = each.entry._replace(seq=seq)
        draft.entries[each.shopper, entry.slot] = entry
        numbered.append(replace(each, entry=entry))
    return numbered


def _keys(entries: Mapping[Slot, Entry]) -> dict[str, Slot]:
    by_age = sorted(((entry.seq, place, entry.key_digest) for place, entry in entries.items() if entry.key_digest))
    return {digest: place for _seq, place, digest in by_age}


def in_slices[T](things: Iterable[T], *, most: int = 500) -> Iterable[list[T]]:
    """Cut into lists of at most so many: no command may stop the server for long."""
    rest = iter(things)
    while piece := list(islice(rest, most)):
        yield piece

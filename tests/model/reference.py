"""The rules of the ledger once more, in plain Python and by other means: what the scripts are compared with.

One sale at one instant, which never changes: every verb returns the sale as it is afterwards, and what is answered. So
the same rules can be driven beside the scripts (`machine`) and in every order that steps can come in (`explore`).
Written from the rules in `docs/ledger.md`, not from the scripts: where the two differ, one of them is wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self
from uuid import UUID

from sales.domain.outcomes import Outcome
from sales.live.entries import EntryState
from tests.model.slots import COUNTING, MOST_LOST_HOLDS, Happened, Said, Slot, Where


@dataclass(frozen=True)
class Reference:
    """A sale in memory. Every public method is a question or a verb of the ledger."""

    stock: int
    limit: int
    opens: int
    closes: int
    hold: int = 0
    extension: int = 0
    cancelled_counts: bool = False
    now: int = 0
    state: str = "open"
    state_number: int = 0
    change_number: int = 0
    recorded: int = 0
    sold_out: int = 0
    entries: tuple[tuple[Where, Slot], ...] = ()  # in order of shopper and number
    bindings: tuple[tuple[str, Where], ...] = ()
    events: tuple[Happened, ...] = (("published", "", 0, 0, None),)
    before: int = 0  # number of the last event before these, where the stream was made anew

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """An exploration asks for it a million times."""
        return hash(tuple(getattr(self, each.name) for each in fields(self)))

    # --- What can be derived

    @cached_property
    def slots(self) -> dict[Where, Slot]:
        return dict(self.entries)

    @cached_property
    def keys(self) -> dict[str, Where]:
        return dict(self.bindings)

    @property
    def seq(self) -> int:
        """Number of the last event."""
        return self.before + len(self.events)

    def mine(self, shopper: str) -> list[Slot]:
        """Slots 1, 2, … of a shopper."""
        found: list[Slot] = []
        while (shopper, len(found) + 1) in self.slots:
            found.append(self.slots[shopper, len(found) + 1])
        return found

    def due(self, slot: Slot) -> bool:
        """Whether it is a hold past its deadline."""
        return slot.state in (EntryState.HELD, EntryState.EXTENDED) and slot.at <= self.now

    def taken(self, *states: EntryState) -> list[tuple[Where, Slot]]:
        """Slots in one of these states."""
        return [(where, slot) for where, slot in self.slots.items() if slot.state in states]

    @cached_property
    def sold(self) -> int:
        return len(self.taken(EntryState.BOUGHT, EntryState.UNRECORDED))

    @cached_property
    def holds(self) -> list[tuple[Where, Slot]]:
        """Open holds, due or not, the longest due first."""
        return sorted(self.taken(EntryState.HELD, EntryState.EXTENDED), key=lambda hold: (hold[1].at, _member(hold[0])))

    @property
    def left(self) -> int:
        return max(self.stock - self.sold - len([hold for _, hold in self.holds if not self.due(hold)]), 0)

    @property
    def lowest_free_unit(self) -> int:
        used = {slot.unit for _, slot in self.taken(*COUNTING - {EntryState.CANCELLED_FOR_GOOD})}
        return next(unit for unit in range(1, self.stock + len(used) + 2) if unit not in used)

    # --- Verbs

    def at(self, now: int) -> Self:
        """Let time pass."""
        return replace(self, now=now)

    def purchase(self, shopper: str, wanted: int, order: UUID, key: str) -> tuple[Self, Said]:
        refused = self._refusal(shopper, wanted, order, key)
        return (self, refused) if refused else self._take(shopper, wanted, order, key)

    def _refusal(self, shopper: str, wanted: int, order: UUID, key: str) -> Said | None:
        """The answer to a purchase that takes nothing."""
        mine = self.mine(shopper)
        if same := self._same(shopper, wanted, order, key):
            return same
        counted = [
            (number, slot) for number, slot in enumerate(mine, start=1) if slot.state in COUNTING and not self.due(slot)
        ]
        open_holds = [(n, s) for n, s in counted if s.state in (EntryState.HELD, EntryState.EXTENDED)]
        if not key and not wanted and open_holds:
            return Said(Outcome.HELD, *max(open_holds, key=lambda found: found[1].seq))
        if len(counted) >= self.limit:
            number, newest = max(counted, key=lambda found: found[1].seq)
            held = newest.state in (EntryState.HELD, EntryState.EXTENDED)
            return Said(Outcome.HELD if held else Outcome.ALREADY, number, newest)
        return self._shut(mine)

    def _same(self, shopper: str, wanted: int, order: UUID, key: str) -> Said | None:
        """The answer to a purchase that was made before: by its order id, its key or its slot."""
        mine = self.mine(shopper)
        if same := self._same_order(mine, order):
            return same
        if key and key in self.keys:
            owner, number = self.keys[key]
            if owner != shopper:
                return Said(Outcome.KEY_TAKEN)
            slot = self.slots[owner, number]
            if slot.key == key and (outcome := self._standing(slot)):
                return Said(outcome, number, slot)
        if wanted > len(mine) + 1:
            return Said(Outcome.UNKNOWN_SLOT)
        if 0 < wanted <= len(mine) and (outcome := self._standing(mine[wanted - 1])):
            return Said(outcome, wanted, mine[wanted - 1])
        return None

    def _same_order(self, mine: list[Slot], order: UUID) -> Said | None:
        for number, slot in enumerate(mine, start=1):
            if slot.order == order:
                return Said(self._standing(slot) or Outcome.GONE, number, slot)
        return None

    def _shut(self, mine: list[Slot]) -> Said | None:
        if self.state == "paused":
            return Said(Outcome.PAUSED)
        if self.state == "open" and self.now < self.opens:
            return Said(Outcome.UPCOMING, moment=self.opens)
        if self.state == "closed" or self.now >= self.closes:
            return Said(Outcome.ENDED, moment=self.closes)
        lost = sum(slot.lost + self.due(slot) for slot in mine)
        if self.hold and lost >= MOST_LOST_HOLDS:
            return Said(Outcome.LOST_HOLDS)
        if self.left == 0:
            return Said(Outcome.SOLD_OUT, moment=self.sold_out)
        return None

    def _take(self, shopper: str, wanted: int, order: UUID, key: str) -> tuple[Self, Said]:
        mine = self.mine(shopper)
        free = [n for n, slot in enumerate(mine, start=1) if slot.state is EntryState.GONE or self.due(slot)]
        number = wanted or min([*free, len(mine) + 1])
        freed = self._make_room(shopper, number, mine)
        before = freed.slots.get((shopper, number))
        taken = Slot(
            state=EntryState.HELD if self.hold else EntryState.BOUGHT,
            unit=freed.lowest_free_unit,
            order=order,
            key=key,
            seq=0,
            taken=self.now,
            at=self.now + self.hold,
            lost=before.lost if before else 0,
        )
        after = freed._write("held" if self.hold else "bought", (shopper, number), taken)
        if key:
            after = replace(after, bindings=tuple(sorted({**after.keys, key: (shopper, number)}.items())))
        after = after._told_when_sold_out(self)
        return after, Said(Outcome.HELD if self.hold else Outcome.BOUGHT, number, after.slots[shopper, number])

    def _make_room(self, shopper: str, number: int, mine: list[Slot]) -> Self:
        """Free at most one hold that is due: the one in the slot itself, or where no unit is free without it."""
        before = self.slots.get((shopper, number))
        if before and self.due(before):
            return self._free((shopper, number), "ran_out")
        if self._has_free_unit():
            return self
        own = [(shopper, n) for n, slot in enumerate(mine, start=1) if self.due(slot)]
        return self._free(own[0], "ran_out") if own else self._free(self.holds[0][0], "taken_over")

    def _has_free_unit(self) -> bool:
        return self.sold + len(self.holds) < self.stock

    def confirm(self, shopper: str, order: UUID) -> tuple[Self, Said]:
        number, slot, said = self._about(shopper, order)
        if said or not slot:
            return self, said or Said(Outcome.UNKNOWN_ORDER)
        after = self._write("bought", (shopper, number), replace(slot, state=EntryState.BOUGHT, at=self.now))
        return after, Said(Outcome.BOUGHT, number, after.slots[shopper, number])

    def release(self, shopper: str, order: UUID) -> tuple[Self, Said]:
        number, slot, said = self._about(shopper, order, gone=Outcome.LET_GO)
        if not slot or (said and not self.due(slot)):
            return self, said or Said(Outcome.UNKNOWN_ORDER)
        after = self._free((shopper, number), "ran_out" if self.due(slot) else "let_go")
        return after, Said(Outcome.LET_GO, number, after.slots[shopper, number])

    def extend(self, shopper: str, order: UUID) -> tuple[Self, Said]:
        number, slot, said = self._about(shopper, order)
        if said or not slot:
            return self, said or Said(Outcome.UNKNOWN_ORDER)
        if slot.state is EntryState.EXTENDED:
            return self, Said(Outcome.EXTENDED, number, slot)
        if not self.extension:
            return self, Said(Outcome.NO_EXTENSION, number, slot)
        extended = replace(slot, state=EntryState.EXTENDED, at=slot.at + self.extension)
        after = self._write("extended", (shopper, number), extended)
        return after, Said(Outcome.EXTENDED, number, after.slots[shopper, number])

    def tick(self) -> tuple[Self, int]:
        after, due = self, [where for where, hold in self.holds if self.due(hold)]
        for where in due:
            after = after._free(where, "ran_out")
        return after, len(due)

    def change(self, number: int, stock: int) -> tuple[Self, Outcome]:
        if number == self.change_number and stock == self.stock:
            return self, Outcome.SAME
        if number != self.change_number + 1:
            return self, Outcome.OUT_OF_ORDER
        if stock < self.sold + len(self.holds):
            return self, Outcome.TOO_LOW
        after = replace(self, stock=stock, change_number=number)
        return after._told_when_sold_out(self), Outcome.DONE

    def cancel(self, shopper: str, number: int, order: UUID, change_number: int) -> tuple[Self, Outcome]:
        slot = self.slots.get((shopper, number))
        if not slot or slot.order != order:
            return self, Outcome.UNKNOWN_ORDER
        if slot.state in (EntryState.CANCELLED, EntryState.CANCELLED_FOR_GOOD):
            return self, Outcome.SAME
        if slot.state not in (EntryState.BOUGHT, EntryState.UNRECORDED):
            return self, Outcome.UNKNOWN_ORDER
        if change_number and change_number != self.change_number + 1:
            return self, Outcome.OUT_OF_ORDER
        state = EntryState.CANCELLED_FOR_GOOD if self.cancelled_counts else EntryState.CANCELLED
        after = self._write("cancelled", (shopper, number), replace(slot, state=state))
        if change_number:
            after = replace(after, stock=self.stock - 1, change_number=change_number)
        return after, Outcome.DONE

    def set_state(self, state: str, number: int) -> tuple[Self, Outcome]:
        if number <= self.state_number:
            return self, Outcome.SAME
        closes = min(self.closes, self.now) if state == "closed" else self.closes
        return replace(self, state=state, state_number=number, closes=closes), Outcome.DONE

    def mark_recorded(self, seq: int, dead: Iterable[tuple[str, int, UUID]] = ()) -> Self:
        """Say how far the stream is on record, and which purchases the record refused."""
        after = self
        for shopper, number, order in dead:
            slot = after.slots.get((shopper, number))
            if slot and slot.order == order and slot.state is EntryState.BOUGHT:
                after = after._put((shopper, number), replace(slot, state=EntryState.UNRECORDED))
        return replace(after, recorded=max(self.recorded, min(seq, self.seq)))

    # --- Pieces

    def _standing(self, slot: Slot) -> Outcome | None:
        """The answer that a slot gives to the purchase that won it; None where it came to nothing."""
        if self.due(slot) or slot.state is EntryState.GONE:
            return None
        if slot.state in (EntryState.HELD, EntryState.EXTENDED):
            return Outcome.HELD
        return Outcome.BOUGHT if slot.state in (EntryState.BOUGHT, EntryState.UNRECORDED) else Outcome.CANCELLED

    def _about(self, shopper: str, order: UUID, gone: Outcome = Outcome.GONE) -> tuple[int, Slot | None, Said | None]:
        """Find a hold; the third is the answer where there is nothing left to do with it."""
        for number, slot in enumerate(self.mine(shopper), start=1):
            if slot.order != order:
                continue
            outcome = self._standing(slot)
            if outcome is Outcome.HELD:
                return number, slot, None
            return number, slot, Said(outcome or gone, number, slot)
        used_anew = any(slot.lost > (slot.state is EntryState.GONE) for slot in self.mine(shopper))
        return 0, None, Said(Outcome.GONE if used_anew else Outcome.UNKNOWN_ORDER)

    def _free(self, where: Where, why: str) -> Self:
        slot = self.slots[where]
        return self._write(why, where, replace(slot, state=EntryState.GONE, lost=slot.lost + 1))

    def _write(self, what: str, where: Where, slot: Slot) -> Self:
        after = replace(self, events=(*self.events, (what, *where, slot.unit, slot.order)))
        return after._put(where, replace(slot, seq=after.seq))

    def _put(self, where: Where, slot: Slot) -> Self:
        return replace(self, entries=tuple(sorted({**self.slots, where: slot}.items(), key=lambda each: each[0])))

    def _told_when_sold_out(self, before: Self) -> Self:
        """Keep the moment at which the last one went."""
        return replace(self, sold_out=self.now) if before.left > 0 and self.left == 0 else self


def _member(where: tuple[str, int]) -> bytes:
    """The ledger orders holds with one deadline by their name."""
    return f"{where[0]}/{where[1]}".encode()

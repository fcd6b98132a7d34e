"""The rules of the ledger once more, in plain Python and by other means: what the scripts are compared with.

One sale, a clock that only the test moves, dictionaries for everything. Written from the rules in `docs/ledger.md`, not
from the scripts: where the two differ, one of them is wrong.
"""

from dataclasses import dataclass, field, replace
from uuid import UUID

from sales.domain.outcomes import Outcome
from sales.live.entries import EntryState

COUNTING = {
    EntryState.HELD,
    EntryState.EXTENDED,
    EntryState.BOUGHT,
    EntryState.UNRECORDED,
    EntryState.CANCELLED_FOR_GOOD,
}
MOST_LOST_HOLDS = 3


@dataclass(frozen=True)
class Slot:
    """One slot of one shopper."""

    state: EntryState
    unit: int
    order: UUID
    key: str
    seq: int
    taken: int
    at: int
    lost: int


@dataclass(frozen=True)
class Said:
    """An answer: the outcome, and the slot it is about."""

    outcome: Outcome
    slot: int = 0
    entry: Slot | None = None
    moment: int = 0


@dataclass
class Reference:
    """A sale in memory. Every public method is a verb of the ledger."""

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
    slots: dict[tuple[str, int], Slot] = field(default_factory=dict)
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)
    events: list[tuple[str, str, int, int, UUID | None]] = field(
        default_factory=lambda: [("published", "", 0, 0, None)]
    )

    # --- What can be derived

    def mine(self, shopper: str) -> list[Slot]:
        """Slots 1, 2, … of a shopper."""
        found: list[Slot] = []
        while (shopper, len(found) + 1) in self.slots:
            found.append(self.slots[shopper, len(found) + 1])
        return found

    def due(self, slot: Slot) -> bool:
        """Whether it is a hold past its deadline."""
        return slot.state in (EntryState.HELD, EntryState.EXTENDED) and slot.at <= self.now

    def taken(self, *states: EntryState) -> list[tuple[tuple[str, int], Slot]]:
        """Slots in one of these states."""
        return [(where, slot) for where, slot in self.slots.items() if slot.state in states]

    @property
    def sold(self) -> int:
        return len(self.taken(EntryState.BOUGHT, EntryState.UNRECORDED))

    @property
    def holds(self) -> list[tuple[tuple[str, int], Slot]]:
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

    def purchase(self, shopper: str, wanted: int, order: UUID, key: str) -> Said:
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
        return self._shut(mine) or self._take(shopper, wanted, order, key)

    def _same(self, shopper: str, wanted: int, order: UUID, key: str) -> Said | None:
        """The answer to a purchase that was made before: by its order id, its key or its slot."""
        mine = self.mine(shopper)
        for number, slot in enumerate(mine, start=1):
            if slot.order == order:
                return Said(self._standing(slot) or Outcome.GONE, number, slot)
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

    def _take(self, shopper: str, wanted: int, order: UUID, key: str) -> Said:
        mine = self.mine(shopper)
        free = [n for n, slot in enumerate(mine, start=1) if slot.state is EntryState.GONE or self.due(slot)]
        number = wanted or min([*free, len(mine) + 1])
        left_before = self.left
        before = self.slots.get((shopper, number))
        if before and self.due(before):
            self._free((shopper, number), "ran_out")
        elif self.sold + len(self.holds) >= self.stock:
            own = [(shopper, n) for n, slot in enumerate(mine, start=1) if self.due(slot)]
            self._free(own[0], "ran_out") if own else self._free(self.holds[0][0], "taken_over")
        before = self.slots.get((shopper, number))
        taken = Slot(
            state=EntryState.HELD if self.hold else EntryState.BOUGHT,
            unit=self.lowest_free_unit,
            order=order,
            key=key,
            seq=0,
            taken=self.now,
            at=self.now + self.hold,
            lost=before.lost if before else 0,
        )
        if key:
            self.keys[key] = (shopper, number)
        self._write("held" if self.hold else "bought", (shopper, number), taken)
        if left_before > 0 and self.left == 0:
            self.sold_out = self.now
        slot = self.slots[shopper, number]
        return Said(Outcome.HELD if self.hold else Outcome.BOUGHT, number, slot)

    def confirm(self, shopper: str, order: UUID) -> Said:
        number, slot, said = self._about(shopper, order)
        if said or not slot:
            return said or Said(Outcome.UNKNOWN_ORDER)
        self._write("bought", (shopper, number), replace(slot, state=EntryState.BOUGHT, at=self.now))
        return Said(Outcome.BOUGHT, number, self.slots[shopper, number])

    def release(self, shopper: str, order: UUID) -> Said:
        number, slot, said = self._about(shopper, order, gone=Outcome.LET_GO)
        if slot and self.due(slot):
            self._free((shopper, number), "ran_out")
            return Said(Outcome.LET_GO, number, self.slots[shopper, number])
        if said or not slot:
            return said or Said(Outcome.UNKNOWN_ORDER)
        self._free((shopper, number), "let_go")
        return Said(Outcome.LET_GO, number, self.slots[shopper, number])

    def extend(self, shopper: str, order: UUID) -> Said:
        number, slot, said = self._about(shopper, order)
        if said or not slot:
            return said or Said(Outcome.UNKNOWN_ORDER)
        if slot.state is EntryState.EXTENDED:
            return Said(Outcome.EXTENDED, number, slot)
        if not self.extension:
            return Said(Outcome.NO_EXTENSION, number, slot)
        extended = replace(slot, state=EntryState.EXTENDED, at=slot.at + self.extension)
        self._write("extended", (shopper, number), extended)
        return Said(Outcome.EXTENDED, number, self.slots[shopper, number])

    def tick(self) -> int:
        due = [where for where, hold in self.holds if self.due(hold)]
        for where in due:
            self._free(where, "ran_out")
        return len(due)

    def change(self, number: int, stock: int) -> Outcome:
        if number == self.change_number and stock == self.stock:
            return Outcome.SAME
        if number != self.change_number + 1:
            return Outcome.OUT_OF_ORDER
        if stock < self.sold + len(self.holds):
            return Outcome.TOO_LOW
        left_before = self.left
        self.stock, self.change_number = stock, number
        if left_before > 0 and self.left == 0:
            self.sold_out = self.now
        return Outcome.DONE

    def cancel(self, shopper: str, number: int, order: UUID, change_number: int) -> Outcome:
        slot = self.slots.get((shopper, number))
        if not slot or slot.order != order:
            return Outcome.UNKNOWN_ORDER
        if slot.state in (EntryState.CANCELLED, EntryState.CANCELLED_FOR_GOOD):
            return Outcome.SAME
        if slot.state not in (EntryState.BOUGHT, EntryState.UNRECORDED):
            return Outcome.UNKNOWN_ORDER
        if change_number and change_number != self.change_number + 1:
            return Outcome.OUT_OF_ORDER
        state = EntryState.CANCELLED_FOR_GOOD if self.cancelled_counts else EntryState.CANCELLED
        self._write("cancelled", (shopper, number), replace(slot, state=state))
        if change_number:
            self.stock, self.change_number = self.stock - 1, change_number
        return Outcome.DONE

    def set_state(self, state: str, number: int) -> Outcome:
        if number <= self.state_number:
            return Outcome.SAME
        self.state, self.state_number = state, number
        if state == "closed":
            self.closes = min(self.closes, self.now)
        return Outcome.DONE

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

    def _free(self, where: tuple[str, int], why: str) -> None:
        slot = self.slots[where]
        self._write(why, where, replace(slot, state=EntryState.GONE, lost=slot.lost + 1))

    def _write(self, what: str, where: tuple[str, int], slot: Slot) -> None:
        self.events.append((what, *where, slot.unit, slot.order))
        self.slots[where] = replace(slot, seq=len(self.events))


def _member(where: tuple[str, int]) -> bytes:
    """The ledger orders holds with one deadline by their name."""
    return f"{where[0]}/{where[1]}".encode()

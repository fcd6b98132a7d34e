"""What the ledger's verbs answer, read from script replies, as values that never change."""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live.calls import Reply, text_of
from sales.live.entries import Entry, EntryState

_WORDS = {each.value.encode(): each for each in Outcome}


def _outcome(word: bytes | str) -> Outcome:
    """Read a script's first word. Raises ValueError where it is none that is known."""
    return _WORDS.get(word) or Outcome(text_of(word))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a sale is published with."""

    stock: int
    limit: int
    opens_ms: int
    closes_ms: int
    hold_ms: int = 0
    hold_extension_ms: int = 0
    cancelled_counts: bool = False
    state: LedgerState = LedgerState.OPEN
    state_number: int = 0


class Taken(NamedTuple):
    """Answer of purchase, confirm, release and extend. A tuple, because every purchase makes one.

    `moment_ms` belongs to the outcome: SOLD_OUT when the last unit went, UPCOMING the opening, ENDED the end.
    """

    outcome: Outcome
    now_ms: int = 0
    left: int = 0
    held: int = 0
    recorded_seq: int = 0
    moment_ms: int = 0
    entry: Entry | None = None

    @property
    def recorded(self) -> bool:
        """Whether the order that came with the answer is committed in the database."""
        return self.entry is not None and self.entry.is_recorded(self.recorded_seq)

    @classmethod
    def read(cls, reply: Reply) -> Self:
        """Read a script's reply."""
        outcome, now_ms, left, held, recorded_seq, moment_ms, slot, text = reply
        entry = Entry.read(slot=slot, text=text) if text else None
        return cls(_outcome(outcome), now_ms, left, held, recorded_seq, moment_ms, entry)

    @classmethod
    def failed(cls, outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that the ledger knows of one shopper in one sale; entries by slot, from 1, without holes."""

    outcome: Outcome
    now_ms: int = 0
    recorded_seq: int = 0
    limit: int = 0
    hold_extension_ms: int = 0
    key_holder: tuple[str, int] | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def next_slot(self) -> int:
        """The lowest slot that a new purchase may take: of a hold that came to nothing, or never used."""
        for entry in self.entries:
            if entry.is_due(self.now_ms) or entry.state is EntryState.GONE:
                return entry.slot
        return len(self.entries) + 1

    @property
    def counted(self) -> tuple[Entry, ...]:
        """Entries that count to the limit, newest first."""
        standing = (e for e in self.entries if e.state in "hebux" and not e.is_due(self.now_ms))
        return tuple(sorted(standing, key=lambda entry: entry.seq, reverse=True))

    @property
    def open_holds(self) -> tuple[Entry, ...]:
        """Holds whose deadline has not passed, newest first."""
        return tuple(entry for entry in self.counted if entry.is_hold)

    @property
    def bought(self) -> tuple[Entry, ...]:
        """Units that are the shopper's, newest first."""
        return tuple(entry for entry in self.counted if entry.is_bought)

    @property
    def at_limit(self) -> bool:
        """Whether the shopper may take no further unit."""
        return len(self.counted) >= self.limit

    @classmethod
    def read(cls, reply: Reply) -> Self:
        """Read a script's reply."""
        outcome, now_ms, recorded_seq, limit, hold_extension_ms, holder, *texts = reply
        key_holder = None
        if holder:
            shopper, _, slot = text_of(holder).rpartition("/")
            key_holder = (shopper, int(slot))
        return cls(
            outcome=_outcome(outcome),
            now_ms=now_ms,
            recorded_seq=recorded_seq,
            limit=limit,
            hold_extension_ms=hold_extension_ms,
            key_holder=key_holder,
            entries=tuple(Entry.read(slot=slot, text=text) for slot, text in enumerate(texts, start=1)),
        )

    @classmethod
    def failed(cls, outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A sale's numbers in one instant. `held` is without holds that are due; those are counted as left."""

    outcome: Outcome
    now_ms: int = 0
    sound: bool = False
    state: LedgerState = LedgerState.OPEN
    epoch: int = 0
    stock: int = 0
    sold: int = 0
    held: int = 0
    due: int = 0
    next_unit: int = 0
    returned: int = 0
    opens_ms: int = 0
    closes_ms: int = 0
    sold_out_ms: int = 0
    limit: int = 0
    hold_ms: int = 0
    hold_extension_ms: int = 0
    seq: int = 0
    recorded_seq: int = 0
    state_number: int = 0
    change: int = 0
    last_seq: int = field(default=0, metadata={"of": "the newest event in the stream"})
    first_seq: int = field(default=0, metadata={"of": "the oldest event in the stream"})

    @property
    def left(self) -> int:
        """Units that can be taken now."""
        return max(self.stock - self.sold - self.held, 0)

    @property
    def unrecorded(self) -> int:
        """Events that are not on record yet."""
        return self.seq - self.recorded_seq

    @classmethod
    def read(cls, reply: Reply) -> Self:
        """Read a script's reply."""
        outcome = _outcome(reply[0])
        if outcome is not Outcome.FOUND:
            return cls(outcome=outcome)
        now_ms, sound, state, *numbers = reply[1:]
        names = (
            "epoch", "stock", "sold", "held", "due", "next_unit", "returned", "opens_ms", "closes_ms", "sold_out_ms",
            "limit", "hold_ms", "hold_extension_ms", "seq", "recorded_seq", "state_number", "change", "last_seq",
            "first_seq",
        )  # fmt: skip
        return cls(
            outcome=outcome,
            now_ms=now_ms,
            sound=bool(sound),
            state=LedgerState(text_of(state)),
            **dict(zip(names, numbers, strict=True)),
        )

    @classmethod
    def failed(cls, outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """Answer of tick: how many holds were freed, and whether more are due."""

    outcome: Outcome
    now_ms: int = 0
    freed: int = 0
    more: bool = False

    @classmethod
    def read(cls, reply: Reply) -> Self:
        """Read a script's reply."""
        outcome, now_ms, freed, more = reply
        return cls(outcome=_outcome(outcome), now_ms=now_ms, freed=freed, more=bool(more))

    @classmethod
    def failed(cls, outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Answer of change and cancel: DONE, SAME, or why not, with what is sold and held (due holds included)."""

    outcome: Outcome
    sold: int = 0
    held: int = 0

    @property
    def ok(self) -> bool:
        """Whether the ledger is now as asked."""
        return self.outcome in (Outcome.DONE, Outcome.SAME)

    @classmethod
    def read(cls, reply: Reply) -> Self:
        """Read a script's reply."""
        outcome, sold, held = reply
        return cls(outcome=_outcome(outcome), sold=sold, held=held)

    @classmethod
    def failed(cls, outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(outcome=outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Answer of an act of keeper or admin: DONE, SAME, or why not."""

    outcome: Outcome

    @property
    def ok(self) -> bool:
        """Whether the ledger is now as asked."""
        return self.outcome in (Outcome.DONE, Outcome.SAME)

    @classmethod
    def read(cls, reply: Reply) -> Self:
        """Read a script's reply."""
        return cls(outcome=_outcome(reply[0]))

    @classmethod
    def failed(cls, outcome: Outcome) -> Self:
        """Make the answer of a call that got none."""
        return cls(outcome=outcome)

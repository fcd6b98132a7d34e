"""What the ledger knows of one slot of one shopper: fixed-width text there, a named tuple here.

Layout: state 1, lost holds 2, unit 7, seq 10, taken_ms 13, at_ms 13, order id 22, key digest 0 or 11 characters.
"""

from base64 import urlsafe_b64encode
from binascii import a2b_base64
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from sales.live.calls import text_of


class EntryState(StrEnum):
    """The first letter of an entry."""

    HELD = "h"
    EXTENDED = "e"  # held, and its one extension is used
    BOUGHT = "b"
    UNRECORDED = "u"  # bought, and the record refused it: a person must look
    CANCELLED = "c"
    CANCELLED_FOR_GOOD = "x"  # still counts to the limit
    GONE = "g"  # the hold ran out, was let go or was taken over


_STATES = {each.value: each for each in EntryState}


class Entry(NamedTuple):
    """One slot. `at_ms` is the deadline of a hold (also of one that is gone), else the time of buying."""

    slot: int
    state: EntryState
    lost: int
    unit: int
    seq: int
    taken_ms: int
    at_ms: int
    order_id: UUID
    key_digest: str

    @classmethod
    def read(cls, *, slot: int, text: bytes | str) -> Self:
        """Read the ledger's text. Raises ValueError where it is none."""
        written = text_of(text)
        if len(written) not in (68, 79):
            raise ValueError(f"{written!r} is not an entry: it has {len(written)} characters.")
        return cls(
            slot,
            _STATES.get(written[0]) or EntryState(written[0]),
            int(written[1:3]),
            int(written[3:10]),
            int(written[10:20]),
            int(written[20:33]),
            int(written[33:46]),
            read_order_id(written[46:68]),
            written[68:],
        )

    @property
    def is_hold(self) -> bool:
        """Whether the unit is held, due or not."""
        return self.state in (EntryState.HELD, EntryState.EXTENDED)

    @property
    def is_bought(self) -> bool:
        """Whether the unit is the shopper's, on record or not yet."""
        return self.state in (EntryState.BOUGHT, EntryState.UNRECORDED)

    @property
    def is_cancelled(self) -> bool:
        """Whether the unit was bought and the shop cancelled it."""
        return self.state in (EntryState.CANCELLED, EntryState.CANCELLED_FOR_GOOD)

    @property
    def took_over_a_slot(self) -> bool:
        """Whether a hold in this slot came to nothing before this one: its order id is not kept."""
        return self.lost > (self.state is EntryState.GONE)

    def is_due(self, now_ms: int) -> bool:
        """Whether this is a hold past its deadline: it counts as gone, freed already or not."""
        return self.is_hold and self.at_ms <= now_ms

    def is_recorded(self, recorded_seq: int) -> bool:
        """Whether the order is committed in the database."""
        return self.seq <= recorded_seq and (self.state is EntryState.BOUGHT or self.is_cancelled)


def write_order_id(order_id: UUID) -> str:
    """Return the 22 characters by which the ledger knows an order (URL-safe base 64 of its 16 bytes)."""
    return urlsafe_b64encode(order_id.bytes).rstrip(b"=").decode()


def read_order_id(text: str) -> UUID:
    """Return the order id that the ledger wrote. Raises ValueError where it is none."""
    written = a2b_base64(text.encode().translate(_STANDARD) + b"==")
    if len(written) != _BYTES:
        raise ValueError(f"{text!r} is not an order id.")
    # As a UUID that was pickled comes back: the checks of the constructor would take longer than all of this.
    read = UUID.__new__(UUID)
    read.__setstate__({"int": int.from_bytes(written)})  # type: ignore[attr-defined] # not in its stub
    return read


_BYTES = 16
_STANDARD = bytes.maketrans(b"-_", b"+/")

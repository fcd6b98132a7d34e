"""The ledger's events as the keeper reads them: one named tuple per stream entry. Ids are `<seq>-0`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from sales.live.calls import text_of
from sales.live.entries import read_order_id


class EventKind(StrEnum):
    """What happened."""

    PUBLISHED = "published"
    HELD = "held"
    BOUGHT = "bought"
    EXTENDED = "extended"
    LET_GO = "let_go"
    RAN_OUT = "ran_out"
    TAKEN_OVER = "taken_over"
    DROPPED = "dropped"  # the ledger was made anew; not the shopper's fault
    CANCELLED = "cancelled"
    REBUILT = "rebuilt"


_KINDS = {each.value.encode(): each for each in EventKind}


class Event(NamedTuple):
    """One change in a sale. `order_id` is None for events about no unit; `time_ms` and `taken_ms` are the ledger's.

    A tuple, because the keeper makes one for each purchase while people buy.
    """

    seq: int
    epoch: int
    what: EventKind
    unit: int
    shopper: str
    slot: int
    order_id: UUID | None
    key_digest: str
    time_ms: int
    taken_ms: int
    sold: int = 0  # of `rebuilt`: the numbers that the sale went on from
    next_unit: int = 0

    @classmethod
    def read(cls, *, event_id: bytes, fields: Mapping[bytes, bytes]) -> Self:
        """Read a stream entry. Raises ValueError, saying what is wrong, where it is none of ours."""
        try:
            order = fields[b"order"]
            time_ms = int(fields[b"time"])
            return cls(
                seq_of(event_id),
                int(fields[b"epoch"]),
                _KINDS[fields[b"what"]],
                int(fields[b"unit"]),
                fields[b"shopper"].decode(),
                int(fields[b"slot"]),
                read_order_id(order.decode()) if order else None,
                fields[b"key"].decode(),
                time_ms,
                time_ms - int(fields[b"since"]),
                int(fields.get(b"sold", 0)),
                int(fields.get(b"next_unit", 0)),
            )
        except (KeyError, ValueError) as error:
            raise ValueError(f"Event {text_of(event_id)} cannot be read: {error!r}.") from error


def seq_of(event_id: bytes) -> int:
    """Return the number of an event from its stream id."""
    seq, _, rest = event_id.partition(b"-")
    if rest != b"0":
        raise ValueError(f"{text_of(event_id)} is not an event id of ours.")
    return int(seq)

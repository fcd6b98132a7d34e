"""The ledger's events as the keeper reads them: one dataclass per stream entry. Ids are `<seq>-0`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change in a sale. `order_id` is None for events about no unit; `time_ms` and `taken_ms` are the ledger's."""

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
    def read(cls, *, event_id: bytes | str, fields: Mapping[bytes, bytes]) -> Self:
        """Read a stream entry. Raises ValueError, saying what is wrong, where it is none of ours."""
        try:
            said = {text_of(name): text_of(value) for name, value in fields.items()}
            time_ms = int(said["time"])
            return cls(
                seq=seq_of(event_id),
                epoch=int(said["epoch"]),
                what=EventKind(said["what"]),
                unit=int(said["unit"]),
                shopper=said["shopper"],
                slot=int(said["slot"]),
                order_id=read_order_id(said["order"]) if said["order"] else None,
                key_digest=said["key"],
                time_ms=time_ms,
                taken_ms=time_ms - int(said["since"]),
                sold=int(said.get("sold", 0)),
                next_unit=int(said.get("next_unit", 0)),
            )
        except (KeyError, ValueError) as error:
            raise ValueError(f"Event {text_of(event_id)} cannot be read: {error!r}.") from error


def seq_of(event_id: bytes | str) -> int:
    """Return the number of an event from its stream id."""
    seq, _, rest = text_of(event_id).partition("-")
    if rest != "0":
        raise ValueError(f"{text_of(event_id)} is not an event id of ours.")
    return int(seq)

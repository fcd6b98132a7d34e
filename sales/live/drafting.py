"""A sale's keys read whole, and written anew: beside the old ones first, then put in their place all at once.

Works over the keeper's line, in slices, so that no command stops the server for long. A draft that is never finished
stays without effect: the sale's own keys change only by the script `install`. What goes in is `rebuilding`'s business.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sales.live import ledger
from sales.live.calls import text_of
from sales.live.entries import Entry, write_order_id
from sales.live.keys import SaleKeys, drafts_of
from sales.live.line import Line
from sales.live.rebuilding import Happening, Rebuilt, Slot, in_slices
from sales.live.results import Done, Terms
from sales.live.stream import Event, EventKind

SLICE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What kinds of keys a sale has. Numbers are None where a key is missing or of another type."""

    kinds: dict[str, str]  # type of each of the six keys, `none` where it is missing
    seq: int | None  # what the sale's numbers say of its last event
    clock_ms: int | None
    keyed: int | None
    sold: int | None
    held: int | None
    entries: int | None
    bindings: int | None
    stream_last: int | None  # the highest number that the stream ever had

    @property
    def is_there(self) -> bool:
        """Whether the ledger has anything of the sale."""
        return any(kind != "none" for kind in self.kinds.values())


_KINDS = {
    "meta": "hash",
    "shoppers": "hash",
    "keys": "hash",
    "returned": "zset",
    "deadlines": "zset",
    "events": "stream",
}


def shape_of(line: Line, sale: int) -> Shape:
    """Look at a sale's keys without reading them. What is compared with each other is read in one instant."""
    keys = SaleKeys.of(sale)
    types = line.ask_many([("TYPE", getattr(keys, name)) for name in _KINDS])
    kinds = dict(zip(_KINDS, map(text_of, types), strict=True))
    sound = {name for name, kind in kinds.items() if kind in (_KINDS[name], "none")}
    names = ("seq", "clock_ms", "keyed", "sold", "held")
    asked: list[tuple[str, ...]] = [("HMGET", keys.meta, *names)] if kinds["meta"] == "hash" else []
    asked += [("HLEN", getattr(keys, name)) for name in ("shoppers", "keys") if name in sound]
    replies = iter(line.ask_many([("MULTI",), *asked, ("EXEC",)])[-1])
    numbers = next(replies) if kinds["meta"] == "hash" else [None] * len(names)
    return Shape(
        kinds=kinds,
        **{name: _number(value) for name, value in zip(names, numbers, strict=True)},
        entries=next(replies) if "shoppers" in sound else None,
        bindings=next(replies) if "keys" in sound else None,
        stream_last=_last_of(line, keys) if kinds["events"] == "stream" else None,
    )


def _number(value: bytes | None) -> int | None:
    try:
        return None if value is None else int(value)
    except ValueError:
        return None


def _last_of(line: Line, keys: SaleKeys) -> int | None:
    reply = line.ask("XINFO", "STREAM", keys.events)
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    said = {text_of(name): value for name, value in pairs}
    return _number(text_of(said["last-generated-id"]).partition("-")[0].encode())


def now_ms(line: Line) -> int:
    """Return the server's clock, as it is and not as any sale remembers it."""
    seconds, micros = line.ask("TIME")
    return int(seconds) * 1_000 + int(micros) // 1_000


def events_of(line: Line, sale: int, *, after: int = 0) -> Iterator[Event]:
    """Read the stream from behind an event, as far as it goes; what is no event of ours is left out."""
    while found := line.read_events({sale: after}, count=SLICE).get(sale):
        yield from (event for event in found if isinstance(event, Event))
        last = max(each.seq for each in found)
        if last <= after:  # nothing but entries that no script wrote
            return
        after = last


def entries_of(line: Line, sale: int) -> Iterator[tuple[Slot, Entry | None]]:
    """Read every entry; None stands for one that cannot be read. One may come twice while the sale is running."""
    for field, text in _scan(line, "HSCAN", SaleKeys.of(sale).shoppers):
        place = _place(field)
        try:
            yield place, Entry.read(slot=place[1], text=text)
        except ValueError:
            yield place, None


def deadlines_of(line: Line, sale: int) -> Iterator[tuple[str, int]]:
    """Read the index of deadlines: `shopper/slot` and its time."""
    start = 0
    while found := line.ask("ZRANGE", SaleKeys.of(sale).deadlines, start, start + SLICE - 1, "WITHSCORES"):
        pairs = found if isinstance(found[0], list) else list(zip(found[::2], found[1::2], strict=True))
        yield from ((text_of(member), int(float(score))) for member, score in pairs)
        start += SLICE


def numbers_of(line: Line, sale: int, *, key: str) -> dict[str, str]:
    """Read one of a sale's hashes whole, as text."""
    return dict(fields_of(line, sale, key=key))


def fields_of(line: Line, sale: int, *, key: str) -> Iterator[tuple[str, str]]:
    """Read one of a sale's hashes field by field, as text."""
    yield from _scan(line, "HSCAN", getattr(SaleKeys.of(sale), key))


def returned_of(line: Line, sale: int) -> set[int]:
    """Read the unit numbers given back."""
    return {int(float(member)) for member, _score in _scan(line, "ZSCAN", SaleKeys.of(sale).returned)}


def _scan(line: Line, command: str, key: str) -> Iterator[tuple[str, str]]:
    cursor = "0"
    while True:
        reply: Any = line.ask(command, key, cursor, "COUNT", SLICE)
        cursor = text_of(reply[0])
        found = reply[1].items() if isinstance(reply[1], dict) else zip(reply[1][::2], reply[1][1::2], strict=True)
        yield from ((_readable(name), _readable(value)) for name, value in found)
        if cursor == "0":
            return


def _readable(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _place(field: str) -> Slot:
    shopper, _, slot = field.rpartition("/")
    return shopper, int(slot) if slot.isdecimal() else 0


def remove_drafts(line: Line, sale: int) -> None:
    """Remove what an earlier attempt left."""
    cursor = "0"
    while True:
        reply = line.ask("SCAN", cursor, "MATCH", drafts_of(sale), "COUNT", 1_000)
        if reply[1]:
            line.ask("UNLINK", *(text_of(key) for key in reply[1]))
        cursor = text_of(reply[0])
        if cursor == "0":
            return


def write(
    line: Line,
    *,
    sale: int,
    draft: str,
    rebuilt: Rebuilt,
    terms: Terms,
    numbers: dict[str, int],
    check: Callable[[], None],
) -> Done:
    """Write a ledger anew and put it in its place. `check` is asked before each slice and may raise.

    `numbers` are the epoch, recorded_seq, change and the clock. The numbers of the sale are the last to be written.
    """
    keys = SaleKeys.of(sale, draft=draft)

    def say(*command: str | int) -> None:
        check()
        line.ask(*command)

    for slots in in_slices(rebuilt.entries.items()):
        say("HSET", keys.shoppers, *_flat((f"{who}/{slot}", _text(entry)) for (who, slot), entry in slots))
    for bound in in_slices(rebuilt.keys.items()):
        say("HSET", keys.keys, *_flat((digest, f"{who}/{slot}") for digest, (who, slot) in bound))
    for units in in_slices(rebuilt.returned):
        say("ZADD", keys.returned, *_flat((unit, unit) for unit in units))
    for added in in_slices(_events(keys, rebuilt, epoch=numbers["epoch"], now_ms=numbers["clock_ms"])):
        check()
        line.ask_many(added)
    say("HSET", keys.meta, *_flat(_meta(rebuilt, terms, numbers).items()))
    check()
    return line.run(
        ledger.install(
            sale=sale,
            epoch=numbers["epoch"],
            draft=draft,
            shoppers=len(rebuilt.entries),
            keys=len(rebuilt.keys),
            returned=len(rebuilt.returned),
            events=1 + len(rebuilt.happenings),
        )
    )


def _meta(rebuilt: Rebuilt, terms: Terms, numbers: dict[str, int]) -> dict[str, str | int]:
    return {
        "schema": 1,
        **numbers,
        "state": terms.state,
        "state_number": terms.state_number,
        "stock": terms.stock,
        "next_unit": rebuilt.next_unit,
        "sold": rebuilt.sold,
        "held": 0,
        "seq": rebuilt.seq,
        "opens_ms": terms.opens_ms,
        "closes_ms": terms.closes_ms,
        "sold_out_ms": rebuilt.sold_out_ms,
        "limit": terms.limit,
        "hold_ms": terms.hold_ms,
        "hold_extension_ms": terms.hold_extension_ms,
        "cancelled_counts": int(terms.cancelled_counts),
        "keyed": len(rebuilt.keys),
    }


def _events(keys: SaleKeys, rebuilt: Rebuilt, *, epoch: int, now_ms: int) -> Iterator[list[str | int]]:
    said = {"epoch": epoch, "what": EventKind.REBUILT, "unit": 0, "shopper": "", "slot": 0, "order": "", "key": "",
            "time": now_ms, "since": 0, "sold": rebuilt.sold_before, "next_unit": rebuilt.next_unit}  # fmt: skip
    yield ["XADD", keys.events, f"{rebuilt.first_seq}-0", *_flat(said.items())]
    for each in rebuilt.happenings:
        yield ["XADD", keys.events, f"{each.entry.seq}-0", *_flat(_event(each, epoch, now_ms).items())]


def _event(each: Happening, epoch: int, now_ms: int) -> dict[str, str | int]:
    entry = each.entry
    at = entry.at_ms if each.what is EventKind.BOUGHT else now_ms
    return {"epoch": epoch, "what": each.what, "unit": entry.unit, "shopper": each.shopper, "slot": entry.slot,
            "order": write_order_id(entry.order_id), "key": entry.key_digest, "time": at,
            "since": at - entry.taken_ms}  # fmt: skip


def _text(entry: Entry) -> str:
    return (
        f"{entry.state}{min(entry.lost, 99):02d}{entry.unit:07d}{entry.seq:010d}{entry.taken_ms:013d}{entry.at_ms:013d}"
        f"{write_order_id(entry.order_id)}{entry.key_digest}"
    )


def _flat(pairs: Any) -> list[str | int]:
    return [value for pair in pairs for value in pair]

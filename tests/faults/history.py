"""What shoppers were told during a run, what is on record after it, and whether the two can both be true."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

TOLERATED = frozenset({200, 400, 429, 503})


@dataclass(frozen=True, slots=True)
class Told:
    """One answer. `status` 0 is no answer at all: outcome unknown."""

    shopper: str
    status: int
    purchase_id: str = ""
    unit: int = 0
    message: str = ""

    @property
    def won(self) -> bool:
        """Whether the shopper was told that a unit is theirs."""
        return self.status == 200 and bool(self.purchase_id)


@dataclass(frozen=True, slots=True)
class Row:
    """An order on record that is not cancelled."""

    order_id: str
    shopper: str
    unit: int


@dataclass(slots=True)
class History:
    """All answers of a run, in the order in which they came; threads only ever append."""

    told: list[Told] = field(default_factory=list)

    def won(self) -> dict[str, set[str]]:
        """Return shopper → purchase ids that they were told."""
        ids: dict[str, set[str]] = {}
        for each in self.told:
            if each.won:
                ids.setdefault(each.shopper, set()).add(each.purchase_id)
        return ids

    def undecided(self) -> set[str]:
        """Return shoppers whose last answer was neither yes nor no."""
        last = {each.shopper: each.status for each in self.told}
        return {shopper for shopper, status in last.items() if status in (0, 503, 429)}

    def statuses(self) -> dict[int, int]:
        """Count answers by status; 0 is no answer."""
        return dict(sorted(Counter(each.status for each in self.told).items()))


@dataclass(frozen=True, slots=True)
class Record:
    """What the database holds of the sale."""

    stock: int
    recorded: int
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, folder: Path, slug: str) -> "Record":
        """Read the demo's database, beside the keeper that writes it."""
        with closing(sqlite3.connect(f"file:{folder / 'record.sqlite3'}?mode=ro", uri=True)) as database:
            pk, stock, recorded = database.execute(
                "SELECT id, stock, recorded FROM sales_sale WHERE slug = ?", [slug]
            ).fetchone()
            rows = database.execute(
                "SELECT order_id, shopper, unit FROM sales_order WHERE sale_id = ? AND state != 'cancelled'", [pk]
            ).fetchall()
        return cls(stock, recorded, tuple(Row(str(UUID(order_id)), shopper, unit) for order_id, shopper, unit in rows))


def findings(history: History, record: Record) -> list[str]:
    """Return a sentence for each thing that must never happen and did; none is the only good answer."""
    return [*_in_answers(history), *_on_record(record), *_between(history, record)]


def _in_answers(history: History) -> Iterator[str]:
    for status, count in history.statuses().items():
        if status and status not in TOLERATED:
            yield f"{count} answers had the status {status}."
    for shopper, ids in history.won().items():
        if len(ids) > 1:
            yield f"{shopper} was told {len(ids)} different purchases: {', '.join(sorted(ids))}."
    yield from _twice("unit", ((each.unit, each.purchase_id) for each in history.told if each.won))


def _on_record(record: Record) -> Iterator[str]:
    if len(record.rows) > record.stock:
        yield f"Oversold: {len(record.rows)} orders on record, stock {record.stock}."
    if record.recorded != len(record.rows):
        yield f"The sale counts {record.recorded} orders, and there are {len(record.rows)}."
    yield from _twice("unit", ((row.unit, row.order_id) for row in record.rows))
    yield from _twice("shopper", ((row.shopper, row.order_id) for row in record.rows))


def _between(history: History, record: Record) -> Iterator[str]:
    rows = {row.order_id: row for row in record.rows}
    told = {each.purchase_id: each for each in history.told if each.won}
    for purchase_id, each in told.items():
        row = rows.get(purchase_id)
        if row is None:
            yield f"Lost: {each.shopper} was told {purchase_id} (unit {each.unit}), and it is not on record."
        elif row.unit != each.unit:
            yield f"{each.shopper} was told unit {each.unit}, and the record says {row.unit}."
    undecided = history.undecided()
    for order_id, row in rows.items():
        if order_id not in told and row.shopper.rpartition(":")[2] not in undecided:
            yield f"Nobody was told of {order_id} (unit {row.unit}, {row.shopper}), and nobody waits to hear of it."
    if any("sold out" in each.message for each in history.told) and len(record.rows) < record.stock:
        yield f"Somebody was told that it is sold out, and {record.stock - len(record.rows)} units are left."


def _twice(what: str, pairs: Iterable[tuple[object, str]]) -> Iterator[str]:
    owners: dict[object, set[str]] = {}
    for key, owner in pairs:
        owners.setdefault(key, set()).add(owner)
    for key, found in owners.items():
        if len(found) > 1:
            yield f"The {what} {key} belongs to {len(found)} purchases: {', '.join(sorted(found))}."

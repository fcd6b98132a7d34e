"""What shoppers were told during a run, and what is on record after it. Whether both can be true: `checks`."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

UNDECIDED = frozenset({0, 429, 503})
"""Neither yes nor no; 0 is no answer at all."""


class Question(StrEnum):
    """What was asked."""

    PURCHASE = "purchase"
    LOOK_UP = "look-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer. `status` 0 is no answer at all: outcome unknown. Times are milliseconds of this machine's clock."""

    shopper: str
    status: int
    question: Question = Question.PURCHASE
    key: str = ""  # the Idempotency-Key
    purchase_id: str = ""
    unit: int = 0
    order_status: str = ""
    known: tuple[str, ...] = ()  # what a look-up says that they have
    message: str = ""
    asked_ms: int = 0
    answered_ms: int = 0

    @property
    def bought(self) -> bool:
        """Whether the answer to a purchase names one that is theirs: this one, or the one that they had already."""
        return self.question is Question.PURCHASE and bool(self.purchase_id) and self.order_status != "held"

    @property
    def won(self) -> bool:
        """Whether the shopper was told that this purchase is theirs."""
        return self.bought and self.status == 200

    @property
    def held(self) -> bool:
        """Whether the shopper was told that a unit is kept for them."""
        return self.question is Question.PURCHASE and self.order_status == "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An order on record that is not cancelled."""

    order_id: str
    shopper: str
    unit: int
    seq: int = 0
    epoch: int = 1
    taken_ms: int = 0
    recorded_ms: int = 0

    @property
    def name(self) -> str:
        """The shopper as clients call them."""
        return self.shopper.rpartition(":")[2]


@dataclass(slots=True)
class History:
    """All answers of a run, in the order in which they came; threads only ever append."""

    told: list[Told] = field(default_factory=list)
    healed_ms: int = 0  # when everything was well again; 0: it is not known

    @property
    def purchases(self) -> list[Told]:
        """All answers to purchases."""
        return [each for each in self.told if each.question is Question.PURCHASE]

    @property
    def look_ups(self) -> list[Told]:
        """All look-ups that were answered."""
        return [each for each in self.told if each.question is Question.LOOK_UP and each.status == 200]

    def bought(self) -> dict[str, set[str]]:
        """Return shopper → purchase ids that they were told."""
        ids: dict[str, set[str]] = {}
        for each in self.told:
            if each.bought:
                ids.setdefault(each.shopper, set()).add(each.purchase_id)
        return ids

    def undecided(self) -> set[str]:
        """Return shoppers whose last answer to a purchase was neither yes nor no."""
        last = {each.shopper: each.status for each in self.purchases}
        return {shopper for shopper, status in last.items() if status in UNDECIDED}

    def statuses(self) -> dict[int, int]:
        """Count answers by status; 0 is no answer."""
        return dict(sorted(Counter(each.status for each in self.told).items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the database holds of the sale."""

    stock: int
    recorded: int
    rows: tuple[Row, ...]
    limit: int = 1
    hold_seconds: int = 0
    opens_ms: int = 0
    closes_ms: int = 2**62
    dead_letters: int = 0

    @classmethod
    def read(cls, folder: Path, slug: str, *, database_url: str = "") -> "Record":
        """Read the database beside the keeper that writes it; without a URL, the SQLite in the data folder."""
        if database_url:
            with psycopg.connect(database_url) as postgres:
                return cls._read(postgres, slug)
        with closing(sqlite3.connect(f"file:{folder / 'record.sqlite3'}?mode=ro", uri=True)) as sqlite:
            return cls._read(sqlite, slug)

    @classmethod
    def _read(cls, database: Any, slug: str) -> "Record":
        sale = "id, stock, recorded, hold_seconds, opens_at, closes_at"
        rows = database.execute(f"SELECT \"limit\", {sale} FROM sales_sale WHERE slug = '{slug}'").fetchall()
        limit, pk, stock, recorded, hold_seconds, opens_at, closes_at = rows[0]
        order = "order_id, shopper, unit, seq, epoch, taken_at, recorded_at"
        orders = database.execute(
            f"SELECT {order} FROM sales_order WHERE sale_id = {pk} AND state != 'cancelled' ORDER BY seq"
        ).fetchall()
        dead = database.execute(f"SELECT count(*) FROM sales_deadletter WHERE sale_id = {pk}").fetchall()
        return cls(
            stock=stock, recorded=recorded, limit=limit, hold_seconds=hold_seconds, opens_ms=_ms(opens_at),
            closes_ms=_ms(closes_at), dead_letters=dead[0][0], rows=tuple(_row(*found) for found in orders),
        )  # fmt: skip


def _row(*found: Any) -> Row:
    order_id, shopper, unit, seq, epoch, taken_at, recorded_at = found
    return Row(
        order_id=str(UUID(str(order_id))), shopper=shopper, unit=unit, seq=seq, epoch=epoch,
        taken_ms=_ms(taken_at), recorded_ms=_ms(recorded_at),
    )  # fmt: skip


def _ms(moment: object) -> int:
    """Return a moment in milliseconds; SQLite gives it as text, in UTC."""
    read = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment)).replace(tzinfo=UTC)
    return int(read.timestamp() * 1_000)

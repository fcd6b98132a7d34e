"""Everything there is in the small world that is explored, at one instant: values that never change.

The ledger server, the record, the shoppers, the keepers, an admin, scripts that were given up and may run yet, and the
faults that may still happen. Not here: what may happen next (`shopping`, `keeping`, `acting`, `trouble`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sales.domain.outcomes import Outcome
from tests.model.reference import Reference
from tests.model.slots import Said

SHOPPER = "u:"
ORDERS_EACH = 100


class Loose(StrEnum):
    """A loose reading of one rule. Exploring must find what each of them breaks."""

    OFFSET_FIRST = "the offset is stored before the orders, outside their transaction"
    NO_OFFSET_CHECK = "orders are written whatever the offset is by then"
    COMMIT_IN_ANY_EPOCH = "a keeper commits what it read though another epoch has begun since"
    MARKED_BEFORE_COMMIT = "recorded is said before the commit"
    LETTER_DROPPED = "what the record refuses is passed over, without a dead letter"
    STUCK_ON_REFUSAL = "a batch that the record refuses is tried again for ever"
    NO_CHECK = "the record's CHECK of stock is dropped"
    NO_EPOCH_CHECK = "the epoch is not compared"
    NO_PROOF = "scripts are loaded on a restarted server without comparing it with the record"
    NO_FENCE = "a lost sale is simply published again"
    FSYNC_LATER = "accepted is said before the ledger has it on disk"
    NEW_ID_ON_RETRY = "the second try has an order id of its own"
    RAISED_LEDGER_FIRST = "stock is raised in the ledger first"
    LOWERED_RECORD_FIRST = "stock is lowered on record first"
    CANCELLED_LEDGER_FIRST = "an order is cancelled in the ledger first"
    KNOWN_BY_NUMBER = "a change is known by its number alone"
    LATE_FORGOTTEN = "a change that the ledger took after it was refused stays refused"
    SETTLED_IN_ANY_EPOCH = "a change is done on record though another epoch has begun since the ledger took it"
    ROW_BEFORE_EPOCH = "a ledger is made anew with the stock that was read before its epoch began"
    UNTOLD_FORGOTTEN = "nobody finishes what a crash left asked"


class Call(NamedTuple):
    """A script on its way to the ledger."""

    verb: str
    epoch: int
    shopper: str = ""
    slot: int = 0
    order: UUID | None = None
    number: int = 0
    stock: int = 0


def in_order(calls: Iterable[Call]) -> tuple[Call, ...]:
    """In an order that their sending has no part in: any of them may be the next to run."""
    return tuple(sorted(calls, key=str))


class Server(NamedTuple):
    """The ledger server with its one sale. `disk` is what is there after a crash; `sale` None: it is lost."""

    sale: Reference | None
    disk: Reference | None
    epoch: int = 1
    disk_epoch: int = 1
    run: int = 1
    scripts: bool = True

    @property
    def is_on_disk(self) -> bool:
        return self.disk is self.sale or self.disk == self.sale

    def with_sale(self, sale: Reference, *, synced: bool = True) -> "Server":
        return self._replace(sale=sale, disk=sale if synced else self.disk)

    def in_epoch(self, epoch: int) -> "Server":
        return self._replace(epoch=epoch, disk_epoch=epoch)


class Bought(NamedTuple):
    """An event of a bought unit, as the keeper reads it."""

    seq: int
    shopper: str
    slot: int
    unit: int
    order: UUID


class Order(NamedTuple):
    """An order on record. `asked`: it is cancelled, and the ledger has yet to be told."""

    order: UUID
    shopper: str
    slot: int
    unit: int
    seq: int
    cancelled: bool = False
    asked: bool = False


class Change(NamedTuple):
    """A change of stock on record; `order` is the cancelled one whose unit is kept back."""

    number: int
    start: int
    to: int
    state: str = "asked"
    order: UUID | None = None


class Record(NamedTuple):
    """The database: what is committed."""

    stock: int
    offset: int = 1
    orders: tuple[Order, ...] = ()
    letters: tuple[Bought, ...] = ()
    changes: tuple[Change, ...] = ()
    epoch: int = 1
    run: int = 1  # the run of the ledger server that was proven, or is being
    proven: bool = True
    waits: bool = False  # paused until a person accepts the loss
    accepted: bool = False

    @property
    def decided(self) -> dict[UUID, int]:
        """The unit of every purchase that is an order or a dead letter."""
        return {each.order: each.unit for each in self.orders} | {each.order: each.unit for each in self.letters}

    @property
    def sold(self) -> int:
        return sum(not each.cancelled for each in self.orders)

    @property
    def last_number(self) -> int:
        return max((each.number for each in self.changes if each.state == "done"), default=0)

    @property
    def asked(self) -> int:
        """Place of the change that is asked, or -1."""
        return next((n for n, each in enumerate(self.changes) if each.state == "asked"), -1)


class Shopper(NamedTuple):
    """Somebody who wants one unit. `does` is buy, confirm, release, decide, or nothing any more."""

    name: str
    does: str = "buy"
    clicks: int = 0
    call: Call | None = None
    answer: Said | None = None
    order: UUID | None = None  # of the request under way, or of what is the shopper's
    unit: int = 0
    told: Outcome | None = None

    @property
    def number(self) -> int:
        return int(self.name.removeprefix(SHOPPER))

    @property
    def newest_order(self) -> UUID:
        """The order id of the last click: it tells whose it is."""
        return UUID(int=self.number * ORDERS_EACH + self.clicks)


class Keeper(NamedTuple):
    """A keeper between two of its steps: what it does, and what it has read for that. A crash forgets all of it."""

    name: str
    does: str = ""
    run: int = 0
    epoch: int = 0
    after: int = 0
    upto: int = 0
    events: tuple[Bought, ...] = ()
    place: int = -1
    order: UUID | None = None
    outcome: Outcome | None = None
    stock_told: bool = False
    stock: int = 0
    draft: Reference | None = None


class Admin(NamedTuple):
    """Somebody who restocks or cancels, act by act."""

    todo: tuple[tuple[str, int], ...] = ()
    does: str = ""
    place: int = -1
    order: UUID | None = None
    call: Call | None = None
    outcome: Outcome | None = None
    stock_told: bool = False
    epoch: int = 0


class Faults(NamedTuple):
    """How many of each may still happen."""

    crashes: int = 0
    losses: int = 0
    flushes: int = 0
    backups: int = 0
    hours: int = 0


class World(NamedTuple):
    """One instant."""

    shoppers: tuple[Shopper, ...]
    keepers: tuple[Keeper, ...]
    server: Server
    record: Record
    admin: Admin
    faults: Faults
    late: tuple[Call, ...] = ()
    backup: Server | None = None
    excused: frozenset[UUID] = frozenset()  # accepted, not on record, and gone with the ledger: the documented loss

    @property
    def selling(self) -> Reference | None:
        """The sale, where the ledger server is proven and sells it."""
        server, record = self.server, self.record
        proven = record.proven and record.run == server.run and server.scripts and server.epoch == record.epoch
        return server.sale if proven else None


class Step(NamedTuple):
    """Something that can happen, in plain words, and the world after it."""

    text: str
    world: World
    is_fault: bool = False


type Steps = Iterator[Step]


@dataclass(frozen=True)
class Scope:
    """A world to begin with, how it works, and which rules are read loosely."""

    name: str
    about: str
    stock: int = 2
    shoppers: int = 3
    limit: int = 1
    hold: int = 0
    opens: int = 0
    closes: int = 9
    slot: int = 1
    keepers: int = 1
    todo: tuple[tuple[str, int], ...] = ()
    faults: Faults = field(default_factory=Faults)
    dies: frozenset[str] = frozenset({"ledger", "keeper", "worker", "admin"})
    waits_on_loss: bool = False
    lie: int = 0  # how many more the ledger has than the record, by a hand that wrote into it
    loose: frozenset[Loose] = frozenset()
    rules: type[Reference] = Reference

    def publish(self, stock: int) -> Reference:
        """The sale as the ledger has it at first."""
        return self.rules(
            stock=stock, limit=self.limit, opens=self.opens, closes=self.closes, hold=self.hold,
            recorded=1,
        )  # fmt: skip

    def begin(self) -> World:
        """The first instant."""
        sale = self.publish(self.stock + self.lie)
        return World(
            server=Server(sale=sale, disk=sale),
            record=Record(stock=self.stock),
            shoppers=tuple(Shopper(name=f"{SHOPPER}{n}") for n in range(1, self.shoppers + 1)),
            keepers=tuple(Keeper(name=f"keeper {n}") for n in range(1, self.keepers + 1)),
            admin=Admin(todo=self.todo),
            faults=self.faults,
        )

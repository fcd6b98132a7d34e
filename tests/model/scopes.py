"""The small worlds that are explored, and the loose readings of rules, each with a world in which it breaks a promise.

`SMALL` ones are explored with every run of the tests, `LARGE` ones by the campaign.
"""

from dataclasses import replace
from uuid import UUID

from tests.model.reference import Reference
from tests.model.slots import Said, Slot
from tests.model.world import Faults, Loose, Scope

ONE_CRASH = Faults(crashes=1)
ONE_FLUSH = Faults(flushes=1)
MORE, LESS = ("restock", 1), ("restock", -1)
CANCEL, KEEP_BACK = ("cancel", 0), ("cancel", 1)
KEEPERS_DIE, ADMINS_DIE = frozenset({"keeper"}), frozenset({"admin"})

_SMALL = (
    Scope(name="three shoppers", about="two units, and nothing goes wrong"),
    Scope(name="crash", about="the ledger, the keeper or a web worker dies, once", shoppers=2, faults=ONE_CRASH),
    Scope(name="retry", about="one answer is lost, and the same order id is asked again", faults=Faults(losses=1)),
    Scope(
        name="any slot", about="two answers lost, no slot named, a limit of two", shoppers=2,
        limit=2, slot=0, faults=Faults(crashes=1, losses=2), dies=KEEPERS_DIE,
    ),
    Scope(name="window", about="it opens and ends meanwhile", shoppers=2, opens=1, closes=2, faults=Faults(hours=3)),
    Scope(name="raise", about="stock is raised", stock=1, todo=(MORE,), shoppers=2),
    Scope(name="lower", about="stock is lowered", todo=(LESS,), shoppers=2),
    Scope(
        name="change half-way", about="stock lowered, order cancelled, stock raised; an admin dies",
        shoppers=2, todo=(LESS, CANCEL, MORE), faults=ONE_CRASH, dies=ADMINS_DIE,
    ),
    Scope(name="cancel", about="an order is cancelled, and its unit sold again", stock=1, shoppers=2, todo=(CANCEL,)),
    Scope(name="keep back", about="an order is cancelled, and its unit kept back", shoppers=2, todo=(KEEP_BACK,)),
    Scope(name="holds", about="held, then confirmed, let go or run out, and taken over", stock=1, shoppers=2, hold=1,
          faults=Faults(hours=2)),
    Scope(name="two keepers", about="two keepers, one of which dies", shoppers=2, keepers=2, faults=ONE_CRASH,
          dies=KEEPERS_DIE),
    Scope(name="flush", about="the ledger is flushed, and the sale sells on", shoppers=2, faults=ONE_FLUSH),
    Scope(name="flush, wait", about="the ledger is flushed, and the sale waits for a person", shoppers=2,
          faults=ONE_FLUSH, waits_on_loss=True),
    Scope(name="backup", about="the ledger comes back as it was before", shoppers=2, faults=Faults(backups=1)),
    Scope(name="two keepers, flush", about="two keepers, and the ledger is flushed", keepers=2, shoppers=2,
          faults=ONE_FLUSH),
    Scope(name="two keepers, backup", about="two keepers, and the ledger comes back as it was before", keepers=2,
          shoppers=2, faults=Faults(backups=1)),
    Scope(name="flush, lower", about="the ledger is flushed while stock is lowered", shoppers=2, todo=(LESS,),
          faults=ONE_FLUSH),
    Scope(name="lie", about="a hand wrote more stock into the ledger", lie=1),
)  # fmt: skip

_LARGE = (
    Scope(name="crash and retry", about="three shoppers, one crash, one retry", faults=Faults(crashes=1, losses=1)),
    Scope(name="crash, raise", about="three shoppers, one crash, stock is raised", todo=(MORE,), faults=ONE_CRASH),
    Scope(name="crash, lower", about="three shoppers, one crash, stock is lowered", todo=(LESS,), faults=ONE_CRASH),
    Scope(name="retry, lower", about="three shoppers, one retry, stock is lowered", todo=(LESS,),
          faults=Faults(losses=1)),
    Scope(name="all of it", about="three shoppers, one crash, one retry, stock is lowered", todo=(LESS,),
          faults=Faults(crashes=1, losses=1)),
    Scope(name="all of it, raise", about="three shoppers, one crash, one retry, stock is raised", todo=(MORE,),
          faults=Faults(crashes=1, losses=1)),
    Scope(name="crash, cancel", about="two shoppers, one unit, one crash, an order is cancelled", shoppers=2, stock=1,
          todo=(CANCEL,), faults=ONE_CRASH),
    Scope(name="crash, keep back", about="two shoppers, one crash, a unit is kept back", shoppers=2,
          todo=(KEEP_BACK,), faults=ONE_CRASH),
    Scope(name="crash, holds", about="two shoppers, one unit, holds, one crash", stock=1, shoppers=2, hold=1,
          faults=Faults(crashes=1, hours=2)),
    Scope(name="holds, lower", about="three shoppers, holds, stock is lowered", hold=1, todo=(LESS,),
          faults=Faults(hours=1)),
    Scope(name="flush and crash", about="two shoppers, the ledger is flushed, one crash", shoppers=2,
          faults=Faults(flushes=1, crashes=1)),
    Scope(name="flush, raise", about="two shoppers, the ledger is flushed, stock is raised", shoppers=2, stock=1,
          todo=(MORE,), faults=ONE_FLUSH),
    Scope(name="flush, keep back", about="two shoppers, the ledger is flushed, a unit is kept back", shoppers=2,
          todo=(KEEP_BACK,), faults=ONE_FLUSH),
    Scope(name="two keepers, lower", about="two shoppers, two keepers, stock is lowered", keepers=2, shoppers=2,
          todo=(LESS,)),
)  # fmt: skip

SMALL = {each.name: each for each in _SMALL}
LARGE = {each.name: each for each in _LARGE}
SCOPES = SMALL | LARGE


class TakeoverByReturned(Reference):
    """Whether a hold must be freed first is decided by the numbers given back and the next one."""

    def _has_free_unit(self) -> bool:
        used = {slot.unit for slot in self.slots.values()}
        return self.lowest_free_unit <= max([*used, self.stock])


class RetryBySlot(Reference):
    """A retry is known by its slot, not by its order id."""

    def _same_order(self, mine: list[Slot], order: UUID) -> Said | None:
        return None


class DueNotLeft(Reference):
    """A hold that is due counts as taken until the tick has freed it."""

    @property
    def left(self) -> int:
        return max(self.stock - self.sold - len(self.holds), 0)


class OneTooMany(Reference):
    """Stock is compared with > for >=."""

    @property
    def left(self) -> int:
        return super().left + 1

    def _has_free_unit(self) -> bool:
        return True


class EndsLate(Reference):
    """The end is compared with > for >=."""

    def _shut(self, mine: list[Slot]) -> Said | None:
        return super(EndsLate, replace(self, closes=self.closes + 1))._shut(mine)


_LOOSELY = {
    Loose.OFFSET_FIRST: "two keepers",
    Loose.NO_OFFSET_CHECK: "two keepers",
    Loose.COMMIT_IN_ANY_EPOCH: "two keepers, backup",
    Loose.MARKED_BEFORE_COMMIT: "three shoppers",
    Loose.LETTER_DROPPED: "lie",
    Loose.STUCK_ON_REFUSAL: "lie",
    Loose.NO_CHECK: "lie",
    Loose.NO_EPOCH_CHECK: "backup",
    Loose.NO_PROOF: "backup",
    Loose.NO_FENCE: "flush",
    Loose.FSYNC_LATER: "crash",
    Loose.NEW_ID_ON_RETRY: "any slot",
    Loose.RAISED_LEDGER_FIRST: "raise",
    Loose.LOWERED_RECORD_FIRST: "lower",
    Loose.CANCELLED_LEDGER_FIRST: "cancel",
    Loose.KNOWN_BY_NUMBER: "change half-way",
    Loose.LATE_FORGOTTEN: "change half-way",
    Loose.SETTLED_IN_ANY_EPOCH: "flush, lower",
    Loose.ROW_BEFORE_EPOCH: "flush, lower",
    Loose.UNTOLD_FORGOTTEN: "change half-way",
}
_BY_RULES: dict[type[Reference], str] = {
    TakeoverByReturned: "holds, lower",
    RetryBySlot: "any slot",
    DueNotLeft: "holds",
    OneTooMany: "three shoppers",
    EndsLate: "window",
}

BROKEN = {reading.name: replace(SCOPES[scope], loose=frozenset({reading})) for reading, scope in _LOOSELY.items()} | {
    rules.__name__: replace(SCOPES[scope], rules=rules) for rules, scope in _BY_RULES.items()
}
"""A broken twin for each loose reading: exploring it must find what it breaks."""

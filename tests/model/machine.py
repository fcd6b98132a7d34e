"""Drives the real scripts on a real server beside the reference, step by step, and compares every answer.

The sale's clock is set ahead of the server's, so that only the machine moves it: every run is repeatable.
"""

import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django_redis import get_redis_connection
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.live.calls import Call
from sales.live.entries import Entry, read_order_id
from sales.live.keys import SaleKeys
from sales.live.results import Taken, Terms
from tests.model.reference import Reference
from tests.model.slots import Said, Slot
from tests.together import run_together

EPOCH = 3
SHOPPERS = ("u:1", "u:2", "x:shop/a:3")
KEYS = ("", "", "", "first______", "second_____", "third______")
_numbers = itertools.count(1_000_000)

shoppers = st.sampled_from(SHOPPERS)
picks = st.integers(0, 10_000)


class LedgerMachine(RuleBasedStateMachine):
    """One sale, three shoppers, a keeper and an admin."""

    run: Callable[[Call[Any]], Any] = staticmethod(connection.run)
    run_together: Callable[[list[Call[Any]]], list[Any]] = staticmethod(run_together)

    @initialize(
        stock=st.integers(1, 5),
        limit=st.integers(1, 3),
        hold=st.sampled_from([0, 10, 10]),
        extension=st.sampled_from([0, 5]),
        cancelled_counts=st.booleans(),
    )
    def publish(self, stock: int, limit: int, hold: int, extension: int, *, cancelled_counts: bool) -> None:
        self.redis = get_redis_connection("ledger")
        self.pk = next(_numbers)
        self.orders: list[tuple[str, UUID]] = []
        self.states = 0
        seconds, _ = self.redis.time()
        start = (int(seconds) + 100_000) * 1_000
        extension = extension if hold else 0
        self.model = Reference(
            stock=stock, limit=limit, opens=start + 1, closes=start + 500, hold=hold, extension=extension,
            cancelled_counts=cancelled_counts, now=start,
        )  # fmt: skip
        terms = Terms(
            stock=stock, limit=limit, opens_ms=start + 1, closes_ms=start + 500, hold_ms=hold,
            hold_extension_ms=extension, cancelled_counts=cancelled_counts,
        )  # fmt: skip
        assert self.run(ledger.publish(sale=self.pk, epoch=EPOCH, terms=terms)).outcome is Outcome.DONE
        self.set_clock()

    def dump(self) -> list[Any]:
        """Return all that the ledger has of the sale. A hash in no order: a server that rehashes changes that."""
        keys = SaleKeys.of(self.pk)
        hashes = [self.redis.hgetall(name) for name in keys.named("meta", "shoppers", "keys")]
        return hashes + [self.redis.dump(name) for name in keys.named("returned", "deadlines", "events")]

    def set_clock(self) -> None:
        self.redis.hset(SaleKeys.of(self.pk).meta, "clock_ms", self.model.now)

    # --- What may happen

    @rule(by=st.sampled_from([1, 1, 1, 4, 5, 10, 10, 60]))
    def time_passes(self, by: int) -> None:
        self.model = self.model.at(self.model.now + by)
        self.set_clock()

    @rule(shopper=shoppers, wanted=st.integers(0, 3), key=st.sampled_from(KEYS))
    def buy(self, shopper: str, wanted: int, key: str) -> None:
        self.purchase(shopper, 0 if key else wanted, UUID(int=next(_numbers)), key)

    @precondition(lambda self: self.orders)
    @rule(pick=picks, wanted=st.integers(0, 2))
    def retry(self, pick: int, wanted: int) -> None:
        shopper, order = self.orders[pick % len(self.orders)]
        self.purchase(shopper, wanted, order, "")

    def purchase(self, shopper: str, wanted: int, order: UUID, key: str) -> None:
        before = self.dump()
        taken = self.run(
            ledger.purchase(sale=self.pk, epoch=EPOCH, shopper=shopper, slot=wanted, order_id=order, key_digest=key)
        )
        events = len(self.model.events)
        self.model, said = self.model.purchase(shopper, wanted, order, key)
        self.compare(taken, said)
        assert len(self.model.events) > events or self.dump() == before, "a refusal wrote something"
        if taken.entry and taken.entry.order_id == order:
            self.orders.append((shopper, order))

    @rule(asked=st.lists(st.tuples(shoppers, st.integers(0, 2), st.sampled_from(KEYS), picks), min_size=2, max_size=6))
    def buy_together(self, asked: list[tuple[str, int, str, int]]) -> None:
        """Several purchases in one run of the script; every third is one that was asked before, perhaps in this run."""
        known, purchases = list(self.orders), []
        for shopper, wanted, key, pick in asked:
            if pick % 3 == 0 and known:
                purchases.append((*known[pick % len(known)], wanted, ""))
            else:
                known.append((shopper, UUID(int=next(_numbers))))
                purchases.append((*known[-1], 0 if key else wanted, key))
        before, events = self.dump(), len(self.model.events)
        taken_together = self.run_together(
            [
                ledger.purchase(sale=self.pk, epoch=EPOCH, shopper=who, slot=wanted, order_id=order, key_digest=key)
                for who, order, wanted, key in purchases
            ]
        )
        for (who, order, wanted, key), taken in zip(purchases, taken_together, strict=True):
            self.model, said = self.model.purchase(who, wanted, order, key)
            self.compare(taken, said)
            if taken.entry and taken.entry.order_id == order:
                self.orders.append((who, order))
        assert len(self.model.events) > events or self.dump() == before, "refusals wrote something"

    @rule(shopper=shoppers, epoch=st.sampled_from([EPOCH - 1, EPOCH + 1]))
    def buy_in_another_epoch(self, shopper: str, epoch: int) -> None:
        taken = self.run(ledger.purchase(sale=self.pk, epoch=epoch, shopper=shopper, order_id=UUID(int=next(_numbers))))
        assert taken.outcome is Outcome.STALE_EPOCH

    @precondition(lambda self: self.orders)
    @rule(verb=st.sampled_from(["confirm", "confirm", "release", "extend"]), pick=picks)
    def about_a_hold(self, verb: str, pick: int) -> None:
        shopper, order = self.orders[pick % len(self.orders)]
        taken = self.run(getattr(ledger, verb)(sale=self.pk, epoch=EPOCH, shopper=shopper, order_id=order))
        self.model, said = getattr(self.model, verb)(shopper, order)
        self.compare(taken, said)

    @rule()
    def tick(self) -> None:
        self.model, freed = self.model.tick()
        assert self.run(ledger.tick(sale=self.pk, epoch=EPOCH)).freed == freed

    @rule(by=st.sampled_from([-2, -1, 1, 2]), late=st.sampled_from([0, 0, 0, -1, 1]))
    def restock(self, by: int, late: int) -> None:
        number, stock = self.model.change_number + 1 + late, max(self.model.stock + by, 0)
        changed = self.run(
            ledger.change(
                sale=self.pk,
                epoch=EPOCH,
                number=number,
                stock=stock,
                opens_ms=self.model.opens,
                closes_ms=self.model.closes,
            )
        )
        self.model, outcome = self.model.change(number, stock)
        assert changed.outcome is outcome

    @precondition(lambda self: self.orders)
    @rule(pick=picks, kept_back=st.booleans())
    def cancel(self, pick: int, *, kept_back: bool) -> None:
        shopper, order = self.orders[pick % len(self.orders)]
        number = next((n for n, slot in enumerate(self.model.mine(shopper), start=1) if slot.order == order), 1)
        change = self.model.change_number + 1 if kept_back else 0
        cancelled = self.run(
            ledger.cancel(sale=self.pk, epoch=EPOCH, shopper=shopper, slot=number, order_id=order, number=change)
        )
        self.model, outcome = self.model.cancel(shopper, number, order, change)
        assert cancelled.outcome is outcome

    @rule(state=st.sampled_from(["open", "open", "open", "paused", "closed"]), late=st.booleans())
    def set_state(self, state: str, *, late: bool) -> None:
        self.states += 1
        if state == "closed" and self.states < 8:
            state = "open"  # a closed sale teaches little, so it comes late
        number = self.model.state_number + (0 if late else 1)
        done = self.run(ledger.set_state(sale=self.pk, epoch=EPOCH, state=LedgerState(state), number=number))
        self.model, outcome = self.model.set_state(state, number)
        assert done.outcome is outcome

    @rule(pick=picks)
    def record(self, pick: int) -> None:
        seq = pick % (len(self.model.events) + 1)
        self.run(ledger.mark_recorded(sale=self.pk, epoch=EPOCH, seq=seq))
        self.model = self.model.mark_recorded(seq)

    # --- What must be so after each

    def compare(self, taken: Taken, said: Said) -> None:
        assert (taken.outcome, taken.moment_ms) == (said.outcome, said.moment)
        assert (taken.entry.slot if taken.entry else 0) == said.slot
        assert taken.entry is None or self.same(taken.entry, said.entry)
        assert (taken.left, taken.recorded_seq) == (self.model.left, self.model.recorded)

    @staticmethod
    def same(entry: Entry, slot: Slot | None) -> bool:
        if slot is None:
            return False
        told = (entry.state, entry.unit, entry.order_id, entry.key_digest, entry.seq, entry.taken_ms)
        rules = (slot.state, slot.unit, slot.order, slot.key, slot.seq, slot.taken)
        return told == rules and (entry.at_ms, entry.lost) == (slot.at, slot.lost)

    @invariant()
    def numbers_add_up(self) -> None:
        """I1, and that what pages show is what the rules say."""
        snapshot = self.run(ledger.snapshot(sale=self.pk, epoch=EPOCH))
        assert snapshot.outcome is Outcome.FOUND
        assert snapshot.sound
        assert (snapshot.left, snapshot.sold, snapshot.stock) == (self.model.left, self.model.sold, self.model.stock)
        assert snapshot.held + snapshot.due == len(self.model.holds)
        assert snapshot.sold + snapshot.held + snapshot.due <= snapshot.stock
        assert snapshot.recorded_seq == self.model.recorded
        assert snapshot.left or snapshot.sold_out_ms == self.model.sold_out

    @invariant()
    def shoppers_and_stream_tell_the_same_story(self) -> None:
        """I2: the entries are what the events made of them, and the events are in order."""
        names = SaleKeys.of(self.pk)
        said = [
            (f[b"what"].decode(), f[b"shopper"].decode(), int(f[b"slot"]), int(f[b"unit"]),
             read_order_id(f[b"order"].decode()) if f[b"order"] else None)
            for _, f in self.redis.xrange(names.events)
        ]  # fmt: skip
        assert tuple(said) == self.model.events
        entries = {
            name.decode(): Entry.read(slot=int(name.rpartition(b"/")[2]), text=text)
            for name, text in self.redis.hgetall(names.shoppers).items()
        }
        assert set(entries) == {f"{shopper}/{number}" for shopper, number in self.model.slots}
        assert all(self.same(entries[f"{who}/{number}"], slot) for (who, number), slot in self.model.slots.items())

    @invariant()
    def units_are_unique_and_limits_are_kept(self) -> None:
        """I3."""
        standing = [slot for slot in self.model.slots.values() if slot.state in set("hebu")]
        assert len({slot.unit for slot in standing}) == len(standing)
        for shopper in SHOPPERS:
            counted = [
                slot for slot in self.model.mine(shopper) if slot.state in set("hebu") and not self.model.due(slot)
            ]
            assert len(counted) <= self.model.limit

    def teardown(self) -> None:
        if hasattr(self, "pk"):
            names = SaleKeys.of(self.pk)
            self.redis.delete(*names.named("meta", "shoppers", "keys", "returned", "deadlines", "events"))

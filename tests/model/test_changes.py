"""Stock changes and cancellations in any order, with crashes between the two sides and scripts that run late.

The real services on a real ledger and a real database. After every step what must never be otherwise; and once the
keeper has had its turn, record and ledger agree in everything.
"""

import itertools
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, OrderState
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import asking, cancelling, changing
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeSale
from tests.model.test_machine import MOST_SECONDS, PHASES
from tests.selling import ask_for_unit, drain, in_ledger

SELLER = Actor(who="seller@example.com")
ENDS = ("done", "asked", "told")  # how far an act gets before its process dies
STEPS = int(os.environ.get("MODEL_STEPS", "5000")) // 2
STEPS_A_RUN = 25
picks = st.integers(0, 10_000)


class ChangesMachine(RuleBasedStateMachine):
    """One sale, shoppers who buy, admins who die half-way, a keeper that comes now and then."""

    make_sale: MakeSale

    @initialize(stock=st.integers(1, 5), sold=st.integers(0, 5))
    def publish(self, stock: int, sold: int) -> None:
        self.sale = self.make_sale(published=True, stock=stock)
        self.shoppers = 0
        self.half_way: list[StockChange] = []  # in the hands of processes that were stopped, and may yet go on
        self.sell(sold)
        drain(self.sale)

    @rule(count=st.integers(1, 3), recorded=st.booleans())
    def buy(self, count: int, *, recorded: bool) -> None:
        self.sell(count)
        if recorded:
            drain(self.sale)

    def sell(self, count: int) -> None:
        for _ in range(count):
            self.shoppers += 1
            ask_for_unit(self.sale, f"u:{self.shoppers}")

    @rule(by=st.integers(-3, 3), end=st.sampled_from(ENDS))
    def restock(self, by: int, end: str) -> None:
        self.set_stock(Sale.objects.get(pk=self.sale.pk).stock + by, end)

    @rule(end=st.sampled_from(ENDS))
    def restock_to_one_less_than_is_sold(self, end: str) -> None:
        """Refused; but once an order is cancelled, a script that runs late is not."""
        self.set_stock(in_ledger(self.sale).sold - 1, end)

    def set_stock(self, stock: int, end: str) -> None:
        def wanted(sale: Sale) -> dict[str, Any]:
            return {"stock": changing._new_stock(sale, stock)}

        try:
            if end == "done":
                changing.restock(sale_pk=self.sale.pk, to=stock, actor=SELLER, why="Because.")
                return
            change = changing._ask(sale_pk=self.sale.pk, wanted=wanted, actor=SELLER, why="Because.")
        except Refused:
            return
        self.half_way.append(change)
        if end == "told":
            changing._tell(change, epoch=EPOCH)

    @rule(pick=picks, kept_back=st.booleans(), end=st.sampled_from(ENDS))
    def cancel(self, pick: int, end: str, *, kept_back: bool) -> None:
        orders = Order.objects.filter(sale=self.sale).order_by("pk")
        if pick % 8:  # cancelled ones, too, but rarely
            orders = orders.filter(state=OrderState.RECORDED)
        if not orders:
            return
        order = orders[pick % len(orders)]
        about: dict[str, Any] = {"order_pk": order.pk, "kept_back": kept_back, "actor": SELLER, "why": "Because."}
        try:
            if end == "done":
                cancelling.cancel(**about)
                return
            order = cancelling._put_on_record(**about)
        except Refused:
            return
        if end == "told":
            keeps = StockChange.objects.filter(order=order, state=ChangeState.ASKED).first()
            cancelling._tell(order, keeps, epoch=EPOCH)

    @precondition(lambda self: self.half_way)
    @rule(pick=picks)
    def a_script_runs_late(self, pick: int) -> None:
        pks = [each.pk for each in self.half_way]
        refused = set(StockChange.objects.filter(pk__in=pks, state=ChangeState.REFUSED).values_list("pk", flat=True))
        late = [each for each in self.half_way if each.pk in refused] or self.half_way
        changing._tell(late[pick % len(late)], epoch=EPOCH)

    @precondition(lambda self: self.half_way)
    @rule(pick=picks)
    def a_process_goes_on(self, pick: int) -> None:
        changing._finish(self.half_way[pick % len(self.half_way)])

    @rule()
    def the_keeper_comes(self) -> None:
        asking.take_up_late(sale_pk=self.sale.pk, seen=in_ledger(self.sale))
        assert changing.finish_asked(sale_pk=self.sale.pk) == ""
        assert cancelling.finish_asked(sale_pk=self.sale.pk) == ""

    @invariant()
    def nothing_is_oversold(self) -> None:
        """I1, I4 and I6."""
        seen, row = in_ledger(self.sale), Sale.objects.get(pk=self.sale.pk)
        assert seen.outcome is Outcome.FOUND
        assert seen.sound
        assert seen.stock <= row.stock, "the ledger sells from more than is on record"
        assert row.recorded == Order.objects.filter(sale=row, state=OrderState.RECORDED).count() <= row.stock
        assert row.recorded <= seen.sold <= seen.stock

    def teardown(self) -> None:
        """Whatever was left half-way, one turn of the keeper brings record and ledger together."""
        if not hasattr(self, "sale"):
            return
        drain(self.sale)
        self.the_keeper_comes()
        drain(self.sale)
        seen, row = in_ledger(self.sale), Sale.objects.get(pk=self.sale.pk)
        assert (seen.stock, seen.sold, seen.change) == (row.stock, row.recorded, asking.last_number(sale_pk=row.pk))
        changes = StockChange.objects.filter(sale=row)
        assert not changes.filter(state=ChangeState.ASKED).exists()
        assert not Order.objects.filter(sale=row, ledger_state=ChangeState.ASKED).exists()
        done = list(changes.filter(state=ChangeState.DONE).order_by("number"))
        assert [each.number for each in done] == list(range(1, len(done) + 1))
        assert all(before.stock_to == after.stock_from for before, after in itertools.pairwise(done))
        assert not done or done[-1].stock_to == row.stock
        assert TrailEntry.objects.filter(sale=row, act__in=["restock", "keep_back"]).count() == len(done)


class TestStockChangesAndCancellations:
    @pytest.mark.timeout(MOST_SECONDS)
    def test_leave_record_and_ledger_in_agreement_whatever_crashes(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ChangesMachine, "make_sale", staticmethod(make_sale), raising=False)

        run_state_machine_as_test(
            ChangesMachine,
            settings=settings(
                max_examples=max(STEPS // STEPS_A_RUN, 1),
                stateful_step_count=STEPS_A_RUN,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
                phases=PHASES,
                report_multiple_bugs=False,
            ),
        )

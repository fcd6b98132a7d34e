"""Commands killed between record and ledger: what was asked counts once, and the ledger never has the greater stock."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from sales.domain.states import ChangeState, OrderState, SaleState
from sales.live.keys import SaleKeys
from sales.models import Incident, Lease, LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import following, lifecycle
from sales.services.acting import KEEPER
from tests.conftest import EPOCH, MakeSale, Servers
from tests.faults import processes
from tests.faults.processes import Begin, killed_itself, wait_until
from tests.faults.test_points import Start, differences, start
from tests.management.test_keeper import keeper_environment
from tests.management.test_sale_commands import refusal, run
from tests.selling import drain, in_ledger, raw
from tests.services.changes import bought, counted, live_numbers, on_record, stocks

__all__ = ["start"]
WHY = "The printer called."
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture
def command(proven: LedgerServer, live: Servers, key_prefix: str, settings: Any) -> Iterator[Begin]:
    """Start commands of an operator, who says why; `point` is where one kills itself."""
    with processes.commands(keeper_environment(live, key_prefix, settings)) as begin:
        yield lambda *words, point="": begin(*words, "--why", WHY, point=point)


@pytest.fixture
def published(proven: LedgerServer, make_sale: MakeSale) -> Callable[[], Sale]:
    """Put a sale of five into the ledger, as a keeper that proved it would."""

    def make() -> Sale:
        sale = make_sale(published=True, stock=5)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        return sale

    return make


class Watched:
    """What was seen of the stocks of some sales, again and again from another thread."""

    def __init__(self, sales: Iterable[Sale]) -> None:
        self._sales = list(sales)
        self.looks = 0
        self.findings: set[str] = set()

    def look(self) -> None:
        """Compare once. What the record says before and after is what it said when the ledger was asked."""
        for sale in self._sales:
            before = on_record(sale).stock
            sells_from = in_ledger(sale).stock
            if before == on_record(sale).stock:
                self.looks += 1
                if sells_from > before:
                    self.findings.add(f"{sale.slug} sells from {sells_from}, on record are {before}.")


@contextmanager
def watched(sales: Iterable[Sale]) -> Iterator[Watched]:
    """Look again and again for the length of a `with` block."""
    over, seen = threading.Event(), Watched(sales)

    def look() -> None:
        try:
            while not over.wait(0.005):
                seen.look()
        finally:
            database.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def trail(sale: Sale) -> list[tuple[str, str, str]]:
    """Return act, reason, and which program acted, of each row about this sale."""
    rows = TrailEntry.objects.filter(sale=sale).order_by("pk").values_list("act", "why", "who")
    return [(act, why, who.partition(" (")[0]) for act, why, who in rows]


class TestWatched:
    def test_finds_a_ledger_that_is_raised_before_the_record(self, published: Callable[[], Sale]) -> None:
        sale = published()
        raw().hset(SaleKeys.of(sale.pk).meta, "stock", 6)

        with watched([sale]) as seen:
            pass
        seen.look()

        assert seen.findings == {f"{sale.slug} sells from 6, on record are 5."}


class TestKilledChange:
    """`change_between_sides` is passed before the ledger is told, and before the record hears what it said."""

    def test_counts_once(self, start: Start, command: Begin, published: Callable[[], Sale]) -> None:
        stock = {(by, nth): published() for by in (2, -2) for nth in (1, 2)}
        moved = {nth: published() for nth in (1, 2)}
        ends_at = published().closes_at.replace(microsecond=0) + timedelta(hours=1)
        with watched(stock.values()) as seen:
            processes = [
                command("restock_sale", sale.slug, f"--by={by}", point=f"change_between_sides:{nth}")
                for (by, nth), sale in stock.items()
            ] + [
                command("move_sale", sale.slug, f"--closes={ends_at.isoformat()}", point=f"change_between_sides:{nth}")
                for nth, sale in moved.items()
            ]
            assert all(killed_itself(process) for process in processes)
            between = {case: stocks(sale) for case, sale in stock.items()}
            again = refusal("restock_sale", stock[2, 1].slug, "--by=2", "--why=Again.")
            keeper = start()
            wait_until(lambda: not StockChange.objects.filter(state=ChangeState.ASKED).exists(), keeper)

        assert between == {(2, 1): (7, 5), (2, 2): (7, 7), (-2, 1): (5, 5), (-2, 2): (5, 3)}
        assert (again.returncode, "is changing this sale since" in str(again)) == (1, True)
        for (by, _nth), sale in stock.items():
            assert stocks(sale) == (5 + by, 5 + by)
            assert trail(sale) == [("restock", WHY, "manage.py restock_sale")]
        for sale in moved.values():
            assert (on_record(sale).closes_at, in_ledger(sale).closes_ms) == (ends_at, following.in_ms(ends_at))
            assert trail(sale) == [("move", WHY, "manage.py move_sale")]
        assert [differences(sale) for sale in (*stock.values(), *moved.values())] == [[]] * 6
        assert not Incident.objects.exists()
        assert (seen.findings, seen.looks > 0) == (set(), True)


class TestKilledCancellation:
    """`cancel_between_sides` is passed at the same two places."""

    def test_counts_once(self, start: Start, command: Begin, published: Callable[[], Sale]) -> None:
        killed = {(kept_back, nth): published() for kept_back in (False, True) for nth in (1, 2)}
        orders = {case: bought(sale, "u:1", "u:2")[0] for case, sale in killed.items()}
        sales = killed.values()
        with watched(sales) as seen:
            processes = [
                command(
                    "cancel_order", str(orders[kept_back, nth].order_id), *(["--keep-back"] if kept_back else []),
                    point=f"cancel_between_sides:{nth}",
                )
                for kept_back, nth in killed
            ]  # fmt: skip
            assert all(killed_itself(process) for process in processes)
            between = {case: (counted(sale)[1], live_numbers(sale)[1]) for case, sale in killed.items()}
            again = refusal("cancel_order", str(orders[False, 1].order_id), "--why=Again.")
            keeper = start()
            wait_until(lambda: not Order.objects.filter(ledger_state=ChangeState.ASKED).exists(), keeper)

        assert between == {(kept_back, nth): (1, 2 if nth == 1 else 1) for kept_back, nth in killed}
        assert (again.returncode, "was cancelled" in str(again)) == (1, True)
        for (kept_back, _nth), sale in killed.items():
            stock = 4 if kept_back else 5
            assert (counted(sale), live_numbers(sale)) == ((stock, 1), (stock, 1, stock - 1))
            acts = ["cancel", "keep_back"] if kept_back else ["cancel"]
            assert trail(sale) == [(act, WHY, "manage.py cancel_order") for act in acts]
            assert differences(sale) == []
        assert not Incident.objects.exists()
        assert (seen.findings, seen.looks > 0) == (set(), True)


class TestKilledSettling:
    """`settler_between_sides` is passed when the sale is settled on record, and its keys are still there."""

    def test_is_finished_by_the_same_command(self, command: Begin, published: Callable[[], Sale]) -> None:
        sale = published()
        keys = SaleKeys.of(sale.pk).named("meta", "shoppers", "keys", "returned", "deadlines", "events")
        bought(sale, "u:1", "u:2")
        lifecycle.close(sale_pk=sale.pk, by=KEEPER)
        drain(sale)
        assert killed_itself(command("settle_sale", sale.slug, point="settler_between_sides:1"))
        assert on_record(sale).state == SaleState.SETTLED
        assert raw().exists(*keys) > 0

        at_once = refusal("settle_sale", sale.slug)
        Lease.objects.update(expires_at=timezone.now())  # as half a minute later
        run("settle_sale", sale.slug)

        assert (at_once.returncode, "Somebody else is working on this sale" in str(at_once)) == (1, True)
        assert raw().exists(*keys) == 0
        assert Order.objects.filter(sale=sale, state=OrderState.RECORDED).count() == 2
        assert [act for act, _why, _who in trail(sale)] == ["close", "settle"]
        assert not Lease.objects.exists()

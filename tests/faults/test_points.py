"""A keeper killed at each of its fault points: another goes on, and every purchase ends as exactly one order."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flashsale_site import reading
from flashsale_site.environment import PROJECT
from flashsale_site.reading import Misconfigured
from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import DeadLetter, Incident, LedgerServer, Order, Sale
from sales.services import comparing, faults, fencing
from tests.conftest import EPOCH, MakeSale, Servers
from tests.faults import processes
from tests.faults.processes import Process, killed_itself, wait_until
from tests.management.test_keeper import keeper_environment
from tests.selling import buy, hold, in_ledger, raw

TAKES_OVER_SECONDS = 10.0
pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Process]


@pytest.fixture
def start(proven: LedgerServer, live: Servers, key_prefix: str, settings: Any) -> Iterator[Start]:
    """Start keeper processes; the point is where one kills itself."""
    with processes.commands(keeper_environment(live, key_prefix, settings)) as begin:
        yield lambda point="": begin("keeper", point=point, KEEPER_BATCH="3")


def differences(sale: Sale) -> list[str]:
    with Line() as line:
        return comparing.differences(line=line, sale=Sale.objects.get(pk=sale.pk))


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", sorted(point for point in faults.POINTS if point.startswith("keeper_")))
class TestKilledKeeper:
    def test_loses_nothing_and_doubles_nothing(self, start: Start, make_sale: MakeSale, point: str, nth: int) -> None:
        sale = make_sale(published=True, stock=9)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        buy(sale, *(f"u:{number}" for number in range(7)))
        assert killed_itself(start(f"{point}:{nth}"))
        left_behind = Order.objects.count()

        keeper = start()
        wait_until(lambda: in_ledger(sale).recorded_seq == 8, keeper)

        found = Sale.objects.get()
        assert left_behind < 7
        assert sorted(Order.objects.values_list("seq", flat=True)) == list(range(2, 9))
        assert sorted(Order.objects.values_list("unit", flat=True)) == list(range(1, 8))
        assert (found.recorded, found.stream_offset) == (7, 8)
        assert not DeadLetter.objects.exists()
        assert not Incident.objects.exists()
        assert differences(sale) == []


class TestKilledReconciler:
    def test_between_its_two_sides_leaves_a_sale_that_sells(self, start: Start, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=9, hold_seconds=600)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        taken = hold(sale, "u:1")
        assert taken.entry
        call = ledger.confirm(sale=sale.pk, epoch=EPOCH, shopper="u:1", order_id=taken.entry.order_id)
        assert connection.run(call).outcome is Outcome.BOUGHT
        hold(sale, "u:2")
        raw().delete(SaleKeys.of(sale.pk).shoppers)
        raw().hincrby(SaleKeys.of(sale.pk).meta, "sold", 1)
        assert killed_itself(start("reconciler_between_sides:1"))

        keeper = start()
        wait_until(lambda: in_ledger(sale, epoch=fencing.epoch()).outcome is Outcome.FOUND, keeper)
        hold(sale, "u:3", epoch=fencing.epoch())
        wait_until(lambda: Sale.objects.get().ledger_epoch == fencing.epoch(), keeper)
        wait_until(lambda: in_ledger(sale, epoch=fencing.epoch()).seq == Sale.objects.get().stream_offset, keeper)

        assert list(Order.objects.values_list("shopper", "unit")) == [("u:1", 1)]
        assert differences(sale) == []


class TestKeeperThatIsKilled:
    def test_is_replaced_by_the_other_one_within_ten_seconds(self, start: Start, make_sale: MakeSale) -> None:
        sales = [make_sale(published=True, stock=50) for _ in range(3)]
        keepers = [start(), start()]
        for sale in sales:
            buy(sale, "u:0")
        wait_until(lambda: Order.objects.count() == 3, keepers[0])
        keepers[0].kill()
        for sale in sales:
            buy(sale, *(f"u:{number}" for number in range(1, 20)))

        took = wait_until(lambda: Order.objects.count() == 60, keepers[1])

        assert took < TAKES_OVER_SECONDS
        assert not DeadLetter.objects.exists()


class TestFaultPoints:
    def test_are_refused_in_production(self) -> None:
        with pytest.raises(Misconfigured, match="FAULT_POINT is for tests"):
            reading.read({"ENV_FILE": "", "SITE": "production", "FAULT_POINT": "keeper_after_read:1"})

    def test_are_all_passed_somewhere(self) -> None:
        code = "".join(path.read_text() for path in (PROJECT / "sales" / "services").glob("*.py"))

        assert [point for point in sorted(faults.POINTS) if f'faults.reach("{point}")' not in code] == []

"""Two keepers on one sale: every purchase ends as exactly one order. A careless twin duplicates or loses some."""

import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.db.models import F

from sales.live.line import Line
from sales.models import DeadLetter, LedgerServer, Order, Sale
from sales.services import inserting, recording
from tests.conftest import EPOCH, MakeSale
from tests.selling import ask_for_unit, in_ledger

BUYERS = 120
KEEPERS = 3

pytestmark = pytest.mark.django_db(transaction=True)


def move_without_condition(sale: Sale, *, after: int, to: int, orders: int) -> None:
    """The broken twin: it stores the offset without asking whether it is still the one behind which it read."""
    Sale.objects.filter(pk=sale.pk).update(stream_offset=to, recorded=F("recorded") + orders)


def lose_the_database(*_: Any, **__: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


class Shop:
    """Shoppers who buy while several keepers record."""

    def __init__(self, sale: Sale) -> None:
        self.sale = sale
        self.sold_out = threading.Event()
        self.errors: list[Exception] = []

    def run(self, *works: Callable[[], None]) -> None:
        together = threading.Barrier(len(works))

        def do(work: Callable[[], None]) -> None:
            together.wait()
            try:
                work()
            except Exception as error:  # noqa: BLE001 (threads have nobody to raise to)
                self.errors.append(error)
            finally:
                database.close()

        threads = [threading.Thread(target=do, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def sell(self) -> None:
        for number in range(BUYERS):
            ask_for_unit(self.sale, f"u:{number}")
        self.sold_out.set()

    def keep(self) -> None:
        with Line() as line:
            while True:
                last_round = self.sold_out.is_set()
                with suppress(OperationalError):  # SQLite is busy
                    recording.drain(sale_pk=self.sale.pk, line=line, epoch=EPOCH)
                    if last_round:
                        return


@pytest.fixture
def shop(proven: LedgerServer, make_sale: MakeSale, settings: Any) -> Shop:
    settings.SALES = settings.SALES.__replace__(keeper_batch=7)
    return Shop(make_sale(published=True, stock=BUYERS))


class TestTwoKeepers:
    def test_put_each_purchase_on_record_once(self, shop: Shop) -> None:
        shop.run(shop.sell, *[shop.keep] * KEEPERS)

        shop.sale.refresh_from_db()
        assert shop.errors == []
        assert sorted(Order.objects.values_list("unit", flat=True)) == list(range(1, BUYERS + 1))
        assert sorted(Order.objects.values_list("seq", flat=True)) == list(range(2, BUYERS + 2))
        assert shop.sale.recorded == BUYERS
        assert shop.sale.stream_offset == in_ledger(shop.sale).seq == in_ledger(shop.sale).recorded_seq
        assert not DeadLetter.objects.exists()


class TestSameEventsReadTwice:
    """Both keepers have read the same events before either writes: the moment that the offset's condition is for."""

    def write_together(self, shop: Shop) -> list[bool]:
        shop.sell()
        with Line() as line:
            events = line.read_events({shop.sale.pk: 0}, count=20)[shop.sale.pk]
        lost: list[bool] = []

        def write() -> None:
            lost.append(recording.record(sale_pk=shop.sale.pk, after=0, events=events, epoch=None).lost)

        shop.run(write, write)
        shop.sale.refresh_from_db()
        return sorted(lost)

    def test_one_writes_and_the_other_knows_that_it_lost(self, shop: Shop) -> None:
        assert self.write_together(shop) == [False, True]
        assert (shop.sale.recorded, Order.objects.count(), shop.sale.stream_offset) == (19, 19, 20)

    def test_in_the_careless_twin_both_believe_that_they_won(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recording, "_move_offset", move_without_condition)

        assert self.write_together(shop) == [False, False]


class TestKeeperThatWasStopped:
    """One keeper has read a batch and is stopped; another records it and the next one; then the first goes on."""

    def go_on(self, shop: Shop) -> None:
        shop.sell()
        with Line() as line:
            first = line.read_events({shop.sale.pk: 0}, count=20)[shop.sale.pk]
            later = line.read_events({shop.sale.pk: 20}, count=20)[shop.sale.pk]
        for after, events in ((0, first), (20, later), (0, first)):
            recording.record(sale_pk=shop.sale.pk, after=after, events=events, epoch=None)
        shop.sale.refresh_from_db()

    def test_cannot_set_the_offset_back(self, shop: Shop) -> None:
        self.go_on(shop)

        assert (shop.sale.stream_offset, shop.sale.recorded) == (40, 39)

    def test_in_the_careless_twin_it_does(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recording, "_move_offset", move_without_condition)

        self.go_on(shop)

        assert shop.sale.stream_offset == 20


class TestKeeperThatDiesInTheMiddle:
    """The database goes away between the offset and the orders; the next keeper starts from what is on record."""

    def die_and_go_on(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.sell()
        with Line() as line:
            with monkeypatch.context() as dying:
                dying.setattr(inserting, "insert", lose_the_database)
                with pytest.raises(OperationalError):
                    recording.drain(sale_pk=shop.sale.pk, line=line, epoch=EPOCH)
            recording.drain(sale_pk=shop.sale.pk, line=line, epoch=EPOCH)

    def test_loses_nothing(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.die_and_go_on(shop, monkeypatch)

        assert Order.objects.count() == BUYERS

    def test_in_the_careless_twin_loses_a_batch(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as careless:
            careless.setattr(recording, "transaction", SimpleNamespace(atomic=nullcontext))  # the offset goes first

            self.die_and_go_on(shop, monkeypatch)

        assert Order.objects.count() < BUYERS

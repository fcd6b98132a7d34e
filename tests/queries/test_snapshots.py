"""The numbers of a sale, not older than a moment."""

import threading
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live import connection, ledger
from sales.live.results import Snapshot
from sales.models import LedgerServer, Sale
from sales.queries import catalogue, snapshots
from sales.queries.catalogue import SaleEntry
from tests.conftest import MakeSale


def entry_of(sale: Sale) -> SaleEntry:
    entry = catalogue.get(sale.slug)
    assert entry is not None
    return entry


class TestSnapshot:
    def test_has_the_ledgers_numbers(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=3)
        connection.run(ledger.purchase(sale=sale.pk, epoch=1, shopper="u:1", order_id=uuid4()))

        snapshot = snapshots.of(entry_of(sale))

        assert (snapshot.outcome, snapshot.stock, snapshot.sold, snapshot.left) == (Outcome.FOUND, 3, 1, 2)

    def test_asks_once_however_many_want_it(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry = entry_of(make_sale(published=True))
        asked: list[object] = []
        run = connection.run

        def counting(call: Any) -> Any:
            asked.append(call)
            return run(call)

        monkeypatch.setattr(connection, "run", counting)
        threads = [threading.Thread(target=snapshots.of, args=(entry,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert len(asked) == 1

    def test_has_a_clock_that_goes_on_while_the_numbers_are_kept(
        self, proven: LedgerServer, make_sale: MakeSale, settings: Any
    ) -> None:
        settings.SALES = replace(settings.SALES, snapshot_max_age_ms=250)
        entry = entry_of(make_sale(published=True))
        first = snapshots.of(entry).now_ms
        waited = threading.Event()

        waited.wait(0.02)

        assert snapshots.of(entry).now_ms >= first + 15

    def test_learns_of_a_new_epoch_at_once(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        entry = entry_of(sale)
        LedgerServer.objects.update(epoch=2)
        connection.run(ledger.stamp(sale=sale.pk, old_epoch=1, new_epoch=2))

        assert snapshots.of(entry).outcome is Outcome.FOUND

    def test_says_that_a_sale_of_an_old_epoch_cannot_be_believed(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        entry = entry_of(make_sale(published=True))
        LedgerServer.objects.update(epoch=2)
        catalogue.refresh()

        assert snapshots.of(entry).outcome is Outcome.STALE_EPOCH

    def test_says_so_where_the_ledger_has_no_such_sale(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        entry = entry_of(make_sale(state=SaleState.PUBLISHED))

        assert snapshots.of(entry).outcome is Outcome.NO_LEDGER

    def test_takes_a_settled_sale_from_the_record(self, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.SETTLED, stock=5, recorded=4)

        snapshot = snapshots.of(entry_of(sale))

        assert (snapshot.left, snapshot.sold, snapshot.state) == (1, 4, LedgerState.CLOSED)

    def test_asks_a_server_that_is_away_once_for_many_sales(
        self, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sales = [entry_of(make_sale(state=SaleState.SETTLED))]
        for _ in range(3):
            sale = make_sale(state=SaleState.PUBLISHED)
            catalogue.refresh()
            sales.append(entry_of(sale))
        asked: list[object] = []

        def away(call: Any) -> Snapshot:
            asked.append(call)
            return Snapshot.failed(Outcome.UNREACHABLE)

        monkeypatch.setattr(connection, "run", away)

        found = snapshots.many(sales)

        assert [each.outcome for each in found] == [Outcome.FOUND] + [Outcome.UNREACHABLE] * 3
        assert len(asked) == 1

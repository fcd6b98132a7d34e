"""A repair while other things happen: in slices, killed half-way, two at once, and one that wakes up too late."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.live import connection, drafting, ledger
from sales.live.keys import SaleKeys
from sales.models import Lease, LedgerServer, Sale
from sales.services import fencing, leasing
from tests.conftest import EPOCH, MakeSale
from tests.repair_shop import Shop, buy_held, shop
from tests.selling import ask_for_unit, in_ledger, raw

__all__ = ["shop"]
pytestmark = pytest.mark.django_db


class TestManyShoppers:
    def test_are_written_in_slices(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True, stock=30, limit=2)
        Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
        for number in range(20):
            call = ledger.purchase(
                sale=sale.pk, epoch=EPOCH, shopper=f"u:{number}", order_id=uuid4(), key_digest=f"{number:011d}"
            )
            assert connection.run(call).outcome is Outcome.BOUGHT
        before = raw().hgetall(SaleKeys.of(sale.pk).shoppers)
        raw().delete(SaleKeys.of(sale.pk).meta)
        monkeypatch.setattr(drafting, "in_slices", lambda things: slices(things, 3))

        assert Shop(sale).reconcile().ok

        assert raw().hgetall(SaleKeys.of(sale.pk).shoppers) == before
        found = Shop(sale).find("u:9", key=f"{7:011d}")
        assert found.key_holder == ("u:7", 1)


def slices(things: Any, most: int) -> Iterator[list[Any]]:
    every = list(things)
    yield from (every[at : at + most] for at in range(0, len(every), most))


class TestCrashInTheMiddle:
    def test_leaves_the_sale_shut_and_is_begun_again(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        raw().hincrby(shop.keys.meta, "sold", 1)

        class Killed(Exception):
            pass

        def die(*_: Any, **__: Any) -> None:
            raise Killed

        with monkeypatch.context() as dying:
            dying.setattr(ledger, "install", die)
            with pytest.raises(Killed):
                shop.reconcile()
        outcome = ask_for_unit(shop.sale, "u:9", epoch=fencing.epoch()).outcome

        assert outcome is Outcome.STALE_EPOCH
        assert shop.reconcile().ok
        assert shop.adds_up()
        assert not list(raw().scan_iter(f"{shop.keys.meta[:-4]}draft:*"))


class TestLease:
    def test_lets_one_repair_at_a_time(self, shop: Shop) -> None:
        raw().delete(shop.keys.meta)
        with leasing.held(name=leasing.of_sale(shop.sale.pk), owner="another"):
            assert "Somebody else is repairing" in shop.reconcile().trouble

        assert shop.reconcile().ok

    def test_is_taken_over_from_whoever_died(self, shop: Shop) -> None:
        lease = leasing.take(name=leasing.of_sale(shop.sale.pk), owner="another")
        assert lease
        Lease.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        raw().delete(shop.keys.meta)

        assert shop.reconcile().ok
        with pytest.raises(leasing.LeaseLost):
            lease.keep()

    def test_stops_one_that_was_away_for_too_long(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        """It wakes up after another has repaired the sale: its draft is refused, and nothing of the sale changes."""
        raw().delete(shop.keys.meta)
        install = ledger.install

        def wake_up_late(**arguments: Any) -> Any:
            monkeypatch.setattr(ledger, "install", install)
            monkeypatch.setattr(drafting, "remove_drafts", lambda *_: None)  # as if it were written after that
            Lease.objects.all().delete()
            assert shop.reconcile().ok
            buy_held(shop, "u:9")
            return install(**arguments)

        monkeypatch.setattr(ledger, "install", wake_up_late)

        assert not shop.reconcile().ok
        assert shop.adds_up()
        assert in_ledger(shop.sale, epoch=fencing.epoch()).sold == 3

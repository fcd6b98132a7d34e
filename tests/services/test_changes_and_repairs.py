"""A change of stock that the ledger took just before it was lost, put on record while or after it is made anew.

`tests.model.explore` found these orders of steps; here they are driven through the real services.
"""

from typing import Any

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import LedgerServer, Order, Sale, StockChange
from sales.models.sales import OnLedgerLoss
from sales.services import asking, cancelling, changing, fencing, reconciling
from tests.conftest import EPOCH, MakeSale
from tests.selling import buy, drain, in_ledger, raw
from tests.services.changes import SELLER, ask, on_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    sale = make_sale(published=True, stock=3, on_ledger_loss=OnLedgerLoss.SELL_ON)
    Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
    return sale


def lower(sale: Sale) -> StockChange:
    """A change that the ledger has taken, and that is not yet done on record."""
    change = ask(sale, stock=2)
    assert changing._tell(change, epoch=EPOCH).outcome is Outcome.DONE
    return change


def lose(sale: Sale) -> None:
    raw().delete(*SaleKeys.of(sale.pk).named("meta", "shoppers", "keys", "returned", "deadlines", "events"))


def make_anew(sale: Sale) -> None:
    with Line() as line:
        assert reconciling.reconcile(line=line, sale_pk=sale.pk).ok


def both(sale: Sale) -> tuple[int, int, int, int]:
    """Stock on record and in the ledger, and the number of the last change in each."""
    seen = in_ledger(sale, epoch=fencing.epoch())
    assert seen.stock <= on_record(sale).stock, "the ledger sells from more than is on record"
    return on_record(sale).stock, seen.stock, asking.last_number(sale_pk=sale.pk), seen.change


class TestPutOnRecordAfterTheLedgerWasMadeAnew:
    def test_stays_asked_and_is_told_again(self, sale: Sale) -> None:
        change = lower(sale)
        lose(sale)
        make_anew(sale)

        assert not asking.settle(change=change, epoch=EPOCH)
        between = both(sale)
        changing.finish_asked(sale_pk=sale.pk)

        assert between == (3, 3, 0, 0)
        assert both(sale) == (2, 2, 1, 1)

    def test_is_told_again_where_it_keeps_a_unit_back(self, sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
        buy(sale, "u:1")
        drain(sale)
        order, tell = Order.objects.get(), cancelling._tell

        def tell_and_lose(*given: Any, **more: Any) -> Any:
            said = tell(*given, **more)
            monkeypatch.setattr(cancelling, "_tell", tell)
            lose(sale)
            make_anew(sale)
            return said

        monkeypatch.setattr(cancelling, "_tell", tell_and_lose)
        cancelling.cancel(order_pk=order.pk, kept_back=True, actor=SELLER, why="Torn.")
        between = both(sale)
        cancelling.finish_asked(sale_pk=sale.pk)

        order.refresh_from_db()
        assert between == (3, 3, 0, 0)
        assert both(sale) == (2, 2, 1, 1)
        assert order.ledger_state == ChangeState.DONE

    def test_would_leave_a_ledger_that_sells_more_if_epochs_were_not_asked(self, sale: Sale) -> None:
        change = lower(sale)
        lose(sale)
        make_anew(sale)

        asking.settle(change=change, epoch=None)

        with pytest.raises(AssertionError, match="sells from more"):
            both(sale)


class TestPutOnRecordWhileTheLedgerIsMadeAnew:
    @pytest.fixture(autouse=True)
    def just_before_the_new_epoch(self, sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
        change, raise_for_repair = lower(sale), fencing.raise_for_repair

        def settle_and_raise(**given: Any) -> int:
            assert asking.settle(change=change, epoch=EPOCH)
            return raise_for_repair(**given)

        monkeypatch.setattr(fencing, "raise_for_repair", settle_and_raise)
        lose(sale)

    def test_is_in_what_is_made_anew(self, sale: Sale) -> None:
        make_anew(sale)

        assert both(sale) == (2, 2, 1, 1)

    def test_would_be_missing_there_if_the_row_were_not_read_again(
        self, sale: Sale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reconciling, "_read_again", lambda sale: asking.last_number(sale_pk=sale.pk))
        make_anew(sale)

        with pytest.raises(AssertionError, match="sells from more"):
            both(sale)

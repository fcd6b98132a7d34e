"""Holds that are due go back, however many, and the clock is stored."""

import pytest

from sales.domain.outcomes import Outcome
from sales.live.keys import SaleKeys
from sales.models import LedgerServer
from sales.services import ticking
from tests.conftest import EPOCH, MakeSale
from tests.selling import hold, in_ledger, raw


def make_due(sale_pk: int, shoppers: list[str]) -> None:
    """Let these holds' deadlines have passed a minute ago."""
    keys = SaleKeys.of(sale_pk)
    for shopper in shoppers:
        member = f"{shopper}/1"
        entry = raw().hget(keys.shoppers, member).decode()
        at = int(entry[33:46]) - 3_600_000
        raw().hset(keys.shoppers, member, f"{entry[:33]}{at:013d}{entry[46:]}")
        raw().zadd(keys.deadlines, {member: at})


class TestTickSale:
    def test_frees_what_is_due_and_leaves_the_rest(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, hold_seconds=3_000)
        hold(sale, "u:1")
        hold(sale, "u:2")
        make_due(sale.pk, ["u:1"])

        ticked = ticking.tick_sale(sale_pk=sale.pk, epoch=EPOCH)

        assert (ticked.outcome, ticked.freed, ticked.more) == (Outcome.DONE, 1, False)
        seen = in_ledger(sale)
        assert (seen.held, seen.due, seen.left) == (1, 0, 2)

    def test_goes_on_until_nothing_is_due(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ticking, "MOST", 2)
        sale = make_sale(published=True, stock=7, hold_seconds=3_000)
        shoppers = [f"u:{n}" for n in range(7)]
        for shopper in shoppers:
            hold(sale, shopper)
        make_due(sale.pk, shoppers)

        ticked = ticking.tick_sale(sale_pk=sale.pk, epoch=EPOCH)

        assert (ticked.freed, ticked.more) == (7, False)
        assert in_ledger(sale).left == 7

    def test_stores_the_server_s_clock(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        ticked = ticking.tick_sale(sale_pk=sale.pk, epoch=EPOCH)

        assert int(raw().hget(SaleKeys.of(sale.pk).meta, "clock_ms")) == ticked.now_ms

    def test_says_what_the_ledger_says_where_it_cannot(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        assert ticking.tick_sale(sale_pk=make_sale().pk, epoch=EPOCH).outcome is Outcome.NO_LEDGER

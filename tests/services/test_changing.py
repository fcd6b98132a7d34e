"""Stock and window of a running sale: the order that is safe, and refusals with their numbers."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, SaleState
from sales.live import connection, ledger
from sales.live.results import Changed
from sales.models import LedgerServer, StockChange, TrailEntry
from sales.services import asking, changing, following, lifecycle
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeSale
from tests.selling import ask_for_unit, buy, drain, hold, in_ledger
from tests.services.changes import SELLER, ask, ledger_away, move, on_record, restock, stocks


class TestMoreStock:
    def test_is_on_sale_at_once_and_in_the_trail(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=1)
        buy(sale, "u:1")

        act = restock(sale, by=2)

        assert act.reached_ledger
        assert (act.sale.stock, stocks(sale)) == (3, (3, 3))
        buy(sale, "u:2", "u:3")
        entry = TrailEntry.objects.get()
        assert (entry.act, entry.who, entry.why) == ("restock", SELLER.who, "The printer found more.")
        assert (entry.before, entry.after) == ({"stock": 1}, {"stock": 3})

    def test_can_be_said_as_the_number_that_there_will_be(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)

        restock(sale, to=100)

        assert stocks(sale) == (100, 100)

    def test_is_on_record_before_the_ledger_knows(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True, stock=5)
        seen: list[int] = []
        tell = changing._tell

        def look_and_tell(change: StockChange, **given: Any) -> Changed:
            seen.append(on_record(sale).stock)
            return tell(change, **given)

        monkeypatch.setattr(changing, "_tell", look_and_tell)

        restock(sale, by=5)

        assert seen == [10]

    def test_ends_above_what_the_ledger_can_number(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        with pytest.raises(Refused, match="Stock is a number from 0 to 9999999"):
            restock(make_sale(published=True), to=10_000_000)


class TestLessStock:
    def test_is_in_the_ledger_before_the_record_says_so(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True, stock=5)
        seen: list[tuple[int, int]] = []
        settle = asking.settle

        def look_and_settle(**given: Any) -> bool:
            seen.append(stocks(sale))
            return settle(**given)

        monkeypatch.setattr(asking, "settle", look_and_settle)

        restock(sale, by=-2)

        assert seen == [(5, 3)]
        assert stocks(sale) == (3, 3)

    def test_is_refused_below_what_is_sold_and_held(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=9, hold_seconds=600)
        for shopper in ("u:1", "u:2"):
            entry = hold(sale, shopper).entry
            assert entry
            connection.run(ledger.confirm(sale=sale.pk, epoch=EPOCH, shopper=shopper, order_id=entry.order_id))
        hold(sale, "u:3")
        drain(sale)

        with pytest.raises(Refused, match=r"^2 are sold and 1 held; stock cannot go below 3\.$"):
            restock(sale, to=1)

        assert stocks(sale) == (9, 9)
        change = StockChange.objects.get()
        assert (change.state, change.number) == (ChangeState.REFUSED, 1)
        assert change.refusal == "2 are sold and 1 held; stock cannot go below 3."
        assert not TrailEntry.objects.exists()

    def test_that_was_refused_gives_its_number_back(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=9)
        buy(sale, "u:1", "u:2")
        with pytest.raises(Refused):
            restock(sale, to=1)

        restock(sale, to=2)

        assert stocks(sale) == (2, 2)
        assert list(StockChange.objects.order_by("pk").values_list("number", "state")) == [(1, "refused"), (1, "done")]
        assert ask_for_unit(sale, "u:3").outcome is Outcome.SOLD_OUT

    def test_may_leave_nothing(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=4)

        restock(sale, to=0)

        assert stocks(sale) == (0, 0)

    def test_below_what_is_on_record_is_refused_without_the_ledger(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, stock=9, recorded=4)

        with ledger_away(), pytest.raises(Refused, match=r"^4 are sold and on record; stock cannot go below that\.$"):
            restock(sale, to=3)

        assert StockChange.objects.get().state == ChangeState.REFUSED

    @pytest.mark.parametrize("to", [-1, -5])
    def test_below_nothing_is_refused(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        with pytest.raises(Refused):
            restock(make_sale(published=True), to=to)


class TestTheSameStock:
    def test_is_no_change(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        with pytest.raises(Refused, match="Stock is 3 already"):
            restock(make_sale(published=True, stock=3), to=3)

    @pytest.mark.parametrize("given", [{}, {"by": 1, "to": 4}])
    def test_has_to_be_said_in_one_way(self, proven: LedgerServer, make_sale: MakeSale, given: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="not both"):
            restock(make_sale(published=True), **given)


class TestTheWindow:
    def test_moves_in_the_ledger_and_on_record(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, opens_in=600, closes_in=1_200)
        opens_at, closes_at = sale.opens_at + timedelta(minutes=5), sale.closes_at + timedelta(hours=1)

        act = move(sale, opens_at=opens_at, closes_at=closes_at)

        assert act.reached_ledger
        assert (act.sale.opens_at, act.sale.closes_at) == (opens_at, closes_at)
        seen = in_ledger(sale)
        assert (seen.opens_ms, seen.closes_ms) == (following.in_ms(opens_at), following.in_ms(closes_at))
        entry = TrailEntry.objects.get()
        assert entry.act == "move"
        assert set(entry.before) == set(entry.after) == {"opens", "closes"}
        assert entry.after["closes"] == closes_at.astimezone(sale.zone).isoformat(sep=" ", timespec="seconds")

    def test_of_an_open_sale_can_end_sooner_or_later(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        move(sale, closes_at=sale.closes_at - timedelta(minutes=5))
        move(sale, closes_at=sale.closes_at + timedelta(minutes=5))

        assert on_record(sale).closes_at == sale.closes_at + timedelta(minutes=5)

    def test_of_an_open_sale_keeps_its_opening(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        with pytest.raises(Refused, match=r"^The sale opened .*: its opening cannot be moved any more\.$"):
            move(sale, opens_at=datetime.now(UTC) + timedelta(minutes=5))

        assert on_record(sale).opens_at == sale.opens_at

    def test_cannot_end_in_the_past(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        with pytest.raises(Refused, match=r"^The new end, .*, has passed already\.$"):
            move(sale, closes_at=datetime.now(UTC) - timedelta(seconds=1))

        assert on_record(sale).closes_at == sale.closes_at
        assert in_ledger(sale).closes_ms == following.in_ms(sale.closes_at)

    def test_cannot_open_in_the_past(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, opens_in=600)

        with pytest.raises(Refused, match="has passed already"):
            move(sale, opens_at=datetime.now(UTC) - timedelta(seconds=1))

    def test_cannot_end_before_it_opens(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, opens_in=600, closes_in=1_200)

        with pytest.raises(Refused, match="A sale must end after it opens"):
            move(sale, opens_at=sale.closes_at)

    def test_that_is_so_already_is_no_change(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        with pytest.raises(Refused, match="are so already"):
            move(sale, closes_at=sale.closes_at)

    def test_of_a_sale_that_opened_after_it_was_asked_stays_by_the_ledgers_word(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, opens_in=0.05)
        ask(sale, opens_at=sale.opens_at + timedelta(minutes=5))
        while in_ledger(sale).now_ms < following.in_ms(sale.opens_at):
            time.sleep(0.005)

        assert changing.finish_asked(sale_pk=sale.pk) == ""

        change = StockChange.objects.get()
        assert (change.state, change.refusal[:16]) == (ChangeState.REFUSED, "The sale opened ")
        assert on_record(sale).opens_at == sale.opens_at


class TestWhichSales:
    @pytest.mark.parametrize("state", [SaleState.CLOSED, SaleState.SETTLED])
    def test_closed_ones_stay_as_they_are(self, proven: LedgerServer, make_sale: MakeSale, state: SaleState) -> None:
        sale = make_sale(state=state)

        with pytest.raises(Refused, match=r"its stock and window stay as they are\.$"):
            restock(sale, by=1)
        with pytest.raises(Refused, match=r"its stock and window stay as they are\.$"):
            move(sale, closes_at=sale.closes_at + timedelta(hours=1))

        assert not StockChange.objects.exists()

    def test_paused_ones_can_be_changed(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        lifecycle.pause(sale_pk=sale.pk, by=SELLER)

        restock(sale, by=1)

        assert stocks(sale) == (4, 4)

    def test_drafts_are_simply_edited(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stock=3)

        assert restock(sale, by=2).sale.stock == 5
        assert move(sale, closes_at=sale.closes_at + timedelta(hours=1)).reached_ledger

        after = on_record(sale)
        assert (after.stock, after.closes_at) == (5, sale.closes_at + timedelta(hours=1))
        assert not StockChange.objects.exists()

    def test_drafts_keep_their_rules(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        with pytest.raises(Refused, match="greater than or equal to 1"):
            restock(make_sale(), to=0)


class TestWhy:
    def test_has_to_be_said(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        with pytest.raises(Refused, match="Say why"):
            restock(make_sale(published=True), by=1, why="  ")

    def test_is_not_too_long(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        with pytest.raises(Refused, match="at most 500 characters"):
            restock(make_sale(published=True), by=1, why="x" * 501)

"""Stock and window of a running sale: the order that is safe, refusals with their numbers, crashes, two admins."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db import connection as database

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, SaleState
from sales.live import connection, ledger
from sales.live.line import Line
from sales.live.results import Changed, Snapshot
from sales.models import LedgerServer, Order, Sale, StockChange, TrailEntry
from sales.services import asking, cancelling, changing, faults, following, lifecycle, tending
from sales.services.acting import Actor
from sales.services.incidents import IncidentKind, Trouble
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeOrder, MakeSale, publish_in_ledger
from tests.selling import ask_for_unit, buy, drain, hold, in_ledger

SELLER = Actor(who="seller@example.com")
OTHER = Actor(who="other@example.com")


def restock(sale: Sale, **given: Any) -> lifecycle.Act:
    return changing.restock(sale_pk=sale.pk, **{"actor": SELLER, "why": "The printer found more.", **given})


def move(sale: Sale, **given: Any) -> lifecycle.Act:
    return changing.move(sale_pk=sale.pk, **{"actor": SELLER, "why": "The ferry is late.", **given})


def ask(sale: Sale, **to: Any) -> StockChange:
    """The first half of a change: on record. Whoever does it dies before the second."""
    return changing._ask(sale_pk=sale.pk, wanted=lambda _sale: to, actor=SELLER, why="Because.")


def on_record(sale: Sale) -> Sale:
    return Sale.objects.get(pk=sale.pk)


def stocks(sale: Sale) -> tuple[int, int]:
    """Return stock on record and in the ledger; the ledger's is never the greater."""
    both = on_record(sale).stock, in_ledger(sale).stock
    assert both[1] <= both[0]
    return both


@contextmanager
def ledger_away(outcome: Outcome = Outcome.UNREACHABLE) -> Iterator[None]:
    """A ledger that does not answer."""
    with pytest.MonkeyPatch.context() as away:
        away.setattr(connection, "run", lambda call: call.failed(outcome))
        yield


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

        def look_and_settle(**given: Any) -> None:
            seen.append(stocks(sale))
            settle(**given)

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


class TestWithoutTheLedger:
    def test_more_stock_is_on_record_and_stays_asked(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=3)
        with ledger_away(Outcome.UNKNOWN):
            act = restock(sale, by=1)

        assert not act.reached_ledger
        assert (act.sale.stock, stocks(sale)) == (4, (4, 3))
        assert StockChange.objects.get().state == ChangeState.ASKED

        assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (4, 4)
        assert StockChange.objects.get().state == ChangeState.DONE

    def test_less_stock_waits(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=3)
        with ledger_away():
            act = restock(sale, by=-1)

            assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert not act.reached_ledger
        assert (act.sale.stock, stocks(sale)) == (3, (3, 3))

        changing.finish_asked(sale_pk=sale.pk)

        assert stocks(sale) == (2, 2)

    def test_that_was_never_proven_it_waits_too(self, db: None, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)

        assert not restock(sale, by=1).reached_ledger
        assert changing.finish_asked(sale_pk=sale.pk) == ""

    @pytest.mark.parametrize("by", [1, -1])
    def test_a_sale_that_was_not_there_yet_gets_it_after(
        self, proven: LedgerServer, make_sale: MakeSale, by: int
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1, stock=3)
        restock(sale, by=by)

        following.follow(sale=on_record(sale))
        changing.finish_asked(sale_pk=sale.pk)

        assert stocks(sale) == (3 + by, 3 + by)
        assert in_ledger(sale).change == 1


class TestACrash:
    """Between the two sides: whatever is asked is finished later, and is never done twice."""

    @pytest.mark.parametrize("to", [7, 3])
    def test_before_the_ledger_is_told(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=to)
        stocks(sale)

        assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (to, to)

    @pytest.mark.parametrize("to", [7, 3])
    def test_after_the_ledger_was_told(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        sale = make_sale(published=True, stock=5)
        assert changing._tell(ask(sale, stock=to), epoch=EPOCH).outcome is Outcome.DONE
        stocks(sale)

        for _ in range(3):
            assert changing.finish_asked(sale_pk=sale.pk) == ""

        assert stocks(sale) == (to, to)
        assert TrailEntry.objects.count() == 1
        assert StockChange.objects.get().state == ChangeState.DONE

    def test_of_who_asked_leaves_his_name_in_the_trail(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=3)

        changing.finish_asked(sale_pk=sale.pk)

        assert TrailEntry.objects.get().who == SELLER.who

    def test_and_a_process_that_goes_on_much_later_changes_nothing(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=5)
        slow = ask(sale, stock=3)
        changing.finish_asked(sale_pk=sale.pk)
        restock(sale, to=9)

        assert changing._finish(slow) == ""
        asking.settle(change=slow)
        asking.refuse(change=slow, sentence="Never.")

        assert stocks(sale) == (9, 9)
        assert set(StockChange.objects.values_list("state", flat=True)) == {"done"}


class Killed(BaseException):
    """In place of the signal: nothing of ours catches it."""


@contextmanager
def dies_at(point: str, nth: int) -> Iterator[None]:
    """What is done within dies when it passes this point for the nth time."""
    passes = itertools.count(1)

    def reach(name: str) -> None:
        if name == point and next(passes) == nth:
            raise Killed

    with pytest.MonkeyPatch.context() as fault:
        fault.setattr(faults, "reach", reach)
        with pytest.raises(Killed):
            yield


@pytest.mark.parametrize("nth", [1, 2])
class TestTheFaultPoint:
    """`change_between_sides`, passed before the ledger is told and before the record hears of it."""

    @pytest.mark.parametrize("by", [2, -2])
    def test_leaves_a_restock_that_the_keeper_finishes(
        self, proven: LedgerServer, make_sale: MakeSale, nth: int, by: int
    ) -> None:
        sale = make_sale(published=True, stock=5)

        with dies_at("change_between_sides", nth):
            restock(sale, by=by)
        between = stocks(sale)
        changing.finish_asked(sale_pk=sale.pk)

        ledger_has_it = nth == 2
        assert between == (7 if by > 0 else 5, 5 + by if ledger_has_it else 5)
        assert stocks(sale) == (5 + by, 5 + by)

    def test_leaves_a_window_that_the_keeper_moves(self, proven: LedgerServer, make_sale: MakeSale, nth: int) -> None:
        sale = make_sale(published=True)
        closes_at = sale.closes_at + timedelta(hours=1)

        with dies_at("change_between_sides", nth):
            move(sale, closes_at=closes_at)
        assert on_record(sale).closes_at == sale.closes_at
        changing.finish_asked(sale_pk=sale.pk)

        assert on_record(sale).closes_at == closes_at
        assert in_ledger(sale).closes_ms == following.in_ms(closes_at)


class TestAScriptThatRunsLate:
    """Refused on record, and then taken by the ledger after all: what stood in its way had gone."""

    def refused_and_then_taken(self, sale: Sale, **to: Any) -> StockChange:
        late = ask(sale, **to)
        asking.refuse(change=late, sentence="1 is sold and 1 held; stock cannot go below 2.")
        assert changing._tell(late, epoch=EPOCH).outcome is Outcome.DONE
        return late

    def test_is_put_on_record_by_who_is_told_that_it_is_done(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)

        asking.settle(change=self.refused_and_then_taken(sale, stock=1))

        assert stocks(sale) == (1, 1)
        change = StockChange.objects.get()
        assert (change.state, change.refusal) == (ChangeState.DONE, "")

    @pytest.mark.parametrize(
        ("to", "stock"), [({"stock": 8}, 8), ({"stock": 2}, 2), ({"stock": 4}, 4), ({}, 3)], ids=str
    )
    def test_comes_before_the_next_change(
        self, proven: LedgerServer, make_sale: MakeSale, to: dict[str, Any], stock: int
    ) -> None:
        sale = make_sale(published=True, stock=5)
        self.refused_and_then_taken(sale, stock=3)
        closes_at = sale.closes_at + timedelta(hours=1)
        next_one = ask(sale, **to or {"closes_at": closes_at})

        assert changing._finish(next_one) == ""

        assert stocks(sale) == (stock, stock)
        rows = StockChange.objects.order_by("number").values_list("number", "state", "stock_from", "stock_to")
        assert list(rows) == [(1, "done", 5, 3), (2, "done", 3, stock)]
        after = on_record(sale)
        assert after.closes_at == (sale.closes_at if to else closes_at)
        assert in_ledger(sale).closes_ms == following.in_ms(after.closes_at)

    def test_that_moved_the_window_leaves_it_moved(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        closes_at = sale.closes_at + timedelta(hours=1)
        self.refused_and_then_taken(sale, closes_at=closes_at)

        restock(sale, by=2)

        assert stocks(sale) == (7, 7)
        assert on_record(sale).closes_at == closes_at
        assert in_ledger(sale).closes_ms == following.in_ms(closes_at)


class TestALedgerThatCountsDifferently:
    def test_is_said_and_nothing_is_changed(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        connection.run(
            ledger.change(
                sale=sale.pk,
                epoch=EPOCH,
                number=1,
                stock=4,
                opens_ms=following.in_ms(sale.opens_at),
                closes_ms=following.in_ms(sale.closes_at),
            )
        )

        act = restock(sale, to=2)

        assert not act.reached_ledger
        assert changing.finish_asked(sale_pk=sale.pk) == (
            "change 1 is asked on record, and the ledger counts its changes differently."
        )
        assert stocks(sale) == (5, 4)


def careless_ask(*, sale_pk: int, to: int, by: Actor) -> None:
    """The broken twin of the asking half: it looks, and then writes as if nobody else could have."""
    sale = Sale.objects.get(pk=sale_pk)
    if StockChange.objects.filter(sale=sale, state=ChangeState.ASKED).exists():
        raise Refused("Somebody is changing it.")
    time.sleep(0.1)
    following_number = asking.last_number(sale_pk=sale_pk) + 1
    Sale.objects.filter(pk=sale_pk).update(stock=to)
    said: Snapshot = in_ledger(sale)
    connection.run(
        ledger.change(
            sale=sale_pk,
            epoch=EPOCH,
            number=following_number,
            stock=to,
            opens_ms=said.opens_ms,
            closes_ms=said.closes_ms,
        )
    )


class TestASecondAdmin:
    def test_is_told_who_is_changing_the_sale(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=7)

        with pytest.raises(Refused, match=r"^seller@example.com is changing this sale since \d\d:\d\d:\d\d\."):
            restock(sale, by=3, actor=OTHER)

        assert StockChange.objects.count() == 1

    def test_is_told_who_changed_it_since_the_page_was_opened(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        restock(sale, by=10, seen=0)

        with pytest.raises(Refused, match=r"^seller@example.com has changed this sale since you looked: stock is 15"):
            restock(sale, by=10, seen=0, actor=OTHER)

        restock(sale, by=10, seen=1, actor=OTHER)
        assert stocks(sale) == (25, 25)

    def test_cannot_get_past_the_constraint(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=7)
        monkeypatch.setattr(asking, "refuse_if_open", lambda **_: None)

        with pytest.raises(Refused, match="Somebody else has just changed this sale"):
            ask(sale, stock=9)

    def test_a_number_is_given_once(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        restock(sale, by=1)
        done = StockChange.objects.get()
        done.pk = None

        with pytest.raises(IntegrityError, match=r"change_number_once_per_sale|sale_id.*number"):
            done.save()


@pytest.mark.django_db(transaction=True)
class TestTwoAdminsAtOnce:
    def at_once(self, sale: Sale, *acts: Callable[[], Any]) -> list[str]:
        told: list[str] = []
        together = threading.Barrier(len(acts))

        def do(act: Callable[[], Any]) -> None:
            together.wait()
            try:
                act()
                told.append("done")
            except Refused as refusal:
                told.append(str(refusal))
            finally:
                database.close()

        threads = [threading.Thread(target=do, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    def test_each_change_counts_or_is_refused(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=100)

        told = self.at_once(sale, *[lambda by=by: restock(sale, by=by) for by in (1, 10, -1, -10)])

        done = StockChange.objects.filter(state=ChangeState.DONE).order_by("number")
        assert told.count("done") == len(done) >= 1
        assert [each.number for each in done] == list(range(1, len(done) + 1))
        assert stocks(sale) == (done[len(done) - 1].stock_to, done[len(done) - 1].stock_to)
        assert all(told_so == "done" or "is changing this sale" in told_so for told_so in told)
        assert TrailEntry.objects.count() == len(done)

    def test_in_the_careless_twin_record_and_ledger_part(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=100)

        self.at_once(
            sale, *[lambda to=to: careless_ask(sale_pk=sale.pk, to=to, by=SELLER) for to in (101, 110, 99, 90)]
        )
        careless = on_record(sale).stock, in_ledger(sale).stock, in_ledger(sale).change

        assert careless[2] == 1  # all took the same number: one of four was done, and each was told that his was
        assert StockChange.objects.count() == 0


class TestAPublishedSaleInTheLedger:
    def test_of_which_nothing_was_changed_is_at_number_zero(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)
        publish_in_ledger(sale)

        assert asking.last_number(sale_pk=sale.pk) == in_ledger(sale).change == 0

    def test_keeps_count_with_the_record(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        buy(sale, "u:1", "u:2")
        drain(sale)

        for to in (9, 2, 4):
            restock(sale, to=to)

        assert asking.last_number(sale_pk=sale.pk) == in_ledger(sale).change == 3


class TestTheKeeper:
    """Once a second it brings to an end what was left between the two sides."""

    def tend(self, sale: Sale) -> Trouble | None:
        with Line() as line:
            return tending.tend(sale=on_record(sale), seen=in_ledger(sale), epoch=EPOCH, line=line).trouble

    @pytest.mark.parametrize("to", [7, 3])
    def test_finishes_what_is_asked(self, proven: LedgerServer, make_sale: MakeSale, to: int) -> None:
        sale = make_sale(published=True, stock=5)
        ask(sale, stock=to)

        assert self.tend(sale) is None

        assert stocks(sale) == (to, to)

    def test_finishes_cancellations(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        buy(sale, "u:1")
        drain(sale)
        order = Order.objects.get()
        cancelling._put_on_record(order_pk=order.pk, kept_back=True, actor=SELLER, why="Torn.")

        assert self.tend(sale) is None

        assert stocks(sale) == (4, 4)
        assert in_ledger(sale).sold == 0

    def test_takes_up_what_ran_late(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        late = ask(sale, stock=3)
        asking.refuse(change=late, sentence="Too low.")
        changing._tell(late, epoch=EPOCH)

        assert self.tend(sale) is None

        assert stocks(sale) == (3, 3)
        assert asking.last_number(sale_pk=sale.pk) == 1

    def test_says_what_it_cannot_finish(self, proven: LedgerServer, make_sale: MakeSale, make_order: MakeOrder) -> None:
        sale = make_sale(slug="night", published=True, stock=5, recorded=1)
        make_order(sale)
        cancelling._put_on_record(order_pk=Order.objects.get().pk, kept_back=False, actor=SELLER, why="Torn.")

        trouble = self.tend(sale)

        assert trouble
        assert trouble.kind is IncidentKind.CHANGE_STUCK
        assert trouble.text.startswith("Sale night: order ")
        assert trouble.text.endswith("is cancelled on record, and the ledger answers UNKNOWN_ORDER when it is told.")

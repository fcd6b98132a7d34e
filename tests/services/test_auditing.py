"""The auditor: it finds what was spoiled, says by how much, pauses the sale, and leaves a sound sale alone."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F

from sales.conf import LedgerRisk
from sales.domain.outcomes import Outcome
from sales.domain.states import SaleState
from sales.live import connection, ledger
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.live.stream import EventKind
from sales.live.tallying import Tally
from sales.models import DeadLetter, Incident, LedgerServer, Order, Sale, TrailEntry
from sales.queries import readiness
from sales.services import auditing, clocks, fencing, lifecycle
from sales.services.acting import KEEPER
from sales.services.auditing import Auditor
from tests.conftest import MakeSale, Servers
from tests.management.keeper_time import Turns, clock, keeper, turns
from tests.selling import an_event, ask_for_unit, buy, drain, hold, in_ledger, raw, write_event

__all__ = ["clock", "keeper", "turns"]
pytestmark = pytest.mark.django_db


def audit(sale: Sale, auditor: Auditor | None = None) -> auditing.Audited:
    with Line() as line:
        return (auditor or Auditor()).audit(line=line, sale=Sale.objects.get(pk=sale.pk), seen=in_ledger(sale))


@pytest.fixture
def sale(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    """Two bought and on record, one bought and on its way, one held."""
    made = make_sale(published=True, stock=9)
    buy(made, "u:1", "u:2")
    drain(made)
    buy(made, "u:3")
    return made


class TestSoundSale:
    def test_is_left_alone(self, sale: Sale) -> None:
        assert audit(sale) == auditing.Audited()

    def test_is_left_alone_with_holds_of_every_end(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=9, hold_seconds=60)
        for shopper in ("u:1", "u:2"):
            hold(sale, shopper)
        auditor = Auditor()

        assert audit(sale, auditor) == auditing.Audited()
        hold(sale, "u:3")
        drain(sale)
        assert audit(sale, auditor) == auditing.Audited()

    def test_is_read_once_however_often_it_is_audited(self, sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
        auditor = Auditor()
        audit(sale, auditor)
        asked: list[Any] = []
        read = Line.read_events

        def count(*given: Any, **named: Any) -> Any:
            asked.append(given)
            return read(*given, **named)

        monkeypatch.setattr(Line, "read_events", count)

        audit(sale, auditor)

        assert asked == []


def raise_sold(sale: Sale) -> None:
    keys = SaleKeys.of(sale.pk)
    raw().hincrby(keys.meta, "sold", 1)
    raw().hincrby(keys.meta, "next_unit", 1)  # so that the sums still hold


def forge_event(sale: Sale, **fields: Any) -> None:
    seq = in_ledger(sale).seq + 1
    given: dict[str, str | int] = {
        "epoch": 1, "what": "bought", "unit": 1, "shopper": "u:9", "slot": 1, "order": "A" * 22, "key": "",
        "time": 1_790_000_000_000, "since": 0,
    }  # fmt: skip
    write_event(sale, seq, **(given | fields))


class TestBusySale:
    def test_is_never_taken_for_a_damaged_one(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        """What is compared is read in one instant, however many buy meanwhile."""
        sale = make_sale(published=True, stock=3_000)
        sold_out = threading.Event()

        def sell() -> None:
            for number in range(600):
                call = ledger.purchase(
                    sale=sale.pk, epoch=1, shopper=f"u:{number}", order_id=uuid4(), key_digest=f"{number:011d}"
                )
                connection.run(call)
            sold_out.set()

        auditor, doubts = Auditor(), []
        seller = threading.Thread(target=sell)
        seller.start()
        while not sold_out.is_set():
            found = audit(sale, auditor)
            doubts += [found] if found.doubted or found.findings else []
        seller.join()

        assert doubts == []


class TestWrongSale:
    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (raise_sold, "The events make 3 sold, the ledger's number is 4."),
            (forge_event, "Unit 1 is u:1's, and event 5 gives it to u:9."),
            (lambda sale: forge_event(sale, unit=7, shopper="u:1", slot=2), "u:1 has 2 units by event 5; the limit"),
            (lambda sale: forge_event(sale, what="let_go", unit=2), "Event 5 gives unit 2 back, which u:9 does not"),
            (lambda _: Sale.objects.update(recorded=F("recorded") + 1), "2 orders are on record and not cancelled, "),
            (lambda sale: raw().hset(SaleKeys.of(sale.pk).meta, "stock", 12), "stock of 12, 3 more than is on record"),
            (lambda _: Sale.objects.update(recorded=1) and Order.objects.filter(unit=2).delete(), "2 units were"),
        ],
        ids=["sold", "unit twice", "over the limit", "not held", "count of orders", "stock", "order gone"],
    )  # fmt: skip
    def test_is_told_by_how_much(self, sale: Sale, spoil: Callable[[Sale], object], says: str) -> None:
        spoil(sale)

        assert says in " ".join(audit(sale).findings)

    def test_that_is_a_dead_letter_is_accounted_for(self, sale: Sale) -> None:
        Order.objects.filter(seq=3).delete()
        Sale.objects.update(recorded=1)
        DeadLetter.objects.create(sale=sale, epoch=1, seq=3, event={"what": "bought"}, reason="It was refused.")

        assert audit(sale).findings == ()

    @pytest.mark.parametrize("name", ["shoppers", "keys"])
    def test_with_keys_that_no_sum_counts_is_doubted(self, sale: Sale, name: str) -> None:
        raw().delete(getattr(SaleKeys.of(sale.pk), name))
        raw().hset(SaleKeys.of(sale.pk).keys, "0123456789a", "u:1/1")

        assert audit(sale).doubted


class TestTwoReadings:
    """Ledger and record move while they are compared: only what two readings of one version say counts."""

    def found(self, sale: Sale, monkeypatch: pytest.MonkeyPatch, *offsets: int) -> tuple[str, ...]:
        versions = iter(offsets)

        def read(**_: Any) -> auditing.Reading:
            return auditing.Reading(version=(1, 0, next(versions)), findings=("It is wrong.",))

        monkeypatch.setattr(auditing, "read", read)
        return audit(sale).findings

    def test_of_one_version_count(self, sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.found(sale, monkeypatch, 3, 3) == ("It is wrong.",)

    def test_of_two_versions_do_not(self, sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.found(sale, monkeypatch, 3, 4) == ()


class TestInTheKeeper:
    def test_pauses_the_sale_writes_a_row_turns_readiness_red_and_ends_it(
        self, sale: Sale, make_sale: MakeSale, turns: Turns
    ) -> None:
        other = make_sale(published=True)
        turns()
        Sale.objects.filter(pk=sale.pk).update(recorded=F("recorded") + 1)
        turns(6)
        paused = Sale.objects.get(pk=sale.pk)
        incident = Incident.objects.get(kind="sale_disagrees")
        checks = {check.name: check for check in readiness.look()}

        assert (paused.state, incident.ended_at) == (SaleState.PAUSED, None)
        assert "3 orders are on record and not cancelled, and 4 are counted." in incident.text
        assert "and 4 are counted" in TrailEntry.objects.get(act="pause").why
        assert (checks["ledger"].ok, checks["ledger"].says) == (False, incident.text)
        assert ask_for_unit(sale, "u:9").outcome is Outcome.PAUSED
        buy(other, "u:9")

        Sale.objects.filter(pk=sale.pk).update(recorded=F("recorded") - 1)
        turns(6)

        assert Incident.objects.get(kind="sale_disagrees").ended_at
        assert Sale.objects.get(pk=sale.pk).state == SaleState.PAUSED  # a person resumes it

    def test_repairs_keys_that_no_sum_counts(self, sale: Sale, turns: Turns) -> None:
        turns()
        raw().delete(SaleKeys.of(sale.pk).shoppers)

        turns(6)

        assert Incident.objects.get().kind == "sale_rebuilt"
        assert ask_for_unit(sale, "u:1", epoch=fencing.epoch()).outcome is Outcome.ALREADY

    def test_goes_on_behind_a_rebuild(self, sale: Sale, turns: Turns) -> None:
        turns()
        raw().delete(SaleKeys.of(sale.pk).shoppers)
        turns(6)
        buy(sale, "u:8", epoch=fencing.epoch())
        turns(12)

        assert not Incident.objects.filter(ended_at=None).exists()
        assert Sale.objects.get(pk=sale.pk).state == SaleState.PUBLISHED


class TestServer:
    def test_that_is_told_to_forget_while_it_sells_is_shut_within_seconds(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale, turns: Turns
    ) -> None:
        turns()
        sale = lifecycle.publish(sale_pk=make_sale().pk, by=KEEPER).sale
        raw().config_set("appendfsync", "everysec")

        turns()

        assert ask_for_unit(sale, "u:1").outcome is Outcome.NO_SCRIPT
        assert "appendfsync is everysec" in Incident.objects.get(kind="ledger_unfit", ended_at=None).text
        raw().config_set("appendfsync", "always")
        turns()
        buy(sale, "u:1")

    def test_that_cannot_promise_more_sells_where_the_shop_accepts_that(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale, turns: Turns, settings: Any
    ) -> None:
        settings.SALES = replace(settings.SALES, ledger_risk=LedgerRisk.ACCEPT_1S)
        raw().config_set("appendfsync", "everysec")
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)

        turns()

        buy(sale, "u:1")
        assert "may lose the purchases of the last second" in readiness.look()[0].says

    def test_that_is_full_is_told_of(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale, turns: Turns
    ) -> None:
        turns()
        sale = lifecycle.publish(sale_pk=make_sale().pk, by=KEEPER).sale
        raw().config_set("maxmemory", 1_000_000)
        turns()
        full = Incident.objects.get(kind="ledger_full")
        outcome = ask_for_unit(sale, "u:1").outcome
        raw().config_set("maxmemory", 0)
        turns()

        assert "memory is full" in full.text
        assert outcome is Outcome.FULL
        assert Incident.objects.get(kind="ledger_full").ended_at
        buy(sale, "u:1")


class TestClock:
    def test_that_jumps_pauses_what_is_on_until_it_is_resumed(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True)
        now = [0.0]
        watch = clocks.LedgerClock(monotonic=lambda: now[0])
        with Line() as line:
            assert watch.look(line) is None
            now[0] += 60  # a minute here, none there

            trouble = watch.look(line)

            sale.refresh_from_db()
            assert trouble
            assert "jumped by -60 s" in trouble.text
            assert sale.state == SaleState.PAUSED
            assert watch.look(line) == trouble
            lifecycle.resume(sale_pk=sale.pk, by=KEEPER)
            assert watch.look(line) is None

    def test_that_goes_on_is_left_alone(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        make_sale(published=True)
        watch = clocks.LedgerClock()
        with Line() as line:
            assert [watch.look(line) for _ in range(3)] == [None] * 3


class TestTally:
    def test_begins_anew_with_the_numbers_of_a_stream_made_anew(self) -> None:
        tally = Tally(limit=1, cancelled_counts=False)
        tally.follow(an_event(1_000_009, what=EventKind.REBUILT, order_id=None, unit=0, shopper="", sold=5))
        tally.follow(an_event(1_000_010, unit=6))

        assert (tally.sold, tally.held, tally.findings) == (6, 0, [])

    def test_notices_a_missing_event(self) -> None:
        tally = Tally(limit=1, cancelled_counts=False)
        for seq in (1, 3):
            tally.follow(an_event(seq))

        assert tally.gap == "Event 2 is missing: behind event 1 comes 3."

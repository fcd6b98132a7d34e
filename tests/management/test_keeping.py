"""The keeper's turns: what it does when, and how one sale's trouble stays that sale's."""

from typing import Any

import pytest
from django.db import connection as database

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.management.keeping import Keeper
from sales.models import Incident, LedgerServer, Order, Sale, TrailEntry
from sales.services import fencing, incidents, lifecycle, reconciling, recording
from sales.services.acting import KEEPER, Actor
from sales.services.incidents import IncidentKind, Trouble
from tests.conftest import MakeSale
from tests.management.keeper_time import Clock, Turns, clock, keeper, turns
from tests.selling import ask_for_unit, buy, hold, in_ledger, raw
from tests.services.test_ticking import make_due

__all__ = ["clock", "keeper", "turns"]
pytestmark = pytest.mark.django_db


class TestTurn:
    def test_records_what_was_bought(self, proven: LedgerServer, make_sale: MakeSale, turns: Turns) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")
        turns(0.1)
        buy(sale, "u:2")

        turns(0.1)

        assert Order.objects.count() == 2
        assert in_ledger(sale).recorded_seq == 3

    def test_waits_a_tenth_of_a_second_when_there_is_nothing_to_do(
        self, proven: LedgerServer, make_sale: MakeSale, keeper: Keeper
    ) -> None:
        make_sale(published=True)
        keeper.turn()

        assert keeper.turn() == 0.1

    def test_goes_on_at_once_where_more_is_waiting(
        self, proven: LedgerServer, make_sale: MakeSale, keeper: Keeper, clock: Clock, settings: Any
    ) -> None:
        settings.SALES = settings.SALES.__replace__(keeper_batch=2)
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2", "u:3")

        assert keeper.turn() == 0
        assert clock.now == (0.005 if database.vendor == "sqlite" else 0)  # others write into the same file

    def test_says_on_record_that_it_is_there(self, proven: LedgerServer, turns: Turns) -> None:
        turns(0.1)
        first = LedgerServer.objects.get().keeper_seen_at

        turns(2.5)

        second = LedgerServer.objects.get().keeper_seen_at
        assert first
        assert second
        assert second > first

    def test_brings_the_ledger_what_happened_while_it_was_away(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        new = make_sale(state=SaleState.PUBLISHED, state_number=1)
        paused = make_sale(published=True)
        Sale.objects.filter(pk=paused.pk).update(state=SaleState.PAUSED, state_number=2)

        turns()

        assert in_ledger(new).state is LedgerState.OPEN
        assert (in_ledger(paused).state, in_ledger(paused).state_number) == (LedgerState.PAUSED, 2)
        buy(new, "u:1")

    def test_tells_the_ledger_what_a_dead_keeper_recorded(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")
        Sale.objects.filter(pk=sale.pk).update(stream_offset=2)

        turns(0.1)

        assert in_ledger(sale).recorded_seq == 2

    def test_gives_back_what_is_due_each_second(self, proven: LedgerServer, make_sale: MakeSale, turns: Turns) -> None:
        sale = make_sale(published=True, hold_seconds=3_000)
        turns(0.1)
        hold(sale, "u:1")
        make_due(sale.pk, ["u:1"])

        turns()

        assert in_ledger(sale).returned == 1

    def test_gives_back_what_is_due_after_a_sale_was_closed(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True, hold_seconds=3_000)
        hold(sale, "u:1")
        lifecycle.close(sale_pk=sale.pk, by=KEEPER)
        make_due(sale.pk, ["u:1"])

        turns()

        assert in_ledger(sale).returned == 1

    def test_does_not_write_into_a_sale_that_is_far_off(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True, opens_in=86_400, closes_in=90_000)
        turns()
        before = raw().hget(SaleKeys.of(sale.pk).meta, "clock_ms")

        turns(3)

        assert raw().hget(SaleKeys.of(sale.pk).meta, "clock_ms") == before
        assert Sale.objects.get().stream_offset == 1


class TestTrouble:
    def incident(self, kind: IncidentKind) -> Incident:
        found: Incident = Incident.objects.get(kind=kind)
        return found

    def test_of_one_sale_does_not_stop_the_others(
        self,
        proven: LedgerServer,
        make_sale: MakeSale,
        turns: Turns,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bad, good = make_sale(published=True), make_sale(published=True)
        buy(bad, "u:1")
        buy(good, "u:1")
        record = recording.record

        def fail_for_one(**arguments: Any) -> Any:
            if arguments["sale_pk"] == bad.pk:
                raise ZeroDivisionError
            return record(**arguments)

        monkeypatch.setattr(recording, "record", fail_for_one)
        turns(2)
        monkeypatch.undo()
        failed = self.incident(IncidentKind.KEEPER_FAILED)
        turns(4)

        assert (failed.sale, failed.ended_at) == (bad, None)
        assert Order.objects.filter(sale=good).count() == 1
        assert Order.objects.filter(sale=bad).count() == 1  # later
        assert self.incident(IncidentKind.KEEPER_FAILED).ended_at

    def test_of_a_gap_pauses_the_sale_and_passes_over_nothing(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2", "u:3")
        raw().xdel(SaleKeys.of(sale.pk).events, "3-0")

        turns(3)

        sale.refresh_from_db()
        assert (sale.state, sale.stream_offset, sale.recorded) == (SaleState.PAUSED, 2, 1)
        entry = TrailEntry.objects.get(act="pause")
        assert entry.who == "keeper"
        assert entry.why.startswith("Event 3 is missing: behind event 2 comes 4.")
        degraded = self.incident(IncidentKind.SALE_DEGRADED)
        assert degraded.ended_at is None
        assert "Event 3 is missing" in degraded.text
        assert "Up to 2 purchases" in degraded.text
        assert ask_for_unit(sale, "u:9").outcome is Outcome.STALE_EPOCH

    def test_of_a_gap_is_over_once_somebody_accepted_the_loss(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True, stock=5)
        buy(sale, "u:1", "u:2", "u:3")
        raw().xdel(SaleKeys.of(sale.pk).events, "3-0")
        turns(3)
        with Line() as line:
            reconciling.reconcile(line=line, sale_pk=sale.pk, accept_loss=True, by=Actor(who="operator"))

        turns(3)

        sale.refresh_from_db()
        assert sale.state == SaleState.PUBLISHED
        assert self.incident(IncidentKind.SALE_DEGRADED).ended_at
        assert not Incident.objects.filter(ended_at=None).exists()
        assert sorted(Order.objects.values_list("shopper", "unit")) == [("u:1", 1), ("u:2", 2), ("u:3", 3)]
        buy(sale, "u:4", epoch=fencing.epoch())

    def test_of_a_stream_of_another_type_spoils_no_other(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        bad, good = make_sale(published=True), make_sale(published=True)
        turns(0.1)
        raw().delete(SaleKeys.of(bad.pk).events)
        raw().set(SaleKeys.of(bad.pk).events, "no stream")
        buy(good, "u:1")

        turns(3)

        assert Order.objects.filter(sale=good).count() == 1
        assert self.incident(IncidentKind.SALE_DEGRADED).sale == bad

    def test_of_numbers_is_repaired_within_a_second_and_leaves_a_row(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns, caplog: pytest.LogCaptureFixture
    ) -> None:
        sale = make_sale(published=True)
        turns()
        buy(sale, "u:1")
        raw().hincrby(SaleKeys.of(sale.pk).meta, "sold", 1)

        turns(1.2)

        rebuilt = self.incident(IncidentKind.SALE_REBUILT)
        assert (rebuilt.sale, bool(rebuilt.ended_at)) == (sale, True)
        assert "contradict each other" in rebuilt.text
        assert "1 sold" in rebuilt.text
        buy(sale, "u:2", epoch=fencing.epoch())
        turns()
        assert Order.objects.count() == 2
        assert not Incident.objects.filter(ended_at=None).exists()

    def test_of_a_sale_that_is_gone_is_said_and_nobody_puts_it_back(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")
        turns()
        raw().delete(*SaleKeys.of(sale.pk).named("meta", "events", "shoppers"))

        turns()

        assert self.incident(IncidentKind.SALE_DEGRADED).sale == sale
        assert in_ledger(sale).outcome is Outcome.NO_LEDGER

    def test_of_a_sale_that_cannot_be_helped_is_looked_at_less_and_less_often(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(published=True)
        turns()
        raw().delete(SaleKeys.of(sale.pk).events)
        looked: list[int] = []
        reconcile = reconciling.reconcile

        def count(**arguments: Any) -> Any:
            looked.append(arguments["sale_pk"])
            return reconcile(**arguments)

        monkeypatch.setattr(reconciling, "reconcile", count)

        turns(100)

        assert 4 <= len(looked) <= 8

    def test_that_an_earlier_keeper_left_open_is_ended(self, proven: LedgerServer, turns: Turns) -> None:
        incidents.begin(Trouble(kind=IncidentKind.LEDGER_UNFIT, text="The ledger server was a replica."))

        turns()

        assert self.incident(IncidentKind.LEDGER_UNFIT).ended_at

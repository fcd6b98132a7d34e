"""The keeper: what it does each turn, how it waits for servers in trouble, and how it starts and stops."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db import connection as database

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live import embedded
from sales.live.keys import SaleKeys
from sales.management.keeping import Keeper
from sales.models import Incident, LedgerServer, Order, Sale, TrailEntry
from sales.services import incidents, lifecycle, recording
from sales.services.acting import KEEPER
from sales.services.incidents import IncidentKind, Trouble
from tests.conftest import MakeSale, Servers
from tests.selling import ask_for_unit, buy, hold, in_ledger, raw
from tests.services.test_ticking import make_due

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keeper(clock: Clock) -> Iterator[Keeper]:
    made = Keeper(clock=clock, sleep=clock.sleep)
    yield made
    made._hang_up()


@pytest.fixture
def turns(keeper: Keeper, clock: Clock) -> Callable[..., None]:
    """Let the keeper work for so many seconds of its clock."""

    def work(seconds: float = 1.5) -> None:
        until = clock.now + seconds
        while clock.now < until:
            clock.sleep(keeper.turn())

    return work


Turns = Callable[..., None]


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
        self, proven: LedgerServer, make_sale: MakeSale, keeper: Keeper, settings: Any
    ) -> None:
        settings.SALES = settings.SALES.__replace__(keeper_batch=2)
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2", "u:3")

        assert keeper.turn() == (0.005 if database.vendor == "sqlite" else 0)

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
        assert "Event 3 is missing" in self.incident(IncidentKind.STREAM_GAP).text
        entry = TrailEntry.objects.get(act="pause")
        assert (entry.who, entry.why) == ("keeper", "Event 3 is missing: behind event 2 comes 4.")
        assert in_ledger(sale).state is LedgerState.PAUSED

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
        assert self.incident(IncidentKind.STREAM_UNREADABLE).sale == bad
        assert self.incident(IncidentKind.SALE_CORRUPT).sale == bad

    def test_of_numbers_begins_and_ends(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns, caplog: pytest.LogCaptureFixture
    ) -> None:
        sale = make_sale(published=True)
        raw().hincrby(SaleKeys.of(sale.pk).meta, "sold", 1)
        with caplog.at_level(logging.INFO):
            turns(3)
            began = self.incident(IncidentKind.SALE_CORRUPT)
            raw().hincrby(SaleKeys.of(sale.pk).meta, "sold", -1)
            turns()

        assert (began.sale, began.ended_at) == (sale, None)
        assert self.incident(IncidentKind.SALE_CORRUPT).ended_at
        said = [record.getMessage() for record in caplog.records if "contradict" in record.getMessage()]
        assert [line.startswith("This is over: ") for line in said] == [False, True]

    def test_of_a_sale_that_is_gone_is_an_incident_and_nobody_puts_it_back(
        self, proven: LedgerServer, make_sale: MakeSale, turns: Turns
    ) -> None:
        sale = make_sale(published=True)
        turns()
        raw().delete(*SaleKeys.of(sale.pk).named("meta", "events"))

        turns()

        assert self.incident(IncidentKind.SALE_MISSING).sale == sale
        assert in_ledger(sale).outcome is Outcome.NO_LEDGER

    def test_that_an_earlier_keeper_left_open_is_ended(self, proven: LedgerServer, turns: Turns) -> None:
        incidents.begin(Trouble(kind=IncidentKind.LEDGER_UNFIT, text="The ledger server was a replica."))

        turns()

        assert self.incident(IncidentKind.LEDGER_UNFIT).ended_at


class TestServersInTrouble:
    def test_ledger_that_restarts_sells_on_by_itself(
        self,
        own_servers: Servers,
        key_prefix: str,
        make_sale: MakeSale,
        turns: Turns,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        turns()
        sale = lifecycle.publish(sale_pk=make_sale().pk, by=KEEPER).sale
        buy(sale, "u:1")
        with caplog.at_level(logging.INFO):
            own_servers.ledger.kill()
            turns(5)
            with embedded.start(server=own_servers.ledger.server):
                turns(1)
                buy(sale, "u:2", epoch=2)
                turns(0.2)

        assert Order.objects.count() == 2
        said = [record.getMessage() for record in caplog.records if record.name == "sales.management.keeping"]
        assert [line.partition(":")[0] for line in said] == [
            "The keeper waits for the ledger", "Ledger and database are back."
        ]  # fmt: skip

    def test_scripts_that_were_flushed_are_loaded_within_a_second(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale, turns: Turns
    ) -> None:
        turns()
        sale = lifecycle.publish(sale_pk=make_sale().pk, by=KEEPER).sale
        raw().script_flush()

        turns(1.1)

        buy(sale, "u:1")

    def test_ledger_that_would_forget_is_told_of_and_sells_once_it_is_set_right(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale, turns: Turns
    ) -> None:
        raw().config_set("appendfsync", "everysec")
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)
        turns()
        wrong = Incident.objects.get()
        raw().config_set("appendfsync", "always")

        turns()

        assert (wrong.kind, wrong.sale, wrong.ended_at) == ("ledger_unfit", None, None)
        assert "appendfsync is everysec and must be always" in wrong.text
        assert Incident.objects.get().ended_at
        buy(sale, "u:1")

    def test_database_that_is_away_is_waited_for_and_nothing_is_lost(
        self,
        proven: LedgerServer,
        make_sale: MakeSale,
        turns: Turns,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")
        with caplog.at_level(logging.INFO, logger="sales.management.keeping"):
            with monkeypatch.context() as away:

                def fail(**_: Any) -> None:
                    raise OperationalError("the database system is shutting down")

                away.setattr(recording, "record", fail)
                turns(3)
            turns(1)

        assert Order.objects.count() == 1
        assert caplog.messages == [
            "The keeper waits for the database: the database system is shutting down",
            "Ledger and database are back.",
        ]

    def test_no_ledger_at_the_start_is_waited_for(self, own_servers: Servers, key_prefix: str, turns: Turns) -> None:
        own_servers.ledger.kill()
        turns(2)

        with embedded.start(server=own_servers.ledger.server):
            turns(1)

            assert LedgerServer.objects.get().proven_at


@pytest.mark.django_db(transaction=True)
class TestStop:
    def test_comes_after_the_batch_in_hand(
        self, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sales = [make_sale(published=True) for _ in range(2)]
        for sale in sales:
            buy(sale, "u:1")
        keeper = Keeper()
        record = recording.record

        def stop_and_record(**arguments: Any) -> Any:
            keeper.stop()
            return record(**arguments)

        monkeypatch.setattr(recording, "record", stop_and_record)

        keeper.run()

        assert Order.objects.count() == 1
        assert keeper.recorded == 1


class TestOnce:
    def test_does_all_there_is_to_do(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)
        call_command("keeper", once=True)
        buy(sale, "u:1", "u:2")

        call_command("keeper", once=True)

        assert Order.objects.count() == 2
        assert in_ledger(sale).recorded_seq == 3
        assert capsys.readouterr().out.splitlines() == [
            "0 orders recorded; nothing is left to do.",
            "2 orders recorded; nothing is left to do.",
        ]

    def test_fails_with_a_sentence_where_something_is_wrong(self, own_servers: Servers, key_prefix: str) -> None:
        raw().config_set("appendfsync", "no")

        with pytest.raises(CommandError, match="appendfsync is no and must be always"):
            call_command("keeper", once=True)

    def test_fails_with_a_sentence_where_the_ledger_is_away(self, own_servers: Servers, key_prefix: str) -> None:
        own_servers.ledger.kill()

        with pytest.raises(CommandError, match=r"Nothing was done\. The ledger server cannot be reached"):
            call_command("keeper", once=True)


def keeper_environment(servers: Servers, key_prefix: str, settings: Any) -> dict[str, str]:
    """The environment of a keeper process that works on this test's servers and database."""
    of = database.settings_dict
    if database.vendor == "sqlite":
        url = f"sqlite:///{of['NAME']}"
    else:
        url = f"postgres://{of['USER']}:{of['PASSWORD']}@{of['HOST'] or '127.0.0.1'}:{of['PORT'] or 5432}/{of['NAME']}"
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "flashsale_site.settings",
        "SITE": "demo",
        "ENV_FILE": "",
        "DATA_DIR": str(settings.SALES.data_dir),
        "DATABASE_URL": url,
        "REDIS_URL": servers.ledger.url,
        "CACHE_URL": servers.cache.url,
        "LEDGER_KEY_PREFIX": key_prefix,
        "LOG_LEVEL": "info",
    }


@pytest.mark.django_db(transaction=True)
class TestProcess:
    @pytest.fixture
    def start(
        self, proven: LedgerServer, live: Servers, key_prefix: str, settings: Any
    ) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
        started: list[subprocess.Popen[str]] = []

        def begin() -> "subprocess.Popen[str]":
            started.append(
                subprocess.Popen(
                    [sys.executable, "manage.py", "keeper"],
                    cwd=PROJECT,
                    env=keeper_environment(live, key_prefix, settings),
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            return started[-1]

        yield begin
        for process in started:
            process.kill()
            process.communicate()

    def wait_for_orders(self, count: int, by: "subprocess.Popen[str]") -> float:
        began = time.monotonic()
        while Order.objects.count() < count:
            assert by.poll() is None, by.communicate()[1]
            assert time.monotonic() - began < 20, "the keeper records nothing"
            time.sleep(0.01)
        return time.monotonic() - began

    @pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
    def test_stops_cleanly_when_told_to(
        self, start: Callable[[], "subprocess.Popen[str]"], make_sale: MakeSale, name: signal.Signals
    ) -> None:
        sale = make_sale(published=True)
        process = start()
        buy(sale, "u:1")
        self.wait_for_orders(1, process)

        process.send_signal(name)
        _, said = process.communicate(timeout=5)

        assert process.returncode == 0, said
        assert "The keeper has stopped; 1 orders recorded." in said
        assert "Traceback" not in said

    def test_another_one_goes_on_where_it_was_killed(
        self, start: Callable[[], "subprocess.Popen[str]"], make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=9)
        first = start()
        buy(sale, "u:1", "u:2")
        self.wait_for_orders(2, first)
        first.kill()
        buy(sale, "u:3")

        self.wait_for_orders(3, start())

        assert sorted(Order.objects.values_list("seq", flat=True)) == [2, 3, 4]

    def test_records_within_three_tenths_of_a_second(
        self, start: Callable[[], "subprocess.Popen[str]"], make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=40)
        process = start()
        buy(sale, "u:0")
        self.wait_for_orders(1, process)

        lags = []
        for number in range(1, 12):
            ask_for_unit(sale, f"u:{number}")
            lags.append(self.wait_for_orders(number + 1, process))

        assert sorted(lags)[5] <= 0.3

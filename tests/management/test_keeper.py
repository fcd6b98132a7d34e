"""The keeper as a process: how it waits for servers in trouble, how it starts and stops, and several at once."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db import connection as database

from sales.domain.states import SaleState
from sales.live import embedded
from sales.management.commands.keeper import NICE
from sales.management.keeping import Keeper
from sales.models import Incident, LedgerServer, Order, Sale
from sales.services import lifecycle, recording
from sales.services.acting import KEEPER
from tests.conftest import MakeSale, Servers
from tests.management.keeper_time import Turns, clock, keeper, turns
from tests.selling import ask_for_unit, buy, in_ledger, raw

PROJECT = Path(__file__).resolve().parents[2]
__all__ = ["clock", "keeper", "turns"]
pytestmark = pytest.mark.django_db


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
        # The server of the test run, wherever it listens; the database is the one that the tests made there.
        url = urlsplit(os.environ["TEST_DATABASE_URL"])._replace(path=f"/{of['NAME']}").geturl()
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

    def test_steps_back_for_those_that_answer_shoppers(
        self, start: Callable[[], "subprocess.Popen[str]"], make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)
        process = start()

        buy(sale, "u:1")
        self.wait_for_orders(1, process)

        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= NICE > 0

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

    def test_of_two_at_once_each_purchase_is_recorded_once(
        self, start: Callable[[], "subprocess.Popen[str]"], make_sale: MakeSale
    ) -> None:
        sales = [make_sale(published=True, stock=60) for _ in range(2)]
        processes = [start(), start()]
        for number in range(60):
            for sale in sales:
                buy(sale, f"u:{number}")
        self.wait_for_orders(120, processes[0])

        for process in processes:
            process.terminate()
        said = "".join(process.communicate(timeout=5)[1] for process in processes)

        assert Order.objects.count() == 120
        assert list(Sale.objects.values_list("recorded", "stream_offset")) == [(60, 61), (60, 61)]
        assert not Incident.objects.exists()
        assert "Traceback" not in said
        counts = [int(line.split("; ")[1].split()[0]) for line in said.splitlines() if "has stopped" in line]
        assert sum(counts) == 120

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

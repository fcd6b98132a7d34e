"""The whole demo, as a person starts it: real servers, a real sale, and everything that may happen to its processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sales.management.demo_children import PROJECT
from tests.live.test_tether import ends
from tests.running_demo import SLUG, Demo, clean_environment, started


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that leave it running. Nothing was prepared for it, as when somebody tries it first."""
    with started(tmp_path_factory.mktemp("demo"), on_its_own=True) as running:
        yield running


def shopper() -> str:
    return f"shopper-{time.monotonic_ns()}"


class TestDemo:
    def test_sells_at_once_and_says_how_to_sign_in(self, demo: Demo) -> None:
        status, bought = demo.buy(shopper())

        assert (status, bought["success"]) == (200, True)
        password = (demo.folder / "admin_password").read_text().strip()
        assert any(f"admin@example.org, password {password}" in line for line in demo.said)

    def test_sells_on_after_its_ledger_was_killed(self, demo: Demo) -> None:
        early_shopper, late_shopper = shopper(), shopper()
        _, early = demo.buy(early_shopper)

        os.kill(demo.child_pid("ledger"), signal.SIGKILL)
        demo.until_said("ledger is back.")

        assert demo.buy(late_shopper)[0] == 200
        status, again = demo.buy(early_shopper)
        assert (status, again["purchaseId"]) == (400, early["purchaseId"])

    @pytest.mark.parametrize("name", ["cache", "keeper", "web", "reminders"])
    def test_brings_back_who_was_killed(self, demo: Demo, name: str) -> None:
        os.kill(demo.child_pid(name), signal.SIGKILL)

        assert "killed by SIGKILL; starting it again in 0.1 s." in demo.until_said(f"{name} was")
        demo.until_said(f"{name} is back.")
        assert demo.buy(shopper())[0] == 200

    def test_refuses_a_second_one_and_names_the_first(self, demo: Demo) -> None:
        words = [sys.executable, str(PROJECT / "manage.py"), "demo", "--data", str(demo.folder), "--port", "1"]
        second = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, check=False)

        assert second.returncode == 3
        assert f"is in use by process {demo.process.pid} (manage.py demo " in second.stderr


class TestEnd:
    def test_takes_all_children_along_and_keeps_the_sale(self, tmp_path: Path) -> None:
        early_shopper = shopper()

        with started(tmp_path) as first:
            _, bought = first.buy(early_shopper)
            _, before = first.ask(f"/api/flashsale/status/{SLUG}")
            pids = first.child_pids()
            assert first.stop(signal.SIGINT) == 0
        assert all(ends(pid, seconds=0) for pid in pids)

        with started(tmp_path) as second:
            _, found = second.ask(f"/api/flashsale/user/{early_shopper}/purchase/{SLUG}")
            _, after = second.ask(f"/api/flashsale/status/{SLUG}")
            pids = second.child_pids()
            second.process.kill()
            assert all(ends(pid) for pid in pids)

        assert found["purchase"]["id"] == bought["purchaseId"]
        assert (after["startTime"], after["remainingStock"]) == (before["startTime"], bought["remainingStock"])

    def test_of_the_sale_brings_another_at_the_next_start(self, tmp_path: Path) -> None:
        with started(tmp_path) as first:
            _, old = first.ask(f"/api/flashsale/status/{SLUG}")
            assert first.command("close_sale", SLUG, "--why", "enough") == 0
            assert first.stop(signal.SIGTERM) == 0

        with started(tmp_path) as second:
            renamed = f"{SLUG}-{datetime.fromisoformat(old['startTime']):%Y%m%d-%H%M%S}"
            _, aside = second.ask(f"/api/flashsale/status/{renamed}")
            _, new = second.ask(f"/api/flashsale/status/{SLUG}")

        assert (aside["startTime"], aside["status"]) == (old["startTime"], "ended")
        assert new["status"] == "active"

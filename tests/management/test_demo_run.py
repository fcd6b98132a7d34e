"""The whole demo, as a person starts it: real servers, a real sale, and everything that may happen to its processes."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flashsale_site.environment import KNOBS
from sales.live import embedded
from sales.live.embedded import ServerRole
from sales.management.demo_children import PROJECT
from tests.live.test_tether import ends

SECONDS = 60.0  # it takes five; a busy machine may take much longer
SLUG = "sample-sale-1"


def clean_environment() -> dict[str, str]:
    """What a person's shell has: nothing of ours, and nothing of the test run."""
    ours = {knob.name for knob in KNOBS} | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in ours} | {"ENV_FILE": ""}


class Demo:
    """A demo that runs, and what it says."""

    def __init__(self, *, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        words = [
            "--data",
            str(folder),
            "--port",
            str(port),
            "--opens-in",
            "0",
            "--workers",
            "1",
            "--limits",
            "off",
        ]
        self.process = subprocess.Popen(
            [sys.executable, str(PROJECT / "manage.py"), "demo", *words],
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def until_said(self, words: str) -> str:
        """Return the line with these words as soon as it is there."""
        until = time.monotonic() + SECONDS
        with suppress(queue.Empty):
            while (line := self._lines.get(timeout=max(0.0, until - time.monotonic()))) is not None:
                self.said.append(line)
                if words in line:
                    return line
        raise AssertionError(f"It did not say {words!r}:\n{''.join(self.said)}")

    def child_pid(self, name: str) -> int:
        """The process that runs as this child now."""
        if name in set(ServerRole):
            server_pid = embedded.answering_pid(server=embedded.server(role=ServerRole(name), data_dir=self.folder))
            assert server_pid
            return server_pid
        told = {"keeper": "manage.py keeper", "web": "gunicorn"}[name]
        children = ["ps", "-o", "pid=,ppid=,args=", "-A"]
        listed = subprocess.run(children, capture_output=True, text=True, check=True).stdout.splitlines()
        found = [line.split(maxsplit=2) for line in listed]
        (pid,) = [int(pid) for pid, parent, args in found if parent == str(self.process.pid) and told in args]
        return pid

    def child_pids(self) -> list[int]:
        return [self.child_pid(name) for name in ("ledger", "cache", "keeper", "web")]

    def ask(self, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        asked = urllib.request.Request(
            f"http://localhost:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def buy(self, shopper: str) -> tuple[int, Any]:
        """Buy as an API client would: again and again while the answer is 503."""
        until = time.monotonic() + SECONDS
        while True:
            status, answer = self.ask("/api/flashsale/purchase", {"userId": shopper, "flashSaleId": SLUG})
            if status != 503 or time.monotonic() > until:
                return status, answer
            time.sleep(0.05)

    def command(self, *words: str) -> int:
        """Run another command of `manage.py` beside the demo."""
        env = clean_environment() | {"SITE": "demo", "DATA_DIR": str(self.folder)}
        return subprocess.run([sys.executable, str(PROJECT / "manage.py"), *words], env=env, check=False).returncode

    def stop(self, asking: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            os.killpg(self.process.pid, asking)
        code = self.process.wait(timeout=SECONDS)
        self._reader.join(timeout=SECONDS)
        return code


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def started(folder: Path) -> Iterator[Demo]:
    """A demo that is ready; stopped at the end if it still runs."""
    demo = Demo(folder=folder, port=free_port())
    try:
        demo.until_said("Ready after")
        demo.until_said("Ctrl-C stops everything")
        yield demo
    finally:
        demo.stop()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that leave it running."""
    with started(tmp_path_factory.mktemp("demo")) as running:
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

    @pytest.mark.parametrize("name", ["cache", "keeper", "web"])
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

"""The whole demo as a person starts it, for tests that need real processes: servers, keeper, gunicorn."""

import atexit
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from flashsale_site.environment import KNOBS, PROJECT
from sales.live import embedded
from sales.live.embedded import ServerRole
from sales.management import demo_folder

SECONDS = 60.0  # it takes five; a busy machine may take much longer
SLUG = "sample-sale-1"
_PREPARE = f"""
from django.core.management import call_command
from sales.models import Sale, TrailEntry
call_command("prepare_demo", "--stock=1", "--opens-in=0", "--lasts=60", "--hold-seconds=0")
TrailEntry.objects.filter(sale__slug="{SLUG}").delete()
Sale.objects.filter(slug="{SLUG}").delete()
"""


def clean_environment() -> dict[str, str]:
    """What a person's shell has: nothing of ours, and nothing of the test run."""
    ours = {knob.name for knob in KNOBS} | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in ours} | {"ENV_FILE": ""}


class RunningShop:
    """A site that runs on this machine, as its visitors see it and as its operator asks it."""

    def __init__(self, *, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    @property
    def environment(self) -> dict[str, str]:
        """What a command has that runs beside it."""
        return clean_environment() | {"SITE": "demo", "DATA_DIR": str(self.folder)}

    @property
    def url(self) -> str:
        """Where the shop is."""
        return f"http://localhost:{self.port}"

    def ask(self, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        asked = urllib.request.Request(
            f"{self.url}{path}",
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
        return subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), *words], env=self.environment, check=False
        ).returncode

    def command_json(self, *words: str) -> dict[str, Any]:
        """Run a command that reads, with --json, and return what it says."""
        argv = [sys.executable, str(PROJECT / "manage.py"), *words, "--json"]
        done = subprocess.run(argv, env=self.environment, check=False, capture_output=True, text=True)
        said: dict[str, Any] = json.loads(done.stdout)
        return said


class Demo(RunningShop):
    """A demo that runs, and what it says."""

    def __init__(
        self, *, folder: Path, port: int, knobs: Mapping[str, str] | None = None, **options: int | str
    ) -> None:
        super().__init__(folder=folder, port=port)
        named = {"data": folder, "port": port, "opens-in": 0, "workers": 1, "limits": "off"} | {
            name.replace("_", "-"): value for name, value in options.items()
        }
        words = [word for name, value in named.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [sys.executable, str(PROJECT / "manage.py"), "demo", *words],
            env=clean_environment() | dict(knobs or {}),
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
        told = {"keeper": "manage.py keeper", "web": "gunicorn", "reminders": "manage.py send_reminders"}[name]
        children = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]  # -ww: else it cuts lines at $COLUMNS
        listed = subprocess.run(children, capture_output=True, text=True, check=True).stdout.splitlines()
        found = [line.split(maxsplit=2) for line in listed]
        (pid,) = [int(pid) for pid, parent, args in found if parent == str(self.process.pid) and told in args]
        return pid

    def child_pids(self) -> list[int]:
        return [self.child_pid(name) for name in ("ledger", "cache", "keeper", "web", "reminders")]

    def stop(self, asking: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            os.killpg(self.process.pid, asking)
        code = self.process.wait(timeout=SECONDS)
        self._reader.join(timeout=SECONDS)
        return code


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


@cache
def prepared() -> Path:
    """A demo's folder with everything but the sale of its start: tables, static files, pictures, who may sign in.

    To make these takes seconds, and is the same each time.
    """
    folder = Path(tempfile.mkdtemp(prefix="flashsale-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / demo_folder.MARKER).touch()
    argv = [sys.executable, str(PROJECT / "manage.py"), "shell", "--verbosity", "0", "--command", _PREPARE]
    environment = clean_environment() | {"SITE": "demo", "DATA_DIR": str(folder), "LOG_LEVEL": "warning"}
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder


@contextmanager
def started(
    folder: Path, *, on_its_own: bool = False, knobs: Mapping[str, str] | None = None, **options: int | str
) -> Iterator[Demo]:
    """A demo that is ready; stopped at the end. `options` are those of `manage.py demo`.

    In a folder that is empty it finds what is `prepared`, unless it is to make all of that `on_its_own`.
    """
    if not on_its_own and not (folder / demo_folder.MARKER).exists():
        shutil.copytree(prepared(), folder, dirs_exist_ok=True)
    demo = Demo(folder=folder, port=free_port(), knobs=knobs, **options)
    try:
        demo.until_said("Ready after")
        demo.until_said("Ctrl-C stops everything")
        yield demo
    finally:
        demo.stop()

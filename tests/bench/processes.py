"""The processes of a benchmark: starting them, waiting until they answer, what they have used, ending them.

Each is tied to this process and ends with it. Only what was started here is ever looked at or stopped.
"""

import http.client
import os
import resource
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from flashsale_site.environment import PROJECT
from sales.live import embedded, tether

START_SECONDS = 40.0
STOP_SECONDS = 15.0
_TAIL = 1_000  # characters of a log
_TICKS = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """A server ended or stayed silent; the message ends with what it last wrote."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process of ours; its log is a file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id; its workers are below it."""
        return self.process.pid

    def until_it_answers(self, *, port: int, path: str = "/health", status: int = 200) -> Self:
        """Return once the path is answered with the status. Raises DidNotStart."""
        until = time.monotonic() + START_SECONDS
        while status_of(port=port, path=path) != status:
            if self.process.poll() is not None or time.monotonic() > until:
                last = embedded.log_tail(path=self.log, lines=4)[-_TAIL:]
                raise DidNotStart(f"{self.name} did not start. It last said:\n{last}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        """Use it for the length of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def start(
    *, name: str, argv: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, cwd: Path = PROJECT
) -> Started:
    """Start a program whose log goes to `folder`/<name>.log."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    tied = tether.tied(argv=argv)
    with log.open("ab") as written:
        process = subprocess.Popen(
            tied.argv,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            pass_fds=tied.pass_fds,
        )
    return Started(name=name, process=process, log=log)


def status_of(*, port: int, path: str) -> int | None:
    """Return the status with which a server on this machine answers, or None."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with closing(line), suppress(OSError, http.client.HTTPException):
        line.request("GET", path, headers={"Host": "localhost", "Connection": "close"})
        return line.getresponse().status
    return None


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


def allow_many_connections() -> None:
    """Let this process and its children open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and all below it have used, in user and system mode."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name of the program stands in brackets and may hold anything.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
                used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / _TICKS
    waiting, total = [pid], 0.0
    while waiting:
        each = waiting.pop()
        total += used.get(each, 0.0)
        waiting += children.get(each, [])
    return total

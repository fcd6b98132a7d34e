"""The load generator: starting wrk with `load.lua`, and reading what it said.

One load is one process of wrk with one thread, bounded in time by wrk itself.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("load.lua")
_TIMEOUT_SECONDS = 2
_GRACE_SECONDS = 30.0

type Words = Mapping[str, str | int | Path]


class LoadFailed(Exception):
    """wrk did not run to its end; the message holds what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send where. `words` are the arguments of `load.lua`."""

    port: int
    connections: int
    seconds: int
    words: Words

    def start(self) -> "Running":
        """Start sending."""
        argv = [
            "wrk", "-t1", f"-c{self.connections}", f"-d{self.seconds}s", "--timeout", f"{_TIMEOUT_SECONDS}s",
            "-s", str(_SCRIPT), f"http://127.0.0.1:{self.port}", "--",
            *(f"{name}={value}" for name, value in self.words.items()),
        ]  # fmt: skip
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return Running(process=process, longest=self.seconds + _GRACE_SECONDS)

    def run(self) -> "Answered":
        """Send, and return what came of it."""
        return self.start().wait()


@dataclass(frozen=True, slots=True)
class Answered:
    """What wrk saw. `refused` are answers with a status of 400 and above; `timeouts` took longer than two seconds.

    A load that ends by itself (`most`) has no percentiles; `counted` is then how many were answered 200, `seconds` runs
    from the first request to the last answer, and `sold_seconds` to the 200 that was asked for by `sold`.
    """

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    refused: int
    timeouts: int
    broken: int
    counted: str
    sold_seconds: float

    @property
    def per_second(self) -> float:
        """Answers in a second, whatever they said."""
        return self.requests / self.seconds if self.seconds else 0.0

    def values(self, name: str = "") -> dict[str, float]:
        """Return its figures by name, for a table."""
        times = {"p50_ms": self.p50_ms, "p99_ms": self.p99_ms} if self.requests else {}
        found = {
            "per_second": self.per_second,
            **times,
            "refused": self.refused,
            "timeouts": self.timeouts,
            "broken": self.broken,
        }
        return {f"{name}{each}": value for each, value in found.items()}


@dataclass(frozen=True, slots=True)
class Running:
    """A load under way."""

    process: subprocess.Popen[str]
    longest: float

    def wait(self) -> Answered:
        """Return what came of it. Raises LoadFailed."""
        try:
            said, _ = self.process.communicate(timeout=self.longest)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise LoadFailed("wrk did not stop by itself.") from None
        for line in reversed(said.splitlines()):
            if line.startswith("RESULT "):
                result: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
                return Answered(**result)
        raise LoadFailed(f"wrk ended without a result:\n{said}")


def is_installed() -> bool:
    """Whether there is a wrk to run."""
    return shutil.which("wrk") is not None

"""How evenly a thousand tabs ask around an opening: tabs that do what htmx does, on a demo that runs.

`python -m tests.bench.polling [TABS]` takes two minutes, and writes its histogram into docs/pages.md. Every tab opens
the page about a minute before the opening and then asks for the panel after the delay that it was given: a new one with
each 200, the one it has with each 304. In the 20 seconds around the opening, no second may be asked more than twice the
mean.
"""

import asyncio
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from sales.domain import phases, polling  # noqa: E402
from sales.domain.states import LedgerState  # noqa: E402
from sales.management.demo_children import PROJECT  # noqa: E402
from tests.running_demo import SLUG, started  # noqa: E402

PAGES = PROJECT / "docs" / "pages.md"
BEGIN, END = "<!-- polling: written by python -m tests.bench.polling -->", "<!-- end of polling -->"
AROUND = range(-10, 10)
OPEN_BEFORE, STARTING, COME_WITHIN = 60, 45, 2.0  # seconds: tabs are open, for all to start, in which they come
CONNECTIONS = 200  # that the tabs share, each held open
RUNS = 200  # simulated; the worst of them is told
DELAY = re.compile(rb'data-delay="(\d+)"')
ETAG = re.compile(rb"(?im)^etag: (.*?)\r$")
LENGTH = re.compile(rb"(?im)^content-length: (\d+)\r$")


@dataclass(slots=True)
class Answered:
    """What tabs met, together."""

    asked: Counter[int] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0


class Connections:
    """Keep-alive connections to the shop, lent to whoever asks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._lent = asyncio.Semaphore(CONNECTIONS)

    async def get(self, path: str, etag: bytes = b"") -> tuple[int, bytes, bytes]:
        """Return status, head and body; once more on a connection that the server closed meanwhile."""
        async with self._lent:
            while True:
                kept = bool(self._free)
                pair = self._free.pop() if kept else await asyncio.open_connection("localhost", self.port)
                try:
                    answer = await self._ask(*pair, path, etag)
                except (ConnectionError, asyncio.IncompleteReadError):
                    pair[1].close()
                    if not kept:
                        raise
                    continue
                self._free.append(pair)
                return answer

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, etag: bytes
    ) -> tuple[int, bytes, bytes]:
        condition = b"If-None-Match: " + etag + b"\r\n" if etag else b""
        writer.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (path.encode(), condition))
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        status = int(head.split(maxsplit=2)[1])
        body = await reader.readexactly(int(length[1])) if length and status != 304 else b""
        return status, head, body


async def tab(connections: Connections, opens_at: float, until: float, told: Answered) -> None:
    """Open the page, then ask as htmx does."""
    await asyncio.sleep(random.uniform(0, COME_WITHIN))
    status, _, body = await connections.get(f"/sales/{SLUG}/")
    found = DELAY.search(body)
    if not found:
        raise RuntimeError(f"The page of the sale was answered with {status}, and without a delay.")
    delay, etag = int(found[1]) / 1_000, b""
    while True:
        await asyncio.sleep(delay)
        asked = time.time()
        if asked > until:
            return
        told.asked[int((asked - opens_at) // 1)] += 1
        status, head, body = await connections.get(f"/sales/{SLUG}/panel", etag)
        told.statuses[status] += 1
        told.slowest = max(told.slowest, time.time() - asked)
        if status == 200:
            found, mark = DELAY.search(body), ETAG.search(head)
            delay = int(found[1]) / 1_000 if found else 3_600.0
            etag = mark[1] if mark else b""


def measured(tabs: int) -> Answered:
    """Let this many tabs wait for the opening of a demo's sale."""

    async def run(port: int, opens_at: float) -> Answered:
        await asyncio.sleep(max(opens_at - OPEN_BEFORE - COME_WITHIN / 2 - time.time(), 0))
        connections, told, until = Connections(port), Answered(), opens_at + AROUND.stop
        await asyncio.gather(*(tab(connections, opens_at, until, told) for _ in range(tabs)))
        return told

    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder), opens_in=OPEN_BEFORE + STARTING) as demo,
    ):
        _, sale = demo.ask(f"/api/flashsale/status/{SLUG}")
        opens_at = datetime.fromisoformat(sale["startTime"]).timestamp()
        return asyncio.run(run(demo.port, opens_at))


def simulated(tabs: int, draw: random.Random) -> list[int]:
    """The same without a server: each tab draws from the step of its moment, and keeps its delay within the step."""
    asked: Counter[int] = Counter()
    for _ in range(tabs):
        now, step, delay = -OPEN_BEFORE * 1_000 + draw.randrange(int(COME_WITHIN * 1_000)), None, 0
        while now < AROUND.stop * 1_000:
            here = step_at(now)
            if here is not step:
                step, delay = here, here.drawn(draw.random())
            now += delay
            asked[now // 1_000] += 1
    return [asked[second] for second in AROUND]


def step_at(since_opening_ms: int) -> polling.Step:
    """The step of a sale that is far from sold out."""
    phase = phases.of(state=LedgerState.OPEN, now_ms=since_opening_ms, opens_ms=0, closes_ms=3_600_000, left=100)
    step = polling.step(phase=phase, to_opening_ms=-since_opening_ms, held=0)
    assert step
    return step


def ratio(bins: list[int]) -> float:
    """How far the fullest second is above the mean."""
    return max(bins) * len(bins) / sum(bins)


def report(tabs: int, told: Answered, worst: float) -> str:
    """Write it for people."""
    bins = [told.asked[second] for second in AROUND]
    wide = max(bins)
    drawn = zip(AROUND, bins, strict=True)
    lines = [f"{second:>4} s  {'#' * round(50 * count / wide):<50} {count:>4}" for second, count in drawn]
    statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(told.statuses.items()))
    summary = (
        f"The fullest second has {ratio(bins):.2f} times the mean of {sum(bins) / len(bins):.0f}; 2 is the limit."
        f" Answers: {statuses}; the slowest took {told.slowest * 1_000:.0f} ms."
        f" In {RUNS} simulated openings the worst second had {worst:.2f} times the mean."
    )
    intro = f"{tabs:,} tabs on a running demo, asking in each second around the opening:"
    return "\n".join([intro, "", "```", *lines, "```", "", summary])


def main() -> None:
    """Measure, write it down, and fail where tabs stampede."""
    tabs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    worst = max(ratio(simulated(tabs, random.Random(seed))) for seed in range(RUNS))
    sys.stdout.write(f"Simulated: the worst second of {RUNS} openings has {worst:.2f} times the mean.\n")
    sys.stdout.flush()
    told = measured(tabs)
    text = report(tabs, told, worst)
    sys.stdout.write(text + "\n")
    before, rest = PAGES.read_text().split(BEGIN)
    PAGES.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
    highest = max(worst, ratio([told.asked[second] for second in AROUND]))
    if highest > 2:
        raise SystemExit("Tabs stampede: sales/domain/polling.py says how long they wait.")


if __name__ == "__main__":
    main()

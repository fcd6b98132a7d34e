"""`python -m tests.bench.outages`: how fast a shop is itself again after something was away, and what durability costs.

Takes three to six minutes. It starts everything that it measures, on loopback, in folders that are gone afterwards. A
full run writes `docs/benchmarks/outages.md` and the figures of `docs/reliability.md`; `--quick` shows that all of it
runs. Each part is a process with settings of its own; what they measure is in `outage_parts`.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from flashsale_site.environment import PROJECT
from tests import postgres
from tests.bench import environment, machine, outage_report, processes
from tests.bench.outage_report import Row

DOCS = PROJECT / "docs" / "benchmarks"
PARTS = ("cold", "ledger", "sqlite", "postgresql")
ROUNDS, BUYERS, FEW = 3, 100_000, 5_000
_SECONDS = 90.0  # after these a part begins no other round of a drain
_LONGEST_SECONDS = 130.0  # of a part with so many buyers; then it is stopped
_COLD_SECONDS = 30.0  # after these it starts no other time
_STOP_SECONDS = 20.0
_WIDTH = 130
_ROW = "ROW "


def main(words: Sequence[str]) -> int:
    """Run every part, print, and write where asked; return the exit code."""
    options = _options(words)
    if options.part:
        return _measure(options.part, buyers=options.buyers, rounds=options.rounds)
    busy = machine.cpu_seconds_of_all()
    time.sleep(1)
    busy = machine.cpu_seconds_of_all() - busy
    where = machine.look(folder=Path(tempfile.gettempdir()), cores_busy=busy)
    rows: list[Row] = []
    failed: list[str] = []
    console = Console()
    console.width = max(console.width, _WIDTH)
    rounds, buyers = (1, FEW) if options.quick else (ROUNDS, options.buyers)
    for part in options.only or PARTS:
        console.print(f"{part} …")
        found, why = _part(part, rounds=rounds, buyers=buyers)
        rows += found
        failed += [f"{part}: {why}"] if why else []
    lines = outage_report.lines_of(where, quick=options.quick, failed=failed)
    outage_report.show(console, lines, rows)
    to = options.to or (None if options.quick or options.only else DOCS)
    if to:
        outage_report.write(to, where, lines, rows)
        if to == DOCS:
            outage_report.write_figures(outage_report.BOOK, where, rows)
        console.print(f"Written to {to}.")
    return 1 if failed else 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.outages", description="Measure outages.")
    parser.add_argument("--quick", action="store_true", help="small and once: shows that it runs, measures nothing")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone; may be repeated")
    parser.add_argument("--to", type=Path, help=f"folder for the results (a full run: {DOCS.relative_to(PROJECT)})")
    parser.add_argument("--buyers", type=int, default=BUYERS, help="how many buy before the ledger is killed")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _part(part: str, *, rounds: int, buyers: int) -> tuple[list[Row], str]:
    """Measure a part in a process of its own; return what it told, and a sentence where it failed."""
    argv = [sys.executable, "-m", "tests.bench.outages", "--part", part, f"--rounds={rounds}", f"--buyers={buyers}"]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            said, wrong = child.communicate(timeout=_LONGEST_SECONDS * max(1.0, buyers / BUYERS))
        except subprocess.TimeoutExpired:
            child.terminate()  # it stops what it started, and what it told until now counts
            try:
                said, wrong = child.communicate(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()  # what it started is tied to it and ends, too
                said, wrong = child.communicate()
    rows = [json.loads(line.removeprefix(_ROW)) for line in said.splitlines() if line.startswith(_ROW)]
    last = (wrong.strip().splitlines() or ["it ended"])[-1]
    return [(scenario, condition, values) for scenario, condition, values in rows], last if child.returncode else ""


def _measure(part: str, *, rounds: int, buyers: int) -> int:
    """Be the process of one part: tell each row as soon as it is known."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("It took too long and was stopped."))
    folder = Path(tempfile.mkdtemp(prefix="flashsale-outages-"))
    try:
        with ExitStack() as started:
            for row in _rows(part, folder, started, rounds=rounds, buyers=buyers):
                sys.stdout.write(f"{_ROW}{json.dumps(row)}\n")
                sys.stdout.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _rows(part: str, folder: Path, started: ExitStack, *, rounds: int, buyers: int) -> Iterator[Row]:
    if part == "cold":
        yield from _cold(folder, rounds=rounds)
        return
    url = ""
    if part == "postgresql":
        binaries = postgres.binaries()
        if binaries is None:
            sys.exit(postgres.NOT_INSTALLED)
        url = started.enter_context(postgres.cluster(binaries))
    environment.settle(folder, database_url=url)
    from tests.bench import outage_parts  # noqa: PLC0415 (it needs the settings, which were made just now)

    if part == "ledger":
        yield from outage_parts.durability(folder, rounds=rounds, seconds=1.0)
    else:
        name = "PostgreSQL" if url else "SQLite"
        yield from outage_parts.of_database(folder, name=name, buyers=buyers, rounds=rounds, seconds=_SECONDS)


def _cold(folder: Path, *, rounds: int) -> Iterator[Row]:
    """Start the whole demo: in an empty folder first, then where everything was stopped."""
    until = time.monotonic() + _COLD_SECONDS
    for number in range(rounds + 1):
        if number > 1 and time.monotonic() > until:
            return
        port = processes.free_port()
        argv = [sys.executable, "manage.py", "demo", f"--data={folder / 'demo'}", f"--port={port}"]
        began = time.monotonic()
        with processes.start(name="demo", argv=argv, folder=folder, env={"ENV_FILE": ""}) as demo:
            demo.until_it_answers(port=port, path="/ready")
            took = time.monotonic() - began
        yield "cold", "everything was stopped" if number else "the very first start", {"seconds": took}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

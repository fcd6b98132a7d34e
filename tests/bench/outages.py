"""`python -m tests.bench.outages`: how fast a shop is itself again after something was away, and what durability costs.

Takes three to six minutes. It starts everything that it measures, on loopback, in folders that are
gone afterwards. A full run writes `outages.md` and `outages.json` in `docs/benchmarks`; `--quick` only shows that
all of it runs. Each part is a process with settings of its own; what they measure is in `outage_parts`.
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
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from flashsale_site.environment import PROJECT
from tests import postgres
from tests.bench import environment, machine, processes
from tests.bench.aims import short
from tests.bench.machine import Machine

DOCS = PROJECT / "docs" / "benchmarks"
PARTS = ("cold", "ledger", "sqlite", "postgresql")
ROUNDS, BUYERS, FEW = 3, 100_000, 5_000
_SECONDS = 90.0  # after these a part begins no other round of a drain
_LONGEST_SECONDS = 130.0  # of a part with so many buyers; then it is stopped
_STOP_SECONDS = 20.0
_WIDTH = 130
_ROW = "ROW "

type Row = tuple[str, str, dict[str, float]]

_HEADINGS = {
    "cold": ("From the start of `make run` until `/ready` answers 200", {"seconds": "s"}),
    "recovery": (
        "The ledger killed (`kill -9`) and started again",
        {"reads_file_s": "s to read its file", "sells_after_s": "s then until it sells"},
    ),
    "lag": (
        "From accepted to recorded, under load",
        {"per_second": "purchases/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms"},
    ),
    "drain": (
        "A backlog sold at full speed while nothing was recorded",
        {
            "sold_per_second": "sold/s",
            "per_second": "then recorded/s",
            "seconds": "s until all on record",
            "cpu_keeper_us": "CPU µs of the keeper per order",
        },
    ),
    "durability": (
        "The ledger alone, purchases sent together over one connection",
        {"always": "`always`: purchases/s", "none": "nothing on disk: purchases/s", "cost_percent": "cost %"},
    ),
}


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
    lines = [*_said(where, quick=options.quick), *(f"Failed or left out: {each}" for each in failed)]
    for line in lines:
        console.print(line, markup=False)
    for heading, heads, cells in _tables(rows):
        table = Table(*heads, title=heading, title_justify="left")
        for each in cells:
            table.add_row(*each)
        console.print(table)
    to = options.to or (None if options.quick or options.only else DOCS)
    if to:
        _write(to, where, lines, rows)
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
    for number in range(rounds + 1):
        port = processes.free_port()
        argv = [sys.executable, "manage.py", "demo", f"--data={folder / 'demo'}", f"--port={port}"]
        began = time.monotonic()
        with processes.start(name="demo", argv=argv, folder=folder, env={"ENV_FILE": ""}) as demo:
            demo.until_it_answers(port=port, path="/ready")
            took = time.monotonic() - began
        yield "cold", "everything was stopped" if number else "the very first start", {"seconds": took}


def _tables(rows: Sequence[Row]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Return for each scenario its heading, the heads of its columns, and the medians of its rounds."""
    for scenario, (heading, columns) in _HEADINGS.items():
        cells = []
        for condition in dict.fromkeys(each for what, each, _ in rows if what == scenario):
            found = [values for what, each, values in rows if (what, each) == (scenario, condition)]
            medians = [short(median(values[name] for values in found)) for name in columns]
            cells.append([condition, *medians, str(len(found))])
        if cells:
            yield heading, ["", *columns.values(), "rounds"], cells


def _said(where: Machine, *, quick: bool) -> list[str]:
    lines = [
        f"{where.began_at}, commit {where.commit}.",
        f"{where.processor}, {where.cores} cores, {where.memory_gib:g} GiB; {where.system}; files on {where.disk}.",
        ", ".join(f"{name} {number}" for name, number in where.versions.items()) + ".",
        "Medians of the rounds; every round is in `outages.json`. Nothing is random but the order ids.",
        (
            f"The machine was quiet at the start: load average {where.load:g}."
            if where.is_quiet
            else f"The machine was not quiet at the start: load average {where.load:g}, others kept "
            f"{where.cores_busy:g} cores busy. It can do better than this."
        ),
    ]
    return [*lines, "A quick run: it shows that all of it runs, and measures nothing."] if quick else lines


def _write(folder: Path, where: Machine, lines: Sequence[str], rows: Sequence[Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"machine": asdict(where), "rows": [[*row[:2], _rounded(row[2])] for row in rows]}
    (folder / "outages.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    text = ["# Outages", "", "Written by `python -m tests.bench.outages`.", "", *(f"- {line}" for line in lines)]
    for heading, heads, cells in _tables(rows):
        marks = ["---", *["---:"] * (len(heads) - 1)]
        text += ["", f"## {heading}", "", *(f"| {' | '.join(line)} |" for line in (heads, marks, *cells))]
    (folder / "outages.md").write_text("\n".join(text) + "\n")


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.5g}") for name, value in values.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

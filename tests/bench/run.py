"""`python -m tests.bench.run`: every benchmark, side by side in one run; `make bench` calls it.

Starts everything that it measures, on loopback, in a folder of its own that is gone afterwards. A full run writes to
`docs/benchmarks`; a quick one, or one of a few scenarios, only prints, unless `--to` names a folder.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flashsale_site.environment import PROJECT
from tests.bench import chart, contestants, environment, machine, processes, report, wrk
from tests.bench.cases import FULL, QUICK, Figure, Pace, carry_out

if TYPE_CHECKING:
    from tests.bench.contestants import Contestant
    from tests.bench.field import Field

DOCS = PROJECT / "docs" / "benchmarks"
_WIDTH = 150  # of the tables; a narrower terminal wraps them, which is better than cutting words
ONE_ROUND = frozenset({"sellout"})  # each is as long as many rounds of anything else
LATE_SECONDS = 16 * 60.0  # from then on, one round of each scenario that is left: all of it is done within 20 minutes
NAMES = ("durability", "purchases", "passes", "sellout", "refusals", "reads", "mixed", "logins", "buyers")


def main(words: Sequence[str]) -> int:
    """Run, print, and write where asked; return the exit code."""
    options = _options(words)
    if not wrk.is_installed():
        sys.exit("wrk is not installed (apt-get install wrk), and everything here is measured with it.")
    pace = QUICK if options.quick else FULL
    pace = replace(pace, rounds=options.rounds or pace.rounds, seconds=options.seconds or pace.seconds)
    console = Console()
    console.width = max(console.width, _WIDTH)
    busy = machine.cpu_seconds_of_all()
    time.sleep(1)
    busy = machine.cpu_seconds_of_all() - busy
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # with everything that was started
    folder = Path(tempfile.mkdtemp(prefix="flashsale-bench-"))
    try:
        where = machine.look(folder=folder, cores_busy=busy)
        figures, left_out = _run(folder, pace, options.only or list(NAMES), console)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results = report.Results(machine=where, pace=pace, figures=figures, left_out=left_out)
    report.show(results, console)
    to = options.to or (None if options.quick or options.only else DOCS)
    if to:
        _write(results, to, console)
    return 1 if any("which failed" in each for each in left_out) else 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description="Measure everything side by side.")
    parser.add_argument("--quick", action="store_true", help="short rounds: shows that it runs, compares nothing")
    parser.add_argument("--rounds", type=int, choices=range(1, 21), metavar="N", help="how often each case is fired")
    parser.add_argument("--seconds", type=int, choices=range(1, 31), metavar="N", help="how long each load lasts")
    parser.add_argument("--only", action="append", choices=NAMES, help="this scenario alone; may be repeated")
    parser.add_argument("--to", type=Path, help=f"folder for the results (a full run: {DOCS.relative_to(PROJECT)})")
    return parser.parse_args(words)


def _run(folder: Path, pace: Pace, names: list[str], console: Console) -> tuple[list[Figure], list[str]]:
    """Start everything, carry out the scenarios, stop everything."""
    environment.settle(folder)
    from tests.bench import scenarios  # noqa: PLC0415 (it needs the settings, which were made just now)
    from tests.bench.field import warm_up  # noqa: PLC0415

    processes.allow_many_connections()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    figures: list[Figure] = []
    began = time.monotonic()
    with (
        ExitStack() as everything,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        starting = progress.add_task("starting everything", total=None)
        field, left_out = _started(folder, pace, everything)
        progress.update(starting, description="warming up")
        warm_up(field)
        progress.remove_task(starting)
        for name in NAMES:
            if name not in names:
                continue
            rounds = 1 if name in ONE_ROUND or time.monotonic() > began + LATE_SECONDS else pace.rounds
            try:
                figures += carry_out(name, scenarios.ALL[name](field), rounds=rounds, progress=progress)
            except Exception as failed:  # noqa: BLE001 - a quarter of an hour is not thrown away for it
                console.print_exception()
                left_out.append(f"{name}, which failed ({type(failed).__name__}: {failed})")
    return figures, left_out


def _started(folder: Path, pace: Pace, everything: ExitStack) -> tuple["Field", list[str]]:
    """Start what is installed; return it, and a sentence for each that is not."""
    from tests.bench import shop  # noqa: PLC0415
    from tests.bench.field import Field  # noqa: PLC0415

    ours = everything.enter_context(shop.running(folder))
    lane, plain = everything.enter_context(shop.lane(ours)), everything.enter_context(shop.plain(ours))
    others: list[Contestant] = []
    left_out: list[str] = []
    for start in (contestants.express, contestants.rowlock):
        try:
            others.append(everything.enter_context(start(folder)))
        except processes.DidNotStart as why:
            left_out.append(f"{start.__name__}: {why}")
    constants = [
        everything.enter_context(contestants.constant(folder, name=name, title=title, words=words))
        for name, title, words in contestants.CONSTANTS
    ]
    field = Field(shop=ours, lane=lane, plain=plain, others=others, constants=constants, pace=pace)
    return field, left_out


def _write(results: report.Results, folder: Path, console: Console) -> None:
    report.write(results, folder)
    svg, png = folder / "chart.svg", folder / "chart.png"
    svg.write_text(chart.draw(results.figures, note=report.circumstances(results)))
    if not chart.photograph(svg, png):
        console.print("Chromium is not installed or failed, so there is no new chart.png.")
    console.print(f"Written to {folder}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Results in words: tables for the terminal and for `docs/benchmarks/README.md`, and all figures as JSON.

The README is written by hand but for what stands between its two marks. Not here: the chart (`chart`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import aims
from tests.bench.aims import short
from tests.bench.cases import Figure, Pace
from tests.bench.machine import Machine

BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- end of the results -->"
type Rows = list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run."""

    machine: Machine
    pace: Pace
    figures: Sequence[Figure]
    left_out: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """How a scenario is told: its heading, and its columns (name of the value, heading)."""

    heading: str
    columns: tuple[tuple[str, str], ...]


_SPEED = (("per_second", "per second"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), ("timeouts", "time-outs"))
_BUYING = (*_SPEED, ("failed", "refused"))
_COST = (
    ("cpu_web_us", "CPU µs, server"),
    ("cpu_store_us", "CPU µs, ledger or store"),
    ("cpu_cache_us", "CPU µs, cache"),
    ("cpu_keeper_us", "CPU µs, keeper"),
)

_PARTS = {
    "purchases": _Part("Purchases", (*_BUYING, *_COST, ("recorded_after_s", "all on record after s"))),
    "sellout": _Part(
        "Selling a stock out",
        (
            ("sold_per_second", "units sold per second"),
            ("seconds_to_sell", "seconds until sold out"),
            ("seconds_to_answer_all", "seconds until all were answered"),
            ("failed", "rounds that did not sell out"),
        ),
    ),
    "refusals": _Part("Refusals when sold out", (*_SPEED, *_COST[:3], ("failed", "other answers"))),
    "reads": _Part("Reads", (*_SPEED, *_COST[:2], ("failed", "refused"))),
    "mixed": _Part(
        "Everything at once: 64 buyers, 1,000 page views/s, 2,000 polls/s",
        (
            ("per_second", "purchases/s"),
            ("p50_ms", "p50 ms"),
            ("p99_ms", "p99 ms"),
            ("timeouts", "time-outs"),
            ("failed", "refused"),
            ("pages_per_second", "views/s"),
            ("pages_p99_ms", "views p99 ms"),
            ("signed_in_per_second", "signed-in views/s"),
            ("signed_in_p99_ms", "signed-in p99 ms"),
            ("polls_per_second", "polls/s"),
            ("polls_p99_ms", "polls p99 ms"),
        ),
    ),
    "logins": _Part(
        "Purchases while people sign in",
        (*_BUYING, ("logins_per_second", "sign-ins answered/s"), ("logins_refused", "of these told to wait")),
    ),
    "passes": _Part("Purchases with the pass of a page", (*_BUYING, *_COST[:3])),
    "durability": _Part("What it costs to have every purchase on disk before it is answered", _BUYING),
    "buyers": _Part("Few and many buyers in the ledger", (*_SPEED[:3], ("bytes_per_buyer", "ledger bytes per buyer"))),
}


def tables(figures: Sequence[Figure]) -> Iterable[tuple[str, list[str], Rows]]:
    """Return for each scenario its heading, the heads of its columns and its rows; what has no value is left out."""
    for scenario, part in _PARTS.items():
        found = [each for each in figures if each.scenario == scenario]
        columns = [(name, head) for name, head in part.columns if any(each.get(name) is not None for each in found)]
        rows = [[each.title, each.condition, *(_cell(each.get(name)) for name, _ in columns)] for each in found]
        if rows:
            yield part.heading, ["", "", *(head for _, head in columns)], rows


def _cell(value: float | None) -> str:
    return "" if value is None else short(value)


def _aims(results: Results) -> tuple[list[str], Rows]:
    """Return what was aimed at and reached; a quick run says nothing of that."""
    found = [] if results.pace.quick else aims.of(results.figures)
    rows = [[each.what, each.must, each.goal, each.measured, each.reached, each.short_by] for each in found]
    return ["", "must", "goal", "measured", "reached", "short by"], rows


def show(results: Results, console: Console) -> None:
    """Print every table."""
    for line in _said(results):
        console.print(line, markup=False)
    parts = list(tables(results.figures))
    heads, rows = _aims(results)
    for heading, columns, lines in (*parts, *([("Aims", heads, rows)] if rows else [])):
        table = Table(*columns, title=heading, title_justify="left")
        for cells in lines:
            table.add_row(*cells)
        console.print(table)


def write(results: Results, folder: Path) -> None:
    """Write README.md (between its marks) and results.json."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "machine": asdict(results.machine),
        "pace": asdict(results.pace),
        "left_out": list(results.left_out),
        "figures": [asdict(each) for each in results.figures],
    }
    (folder / "results.json").write_text(json.dumps(_rounded(told), indent=1, ensure_ascii=False) + "\n")
    readme = folder / "README.md"
    text = readme.read_text() if readme.exists() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n\n{_markdown(results)}\n{END}{after}")


def _markdown(results: Results) -> str:
    said = "".join(f"- {line}\n" for line in _said(results))
    parts = [f"### What was measured on\n\n{said}"]
    heads, rows = _aims(results)
    if rows:
        parts.append(f"### Aims\n\n{_table(heads, rows)}")
    parts += [f"### {heading}\n\n{_table(columns, lines)}" for heading, columns, lines in tables(results.figures)]
    return "\n".join(parts)


def _table(heads: list[str], rows: Rows) -> str:
    words = [0 if not heads[column] or heads[column] == "reached" else 1 for column in range(len(heads))]
    marks = ["---:" if right else "---" for right in words]
    return "".join(f"| {' | '.join(line)} |\n" for line in (heads, marks, *rows))


def _said(results: Results) -> list[str]:
    machine, pace = results.machine, results.pace
    lines = [
        f"{machine.began_at}, commit {machine.commit}.",
        (
            f"{machine.processor}, {machine.cores} cores, {machine.memory_gib:g} GiB; {machine.system}; "
            f"the ledger's file on {machine.disk or 'an unknown file system'}."
        ),
        ", ".join(f"{name} {number}" for name, number in machine.versions.items()) + ".",
        (
            f"{'One round' if pace.rounds == 1 else f'Medians of {pace.rounds} rounds'} of {pace.seconds} s each; "
            "time-outs and failures are sums."
        ),
    ]
    fewer = {each.scenario for each in results.figures if len(each.rounds) < pace.rounds}
    if fewer:
        names = ", ".join(part.heading for name, part in _PARTS.items() if name in fewer)
        lines.append(f"One round only of: {names}.")
    if pace.quick:
        lines.append("A quick run: loads too short and too few to compare anything with. It shows that all of it runs.")
    if not machine.is_quiet:
        lines.append(
            f"The machine was not quiet at the start: load average {machine.load:g}, others kept "
            f"{machine.cores_busy:g} cores busy. The figures are lower than the machine can do, and less even."
        )
    else:
        lines.append(f"The machine was quiet at the start: load average {machine.load:g}.")
    lines += [f"Left out: {each}." for each in results.left_out]
    return lines


def circumstances(results: Results) -> str:
    """Return in a line what a chart must not be shown without."""
    machine = results.machine
    commit, changed, _ = machine.commit.partition(",")
    line = (
        f"{machine.cores} cores, load generator included; commit {commit}{'+' if changed else ''}, {machine.began_at}"
    )
    if results.pace.quick:
        return f"A QUICK RUN, NOT FOR COMPARISON. {line}"
    return line if machine.is_quiet else f"{line}; the machine was not quiet"


def _rounded(told: object) -> object:
    if isinstance(told, float):
        return float(f"{told:.5g}")
    if isinstance(told, dict):
        return {name: _rounded(value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [_rounded(each) for each in told]
    return told

"""What `outages` found, in words: tables, `outages.md` and `.json`, and the section Figures of the book of promises."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from flashsale_site.environment import PROJECT
from tests.bench.aims import short
from tests.bench.machine import Machine

BOOK = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: written by `python -m tests.bench.outages` -->", "<!-- end of the figures -->"

type Row = tuple[str, str, dict[str, float]]
"""What was measured, under what condition, and the values of one round."""

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
_SENTENCES = (
    ("recovery", "Selling again after a killed ledger is up (aim: 5 s)", "{sells_after_s} s"),
    ("drain", "Draining a backlog (aim: 5,000 orders/s)", "{per_second} orders/s, {cpu_keeper_us} µs of CPU each"),
    ("lag", "From accepted to recorded, p50 and p99 (aim: 300 and 2,000 ms)", "{p50_ms} and {p99_ms} ms"),
    ("durability", "What `appendfsync always` costs the ledger by itself", "{cost_percent} %"),
    ("cold", "From start to ready (aim: 10 s)", "{seconds} s"),
)


def show(console: Console, lines: Sequence[str], rows: Sequence[Row]) -> None:
    """Print every table."""
    for line in lines:
        console.print(line, markup=False)
    for heading, heads, cells in _tables(rows):
        table = Table(*heads, title=heading, title_justify="left")
        for each in cells:
            table.add_row(*each)
        console.print(table)


def lines_of(where: Machine, *, quick: bool, failed: Sequence[str]) -> list[str]:
    """Say what was measured on, and what was not."""
    lines = [
        f"{where.began_at}, commit {where.commit}.",
        f"{where.processor}, {where.cores} cores, {where.memory_gib:g} GiB; {where.system}; files on {where.disk}.",
        ", ".join(f"{name} {number}" for name, number in where.versions.items()) + ".",
        "Medians of the rounds; every round is in `outages.json`. Nothing is random but the order ids.",
        _quiet(where),
    ]
    if quick:
        lines.append("A quick run: it shows that all of it runs, and measures nothing.")
    return [*lines, *(f"Failed or left out: {each}" for each in failed)]


def write(folder: Path, where: Machine, lines: Sequence[str], rows: Sequence[Row]) -> None:
    """Write `outages.md` and `outages.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"machine": asdict(where), "rows": [[*row[:2], _rounded(row[2])] for row in rows]}
    (folder / "outages.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    text = ["# Outages", "", "Written by `python -m tests.bench.outages`.", "", *(f"- {line}" for line in lines)]
    for heading, heads, cells in _tables(rows):
        marks = ["---", *["---:"] * (len(heads) - 1)]
        text += ["", f"## {heading}", "", *(f"| {' | '.join(line)} |" for line in (heads, marks, *cells))]
    (folder / "outages.md").write_text("\n".join(text) + "\n")


def write_figures(book: Path, where: Machine, rows: Sequence[Row]) -> None:
    """Write the figures that the book of promises has aims for, between its marks."""
    said = [f"- {what}: {found}." for what, found in _figures(rows)]
    on = (
        f"{where.processor}, {where.cores} cores, {where.memory_gib:g} GiB; {where.began_at}, commit {where.commit}; "
        f"medians of up to {max(int(cells[-1]) for *_, table in _tables(rows) for cells in table)} rounds. "
        f"{_quiet(where)} [benchmarks/outages.md](benchmarks/outages.md) has the versions, and each figure by itself."
    )
    text = book.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    book.write_text("\n".join([f"{before}{BEGIN}", "", *said, "", on, f"{END}{after}"]))


def _figures(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for scenario, what, form in _SENTENCES:
        found = [
            f"{form.format(**{name: short(value) for name, value in values.items()})} ({condition})"
            for condition, values, _ in _medians(rows, scenario)
        ]
        if found:
            yield what, "; ".join(found)


def _medians(rows: Sequence[Row], scenario: str) -> Iterator[tuple[str, dict[str, float], int]]:
    """Return for each condition the medians of its values, and of how many rounds they are."""
    for condition in dict.fromkeys(each for what, each, _ in rows if what == scenario):
        found = [values for what, each, values in rows if (what, each) == (scenario, condition)]
        yield condition, {name: median(values[name] for values in found) for name in found[0]}, len(found)


def _tables(rows: Sequence[Row]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Return for each scenario its heading, the heads of its columns, and its cells."""
    for scenario, (heading, columns) in _HEADINGS.items():
        cells = [
            [condition, *(short(values[name]) for name in columns), str(rounds)]
            for condition, values, rounds in _medians(rows, scenario)
        ]
        if cells:
            yield heading, ["", *columns.values(), "rounds"], cells


def _quiet(where: Machine) -> str:
    if where.is_quiet:
        return f"The machine was quiet at the start: load average {where.load:g}."
    return (
        f"The machine was not quiet at the start: load average {where.load:g}, others kept {where.cores_busy:g} "
        "cores busy. It can do better than this."
    )


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.5g}") for name, value in values.items()}

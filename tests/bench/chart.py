"""The chart: small panels of bars as one SVG, and the same as PNG through Chromium.

Made by hand, because a library for charts would weigh more than everything else in `tests/bench`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tests.bench.aims import Figures, short
from tests.bench.cases import Figure

_WIDTH, _MARGIN, _GAP = 1_000, 28, 44
_BAR, _STEP, _HEAD = 20, 30, 52
_LABEL = 178
_COLUMN = (_WIDTH - 2 * _MARGIN - _GAP) // 2
_NUMBER = 64
_SELLERS = (
    ("lane", "The lane"),
    ("plain", "Plain Django"),
    ("express", "Express, no persistence"),
    ("rowlock", "PostgreSQL row lock"),
)

_STYLE = """
text { font: 14px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #52625a }
.title { font-size: 21px; font-weight: 650; fill: #10211b }
.head { font-size: 15px; font-weight: 600; fill: #10211b }
.note { font-size: 12.5px }
.number { font-variant-numeric: tabular-nums }
.first { font-weight: 650; fill: #10211b }
.paper { fill: #fff }
.bar { fill: #b4c0b8 }
.ours { fill: #0b6b46 }
@media (prefers-color-scheme: dark) {
  text { fill: #a5b4ab }
  .title, .head, .first { fill: #e9f0ea }
  .paper { fill: #17221d }
  .bar { fill: #4f6057 }
  .ours { fill: #5fd6a0 }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One small chart."""

    head: str
    note: str
    bars: Sequence[tuple[str, str, float]]  # who, label, value


def draw(found: Sequence[Figure], *, note: str) -> str:
    """Return the SVG; panels of which nothing was measured are not there."""
    panels = [panel for panel in _panels(Figures(found)) if panel.bars]
    drawn, heights = [], [_MARGIN + 58, _MARGIN + 58]
    for panel in panels:
        column = 0 if heights[0] <= heights[1] else 1
        drawn.append(_drawn(panel, x=_MARGIN + column * (_COLUMN + _GAP), y=heights[column]))
        heights[column] += _HEAD + len(panel.bars) * _STEP + 30
    height = max(heights)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        f' role="img" aria-label="Benchmarks: the lane beside other ways of selling">\n<style>{_STYLE}</style>\n'
        f'<rect class="paper" width="100%" height="100%"/>\n'
        f'<text class="title" x="{_MARGIN}" y="{_MARGIN + 14}">The lane, beside other ways of selling</text>\n'
        f'<text class="note" x="{_MARGIN}" y="{_MARGIN + 36}">{escape(note)}</text>\n{"".join(drawn)}</svg>\n'
    )


def _panels(figures: Figures) -> list[_Panel]:
    def bars(scenario: str, condition: str, name: str = "per_second") -> list[tuple[str, str, float]]:
        seen = [(who, label, figures.get(scenario, who, condition, name)) for who, label in _SELLERS]
        return [(who, label, value) for who, label, value in seen if value is not None]

    costs = [(who, label, figures.cost(who)) for who, label in _SELLERS]
    mixed = [
        ("lane" if who == "two services" else who, label, figures.get("mixed", who, "nobody", "per_second"))
        for who, label in (("two services", "Two services"), ("lane", "One service"), ("plain", "Plain Django"))
    ]
    more, less = "more is better", "less is better"
    return [
        _Panel(head="Purchases per second", note=f"256 connections; {more}", bars=bars("purchases", "256")),
        _Panel(
            head="Processor time per purchase, µs",
            note=f"server and ledger, 256 connections; {less}",
            bars=[(who, label, value) for who, label, value in costs if value is not None],
        ),
        _Panel(
            head="p99 of a purchase, ms", note=f"1,000 connections; {less}", bars=bars("purchases", "1,000", "p99_ms")
        ),
        _Panel(
            head="Seconds until everything is sold",
            note=f"twice as many shoppers as units; {less}",
            bars=bars("sellout", "", "seconds_to_sell"),
        ),
        _Panel(head="Status reads per second", note=f"256 connections; {more}", bars=bars("reads", "status")),
        _Panel(head="Refusals per second when sold out", note=f"256 connections; {more}", bars=bars("refusals", "")),
        _Panel(
            head="Page views per second, nobody signed in",
            note=f"the sale's whole page; {more}",
            bars=bars("reads", "page, nobody"),
        ),
        _Panel(
            head="Purchases per second beside a crowd",
            note=f"64 buyers, 1,000 views/s, 2,000 polls/s; {more}",
            bars=[(who, label, value) for who, label, value in mixed if value is not None],
        ),
    ]


def _drawn(panel: _Panel, *, x: int, y: int) -> str:
    most = max(value for _, _, value in panel.bars) or 1.0
    room = _COLUMN - _LABEL - _NUMBER
    lines = [
        (
            f'<text class="head" x="{x}" y="{y + 14}">{escape(panel.head)}</text>\n'
            f'<text class="note" x="{x}" y="{y + 32}">{escape(panel.note)}</text>\n'
        )
    ]
    for number, (who, label, value) in enumerate(panel.bars):
        top = y + _HEAD + number * _STEP
        first = " first" if who == "lane" else ""
        long = max(round(room * value / most), 2)
        lines.append(
            f'<text class="label{first}" x="{x}" y="{top + 15}">{escape(label)}</text>'
            f'<rect class="{"ours" if who == "lane" else "bar"}" x="{x + _LABEL}" y="{top}" width="{long}"'
            f' height="{_BAR}" rx="3"/>'
            f'<text class="number{first}" x="{x + _LABEL + long + 8}" y="{top + 15}">{short(value)}</text>\n'
        )
    return "".join(lines)


def photograph(svg: Path, png: Path) -> bool:
    """Make a PNG of an SVG, twice as fine; False where there is no Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        return False
    width, height = _size(svg)
    with tempfile.TemporaryDirectory(prefix="bench-browser-") as profile:
        argv = [
            browser, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-quic",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--force-device-scale-factor=2", f"--user-data-dir={profile}", f"--window-size={width},{height}",
            f"--screenshot={png}", *(["--no-sandbox"] if os.geteuid() == 0 else []), svg.absolute().as_uri(),
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    return done.returncode == 0 and png.exists()


def _size(svg: Path) -> tuple[int, int]:
    head = svg.read_text().partition('viewBox="')[2].partition('"')[0].split()
    return int(head[2]), int(head[3])

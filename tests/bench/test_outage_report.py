"""What is made of the rounds of `outages`: medians, tables, and the section of the book. Nothing is measured here."""

import json
from pathlib import Path

from tests.bench import outage_report
from tests.bench.outage_report import BEGIN, END, Row
from tests.bench.test_results import MACHINE

ROWS: list[Row] = [
    ("recovery", "SQLite, 100,000 buyers", {"reads_file_s": 1.0, "sells_after_s": after}) for after in (0.2, 0.9, 0.4)
]


class TestThePage:
    def test_shows_medians_and_how_many_rounds_they_are_of(self, tmp_path: Path):
        outage_report.write(tmp_path, MACHINE, ["On a machine."], ROWS)

        assert "| SQLite, 100,000 buyers | 1 | 0.40 | 3 |" in (tmp_path / "outages.md").read_text()
        assert len(json.loads((tmp_path / "outages.json").read_text())["rows"]) == 3


class TestTheBook:
    def test_changes_between_its_marks_alone(self, tmp_path: Path):
        book = tmp_path / "book.md"
        book.write_text(f"## Figures\n{BEGIN}\nold\n{END}\n\nAfter.\n")

        outage_report.write_figures(book, MACHINE, ROWS)

        text = book.read_text()
        assert text.startswith("## Figures\n")
        assert text.endswith(f"{END}\n\nAfter.\n")
        assert "old" not in text
        assert "is up (aim: 5 s): 0.40 s (SQLite, 100,000 buyers)." in text

    def test_has_the_marks(self):
        text = outage_report.BOOK.read_text()

        assert (text.count(BEGIN), text.count(END)) == (1, 1)

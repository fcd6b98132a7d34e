"""What is made of the figures: medians, ratios, the page and the chart. Nothing is measured here."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.progress import Progress

from tests.bench import aims, chart, report
from tests.bench.cases import FULL, QUICK, Case, Figure, Pace, carry_out
from tests.bench.machine import Machine
from tests.bench.report import Results

MACHINE = Machine(
    began_at="2026-11-22 12:00 UTC",
    processor="A processor",
    cores=2,
    memory_gib=4.0,
    system="Linux",
    disk="ext4",
    versions={"Python": "3.13.0"},
    commit="0123456789ab",
    load=0.1,
    cores_busy=0.02,
)


def figure(scenario: str, who: str, condition: str, **values: float) -> Figure:
    return Figure(scenario=scenario, who=who, title=who, condition=condition, values=values)


FIGURES = (
    figure("purchases", "lane", "256 connections", per_second=14_000, cpu_web_us=90, cpu_store_us=20, timeouts=0),
    figure("purchases", "express", "256 connections", per_second=4_000, cpu_web_us=240, cpu_store_us=60, timeouts=0),
    figure("purchases", "lane", "1,000 connections", per_second=14_000, p99_ms=180, timeouts=1),
)


def results(pace: Pace = FULL, figures: tuple[Figure, ...] = FIGURES, left_out: tuple[str, ...] = ()) -> Results:
    return Results(machine=MACHINE, pace=pace, figures=figures, left_out=left_out)


class TestRounds:
    def test_are_fired_in_turn(self):
        fired: list[str] = []

        def fire(who: str, number: int) -> dict[str, float]:
            fired.append(who)
            return {"per_second": number}

        cases = [Case(who=who, title=who, condition="", fire=partial(fire, who)) for who in ("a", "b")]

        with Progress(console=Console(quiet=True)) as progress:
            carry_out("turns", cases, rounds=2, progress=progress)

        assert fired == ["a", "b", "a", "b"]

    def test_become_medians_but_no_time_out_is_lost(self):
        rounds = [{"per_second": 10.0, "timeouts": 0.0}, {"per_second": 30.0, "timeouts": 1.0}, {"per_second": 20.0}]
        case = Case(who="a", title="a", condition="", fire=lambda number: rounds[number - 1])

        with Progress(console=Console(quiet=True)) as progress:
            (found,) = carry_out("medians", [case], rounds=3, progress=progress)

        assert found.values == {"per_second": 20.0, "timeouts": 1.0}
        assert found.rounds == tuple(rounds)


class TestAims:
    def reached(self) -> dict[str, tuple[str, str]]:
        return {each.what: (each.measured, each.reached) for each in aims.of(FIGURES)}

    def test_compare_with_the_baseline(self):
        found = self.reached()

        assert found["Purchases/s at 256 connections, against Express without persistence"] == ("3.50×", "yes")
        assert found["CPU per purchase, server and ledger, against it"] == ("0.37×", "yes")

    def test_compare_round_by_round(self):
        """A machine that is slow in one round is slow for both; the medians (20 and 5) would say 4."""
        ours, theirs = (
            replace(figure("purchases", who, "256"), rounds=tuple({"per_second": float(each)} for each in rounds))
            for who, rounds in (("lane", (30, 20, 10)), ("express", (10, 5, 4)))
        )

        assert aims.ratio(ours, theirs) == 3
        assert aims.ratio(ours, replace(theirs, rounds=(*theirs.rounds[:2], {}))) == 3.5
        assert aims.ratio(ours, None) is None

    def test_say_what_was_missed(self):
        assert self.reached()["Time-outs at 1,000 connections"] == ("1", "missed")

    def test_say_by_how_much(self):
        slow = figure("purchases", "lane", "256 connections", per_second=6_000, cpu_web_us=120, cpu_store_us=60)
        short_by = {each.what: each.short_by for each in aims.of((slow, *FIGURES[1:]))}

        assert short_by["Purchases/s at 256 connections, against Express without persistence"] == "50 %"
        assert short_by["CPU per purchase, server and ledger, against it"] == "33 %"
        assert short_by["p99 at 1,000 connections"] == ""

    def test_are_silent_about_what_was_not_measured(self):
        assert not any("Status" in what for what in self.reached())


class TestThePage:
    def test_changes_between_its_marks_alone(self, tmp_path: Path):
        page = tmp_path / "README.md"
        page.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n")

        report.write(results(), tmp_path)

        text = page.read_text()
        assert text.startswith("# Before\n")
        assert text.endswith(f"{report.END}\n\nAfter.\n")
        assert "old" not in text
        assert "| lane | 256 connections | 14,000 |" in text

    def test_tells_of_every_figure_in_numbers_too(self, tmp_path: Path):
        report.write(results(), tmp_path)

        told = json.loads((tmp_path / "results.json").read_text())
        assert len(told["figures"]) == len(FIGURES)
        assert told["machine"]["commit"] == MACHINE.commit

    def test_of_a_quick_run_claims_nothing(self, tmp_path: Path):
        report.write(results(pace=QUICK), tmp_path)

        text = (tmp_path / "README.md").read_text()
        assert "A quick run" in text
        assert "### Aims" not in text

    def test_says_what_had_fewer_rounds(self, tmp_path: Path):
        sold = replace(
            figure("sellout", "lane", "10,000 units", seconds_to_sell=1.0), rounds=({"seconds_to_sell": 1.0},)
        )
        bought = tuple(replace(each, rounds=tuple({"per_second": 1.0} for _ in range(3))) for each in FIGURES)

        report.write(results(figures=(*bought, sold)), tmp_path)

        assert "One round only of: Selling a stock out." in (tmp_path / "README.md").read_text()

    def test_says_what_was_left_out(self, tmp_path: Path):
        report.write(results(left_out=("express: Node and npm are not installed",)), tmp_path)

        assert "Left out: express: Node and npm are not installed." in (tmp_path / "README.md").read_text()


class TestTheChart:
    @pytest.mark.parametrize("figures", [FIGURES, FIGURES[:1], ()], ids=["all", "one", "none"])
    def test_is_well_formed_whatever_was_measured(self, figures: tuple[Figure, ...]):
        drawn = chart.draw(figures, note="2 cores & more")

        assert ElementTree.fromstring(drawn).tag.endswith("svg")

    def test_writes_each_value_beside_its_bar(self):
        assert ">14,000</text>" in chart.draw(FIGURES, note="")

"""Three seeds of the fault runs, and proof that their checks can fail."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.history import History, Record, Row, Told, findings
from tests.faults.run import faults_of, run

SEEDS = range(1, 1 + int(os.environ.get("FAULT_SEEDS", "3")))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_sold_twice_while_things_die(seed: int, tmp_path: Path) -> None:
    happened: list[str] = []

    found = run(seed, count=4, stock=100_000, folder=tmp_path / "demo", say=happened.append)

    assert found == [], f"replay: python -m tests.faults.run --seed {seed} --count 4\n" + "\n".join(happened)


class TestFaults:
    def test_are_the_same_for_the_same_seed(self) -> None:
        assert faults_of(7, 5) == faults_of(7, 5)

    def test_begin_with_the_death_of_the_ledger(self) -> None:
        assert {(faults_of(seed, 3)[0].what, faults_of(seed, 3)[0].target) for seed in range(9)} == {("kill", "ledger")}


EARLY = Told("early", 200, purchase_id="one", unit=1)
LATE = Told("late", 200, purchase_id="two", unit=2)
TRUE = Record(stock=2, recorded=2, rows=(Row("one", "x:demo:early", 1), Row("two", "x:demo:late", 2)))


class TestTheChecks:
    def test_find_nothing_where_all_is_well(self) -> None:
        assert findings(History([EARLY, LATE, Told("third", 400, message="item is sold out")]), TRUE) == []

    @pytest.mark.parametrize(
        ("record", "finding"),
        [
            (replace(TRUE, rows=TRUE.rows[:1], recorded=1), "Lost: late"),
            (replace(TRUE, stock=1), "Oversold: 2 orders"),
            (replace(TRUE, recorded=1), "counts 1 orders, and there are 2"),
            (replace(TRUE, rows=(TRUE.rows[0], replace(TRUE.rows[1], unit=1))), "The unit 1 belongs to 2 purchases"),
            (
                replace(TRUE, rows=(*TRUE.rows, Row("three", "x:demo:x", 3)), recorded=3, stock=3),
                "Nobody was told of three",
            ),
            (replace(TRUE, stock=3), "1 units are left"),
        ],
    )
    def test_find_what_the_record_has_wrong(self, record: Record, finding: str) -> None:
        history = History([EARLY, LATE, Told("third", 400, message="item is sold out")])

        assert any(finding in sentence for sentence in findings(history, record))

    @pytest.mark.parametrize(
        ("told", "finding"),
        [
            (Told("third", 500), "had the status 500"),
            (replace(EARLY, purchase_id="other"), "told 2 different purchases"),
            (replace(LATE, shopper="third", purchase_id="other", unit=1), "The unit 1 belongs to 2 purchases"),
        ],
    )
    def test_find_what_shoppers_were_told_wrong(self, told: Told, finding: str) -> None:
        assert any(finding in sentence for sentence in findings(History([EARLY, LATE, told]), TRUE))

    def test_let_a_shopper_wait_who_was_told_nothing(self) -> None:
        history = History([EARLY, Told("late", 0)])

        assert findings(history, TRUE) == []

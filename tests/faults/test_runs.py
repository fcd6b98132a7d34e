"""Three seeds of the fault runs, and what a seed decides. Proof that their checks can fail is in `test_checks`."""

import os
from pathlib import Path

import pytest

from tests.faults.proxy import Doing
from tests.faults.run import LINKS, LinkFault, faults_of, link_faults_of, orders_of, run

SEEDS = range(1, 1 + int(os.environ.get("FAULT_SEEDS", "3")))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_sold_twice_while_things_die(seed: int, tmp_path: Path) -> None:
    happened: list[str] = []
    stock = 150 if seed % 3 == 0 else 100_000  # some sell out in the middle of it

    found = run(seed, count=4, stock=stock, folder=tmp_path / "demo", say=happened.append)

    replay = f"replay: python -m tests.faults.run --seed {seed} --count 4 --stock {stock}"
    assert found == [], "\n".join([replay, *happened])


class TestFaults:
    def test_are_the_same_for_the_same_seed(self) -> None:
        assert faults_of(7, 5) == faults_of(7, 5)

    def test_begin_with_the_death_of_the_ledger(self) -> None:
        assert {(faults_of(seed, 3)[0].what, faults_of(seed, 3)[0].target) for seed in range(9)} == {("kill", "ledger")}

    def test_of_connections_begin_with_a_lost_answer_of_the_ledger(self) -> None:
        first = {(fault.link, fault.rule.doing, fault.requests, fault.replies) for fault in map(_first_of, range(9))}

        assert first == {("web-ledger", Doing.SWALLOW, False, True)}

    def test_of_connections_are_the_same_for_the_same_seed(self) -> None:
        assert link_faults_of(7, 5) == link_faults_of(7, 5)
        assert orders_of(7) == orders_of(7)

    def test_are_of_every_kind_on_every_link(self) -> None:
        chosen = [fault for seed in range(60) for fault in link_faults_of(seed, 4)]

        assert {fault.rule.doing for fault in chosen} == set(Doing) - {Doing.PASS}
        assert {fault.link for fault in chosen} == set(LINKS)


def _first_of(seed: int) -> LinkFault:
    return link_faults_of(seed, 3)[0]

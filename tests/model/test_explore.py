"""Every interleaving of small worlds keeps every promise; and each loose reading of a rule breaks one."""

import sys

import pytest

from flashsale_site.environment import PROJECT
from tests.model import shopping
from tests.model.explore import explore, main
from tests.model.scopes import BROKEN, LARGE, SMALL
from tests.model.world import Loose

BOOK = (PROJECT / "docs" / "reliability.md").read_text()
BY_COMMAND = {"holds, lower"}  # shoppers keep their names in it, so it takes as long as all others together
LONG = {"TakeoverByReturned"}  # found only after 200,000 states


@pytest.mark.parametrize("name", SMALL)
def test_every_order_of_steps_keeps_every_promise(name: str) -> None:
    found = explore(SMALL[name])

    assert not found.broken, str(found)
    assert found.at_rest > 0
    assert found.figures in BOOK, "docs/reliability.md has other figures"


@pytest.mark.campaign
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", sorted(LARGE.keys() - BY_COMMAND))
def test_so_it_does_in_larger_worlds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = explore(LARGE[name])

    with capsys.disabled():
        sys.stdout.write(f"\n{found.figures}\n")
    assert not found.broken, str(found)
    assert found.at_rest > 0
    assert found.figures in BOOK, "docs/reliability.md has other figures"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.campaign if name in LONG else ()) for name in BROKEN]
)
def test_a_loose_reading_breaks_something(name: str) -> None:
    found = explore(BROKEN[name])

    assert found.broken
    assert found.trace or "round for ever" in found.broken


@pytest.mark.parametrize("name", ["any slot", "flush, wait", "keep back", "three shoppers", "two keepers"])
def test_answers_that_nothing_can_lose_may_be_read_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explore(SMALL[name])
    monkeypatch.setattr(shopping, "reading", lambda _world: None)
    with_every_wait = explore(SMALL[name])

    assert found.states < with_every_wait.states
    assert (found.at_rest, found.broken) == (with_every_wait.at_rest, with_every_wait.broken)


def test_no_loose_reading_is_left_out() -> None:
    assert {reading.name for reading in Loose} <= set(BROKEN)


def test_the_shortest_trace_says_in_plain_words_what_led_there() -> None:
    found = explore(BROKEN["LOWERED_RECORD_FIRST"])

    assert str(found).splitlines() == [
        "lower: I6: the ledger sells 2, and 1 are on record",
        "   1. the admin asks on record for a stock of 1",
    ]


def test_the_command_prints_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["three shoppers"]) == 0

    printed = capsys.readouterr().out
    assert "three shoppers" in printed
    assert "all kept" in printed


def test_the_command_knows_its_scopes() -> None:
    with pytest.raises(SystemExit, match="no scope nowhere"):
        main(["nowhere"])

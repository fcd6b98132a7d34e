"""Each check of a run finds what it is there for: histories and records in which one thing is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checks import findings
from tests.faults.history import History, Question, Record, Row, Told

EARLY = Told(
    shopper="early", status=200, key="only-early", purchase_id="one", unit=1, order_status="pending", asked_ms=10,
    answered_ms=20,
)  # fmt: skip
LATE = Told(
    shopper="late", status=200, key="only-late", purchase_id="two", unit=2, order_status="pending", asked_ms=30,
    answered_ms=40,
)  # fmt: skip
THIRD = Told(shopper="third", status=400, key="only-third", message="item is sold out", asked_ms=500, answered_ms=510)
ONE = Row(order_id="one", shopper="x:demo:early", unit=1, seq=2, taken_ms=15, recorded_ms=100)
TWO = Row(order_id="two", shopper="x:demo:late", unit=2, seq=3, taken_ms=35, recorded_ms=100)
TRUE = Record(stock=2, recorded=2, rows=(ONE, TWO), opens_ms=5, closes_ms=1_000)
READ = Told(
    shopper="early", status=200, question=Question.LOOK_UP, purchase_id="one", order_status="confirmed",
    known=("one",), asked_ms=600, answered_ms=610,
)  # fmt: skip
STORY = (EARLY, LATE, THIRD, READ)


def found(*told: Told, record: Record = TRUE, healed_ms: int = 0) -> str:
    """Return all findings of a story as one text."""
    return "\n".join(findings(History(list(told), healed_ms=healed_ms), record))


class TestChecks:
    def test_find_nothing_where_all_is_well(self) -> None:
        again = [replace(EARLY, asked_ms=700, answered_ms=710, order_status="confirmed"), replace(THIRD, status=503)]

        assert found(*STORY, *again, healed_ms=500) == ""

    @pytest.mark.parametrize(
        ("wrong", "finding"),
        [
            ({"rows": (ONE,), "recorded": 1}, "Lost: late"),
            ({"stock": 1}, "Oversold: 2 orders"),
            ({"recorded": 1}, "counts 1 orders, and there are 2"),
            ({"rows": (ONE, replace(TWO, unit=1))}, "The unit 1 belongs to 2 purchases"),
            ({"rows": (ONE, replace(TWO, unit=3))}, "late was told unit 2, and the record says 3"),
            ({"rows": (ONE, replace(TWO, shopper="x:demo:else"))}, "the record says that it is else's"),
            ({"rows": (ONE, replace(TWO, shopper="x:demo:early"))}, "has 2 orders, and the limit is 1"),
            (
                {"rows": (ONE, TWO, Row(order_id="three", shopper="x:demo:x", unit=3, seq=4)), "stock": 3},
                "Nobody was told of three",
            ),
            ({"stock": 3}, "1 units are left"),
            ({"rows": (ONE, replace(TWO, taken_ms=900))}, "sold out when 1 of 2 units were taken"),
            ({"rows": (ONE, replace(TWO, seq=2))}, "The event 2 belongs to 2 purchases"),
            ({"rows": (replace(ONE, epoch=2), TWO)}, "Event 3 is of epoch 1, after event 2 of epoch 2"),
            ({"opens_ms": 20}, "taken at 15, outside"),
            ({"closes_ms": 35}, "taken at 35, outside"),
            ({"dead_letters": 1}, "1 purchases were refused by the record"),
            ({"rows": (replace(ONE, recorded_ms=700), TWO)}, "one was called confirmed before it was on record"),
        ],
    )
    def test_find_what_the_record_has_wrong(self, wrong: dict[str, Any], finding: str) -> None:
        assert finding in found(*STORY, record=replace(TRUE, **wrong))

    @pytest.mark.parametrize(
        ("told", "finding"),
        [
            (replace(THIRD, status=500), "had the status 500"),
            (replace(EARLY, purchase_id="other"), "told 2 different purchases"),
            (replace(EARLY, purchase_id="other"), "The key ('early', 'only-early') belongs to 2"),
            (replace(EARLY, status=400, purchase_id="other", message="already"), "told 2 different purchases"),
            (replace(LATE, shopper="third", purchase_id="other", unit=1), "The unit 1 belongs to 2 purchases"),
            (
                replace(EARLY, status=400, purchase_id="", asked_ms=50, message="sale has ended"),
                "refused when asking again: sale has ended",
            ),
            (replace(READ, purchase_id="", order_status="", known=()), "a look-up after that did not know of it"),
            (replace(READ, order_status="pending", asked_ms=650), "a look-up after that called it pending"),
        ],
    )
    def test_find_what_shoppers_were_told_wrong(self, told: Told, finding: str) -> None:
        assert finding in found(*STORY, told)

    def test_find_that_nobody_could_buy_any_more(self) -> None:
        assert "Nobody could buy after everything was healed" in found(*STORY, healed_ms=511)

    def test_find_a_second_order_under_one_key(self) -> None:
        record = replace(TRUE, limit=2, rows=(ONE, replace(TWO, shopper="x:demo:early")))

        assert "early has 2 orders, and asked for 1" in found(EARLY, replace(LATE, status=0), record=record)


class TestWhatIsNotKnown:
    def test_lets_a_shopper_wait_who_was_told_nothing(self) -> None:
        assert found(EARLY, replace(LATE, status=0, purchase_id="")) == ""

    def test_is_settled_by_an_answer_that_names_what_they_have_already(self) -> None:
        already = replace(LATE, status=400, unit=0, order_status="", message="you have already purchased this item")

        assert found(EARLY, replace(LATE, status=0, purchase_id=""), already) == ""


class TestSoldOutWithHolds:
    HOLDS = replace(TRUE, hold_seconds=60, rows=(ONE,), recorded=1)
    HELD = replace(LATE, order_status="held")

    def test_may_be_said_while_somebody_holds_the_last_one(self) -> None:
        assert found(EARLY, self.HELD, THIRD, record=self.HOLDS) == ""

    def test_may_be_said_while_nobody_knows_whether_somebody_does(self) -> None:
        assert found(EARLY, replace(LATE, status=0, purchase_id=""), THIRD, record=self.HOLDS) == ""

    def test_may_not_be_said_before_anybody_held_it(self) -> None:
        later = replace(self.HELD, asked_ms=550, answered_ms=560)

        assert "sold out when 1 of 2" in found(EARLY, THIRD, later, record=self.HOLDS)

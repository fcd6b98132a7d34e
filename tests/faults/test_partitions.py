"""Faults between the processes: what is late, lost, cut or reset on the way, and never a purchase too many or too few.

A sale with a limit of two, so that a second order for one wish is possible; each shopper has one wish and one key.
"""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.checks import findings
from tests.faults.history import History
from tests.faults.installation import installed
from tests.faults.proxy import Doing, Rule
from tests.faults.story import LOST_ANSWER, Rules, Story

AT_ONCE = 4
BROKEN = [
    pytest.param({"requests": Rule(Doing.SWALLOW)}, id="requests lost"),
    pytest.param({"requests": Rule(Doing.HOLD)}, id="requests delivered when healed"),
    pytest.param({"requests": Rule(Doing.DELAY, 1.0, 0.3)}, id="requests late"),
    pytest.param({"requests": Rule(Doing.RESET)}, id="requests reset"),
    pytest.param({"replies": Rule(Doing.HALVE)}, id="half a reply"),
    pytest.param({"replies": Rule(Doing.CUT)}, id="reply cut"),
    pytest.param({"replies": Rule(Doing.RESET)}, id="reply reset"),
    pytest.param({"requests": Rule(Doing.SWALLOW), "replies": Rule(Doing.SWALLOW)}, id="nothing arrives"),
]
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One installation for all; what was told in all tests must be true of what is on record at the end."""
    with installed(tmp_path_factory.mktemp("partitions"), stock=10_000, limit=2) as shop:
        telling = Story(shop)
        yield telling
        telling.end()


class TestWebAndLedger:
    @pytest.mark.parametrize("rules", BROKEN)
    def test_that_lose_each_other_answer_in_time_and_settle_it_when_asked_again(
        self, story: Story, rules: Rules
    ) -> None:
        with story.shoppers(AT_ONCE) as people:
            with story.broken(rules, "web-ledger"):
                told = story.all_at_once(*(shopper.buy for shopper in people), people[0].look_up)

            assert 503 in {each.status for each in told}  # of a batch cut in half, somebody has a whole answer
            story.settle(people)

    def test_sell_on_while_they_are_slow(self, story: Story) -> None:
        slow = Rule(Doing.DELAY, 0.1, 0.1)
        with story.shoppers(AT_ONCE) as people:
            with story.broken({"requests": slow, "replies": slow}, "web-ledger"):
                told = story.all_at_once(*(shopper.buy for shopper in people))

            assert {each.status for each in told} == {200}
            story.settle(people)

    def test_answer_a_purchase_whose_first_try_was_lost(self, story: Story) -> None:
        with story.shoppers() as people, story.broken(LOST_ANSWER, "web-ledger"):
            healing = threading.Timer(0.4, story.shop.heal)
            healing.start()
            told = story.all_at_once(people[0].buy)
            healing.join()

            assert told[0].won
            story.settle(people)

    def test_that_cannot_see_the_cache_either_answer_in_time(self, story: Story) -> None:
        with story.shoppers(AT_ONCE) as people:
            with story.broken(LOST_ANSWER, "web-ledger", "web-cache"):
                story.all_at_once(*(shopper.buy for shopper in people))

            story.settle(people)


class TestAnswerThatIsLostAfterTheScriptRan:
    def test_is_unknown_and_the_same_order_when_asked_again(self, story: Story) -> None:
        with story.shoppers() as (shopper,):
            with story.broken(LOST_ANSWER, "web-ledger"):
                (told,) = story.all_at_once(shopper.buy)
                (order,) = story.until_on_record(shopper.name)
            again = shopper.buy_until_told()

            assert told.status == 503
            assert (again.purchase_id, again.unit) == (order.order_id, order.unit)

    def test_is_an_order_too_many_for_a_client_that_comes_with_another_key(self, story: Story) -> None:
        careless = History()
        with story.shoppers(history=careless) as (shopper,):
            with story.broken(LOST_ANSWER, "web-ledger"):
                story.all_at_once(partial(shopper.buy, key="first"))
                story.until_on_record(shopper.name)
            shopper.buy_until_told(key="second")
            story.until_on_record(shopper.name)

            found = "\n".join(findings(careless, story.record()))

            assert "Nobody was told of" in found
            assert f"x:demo:{shopper.name}), and nobody waits to hear of it" in found
            with story.shoppers() as (careful,):
                careful.name = shopper.name
                assert {careful.buy_until_told(key=key).status for key in ("first", "second")} == {200}


class TestKeeperAndLedger:
    @pytest.mark.parametrize("rules", [LOST_ANSWER, {"requests": Rule(Doing.HOLD)}, {"replies": Rule(Doing.CUT)}])
    def test_that_lose_each_other_delay_the_record_and_nothing_else(self, story: Story, rules: Rules) -> None:
        with story.shoppers(AT_ONCE) as people:
            with story.broken(rules, "keeper-ledger"):
                told = story.all_at_once(*(shopper.buy for shopper in people))

            assert {each.status for each in told} == {200}
            story.settle(people)


class TestWebAndCache:
    @pytest.mark.parametrize("rules", [LOST_ANSWER, {"requests": Rule(Doing.RESET)}, {"replies": Rule(Doing.HALVE)}])
    def test_that_lose_each_other_sell_on(self, story: Story, rules: Rules) -> None:
        with story.shoppers(AT_ONCE) as people:
            with story.broken(rules, "web-cache"):
                told = story.all_at_once(*(shopper.buy for shopper in people), people[0].look_up)

            assert {each.status for each in told} == {200}
            story.settle(people)

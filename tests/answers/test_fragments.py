"""A fragment that is written once for many is, for each of them, the one that would have been written for them."""

from dataclasses import replace

import pytest
from django.utils import translation

from sales.answers import fragments
from sales.answers.buying import BuyForm, Reply
from sales.web.states import STATES, _sale

MINE = sorted(name for name, state in STATES.items() if state.make().mine)


def reply(name: str, *, pass_text: str, delay_ms: int) -> Reply:
    mine = STATES[name].make().mine
    assert mine is not None
    mine = replace(mine, delay_ms=None if mine.delay_ms is None else delay_ms)
    form = BuyForm(slug=mine.slug, pass_text=pass_text, out_of_band=True)
    return Reply(sale=_sale(), mine=mine, form=form, status=409)


@pytest.fixture(autouse=True)
def _nothing_written_before() -> None:
    fragments._written_once.cache_clear()


class TestAFragment:
    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize("name", MINE)
    def test_is_that_of_each_alone(self, name: str, language: str) -> None:
        replies = [
            reply(name, pass_text="7.21.1.first-Pass_x", delay_ms=4_711),
            reply(name, pass_text="7.22.1.another<pass", delay_ms=12_345),
            reply(name, pass_text="", delay_ms=99),
        ]

        with translation.override(language):
            got = [fragments.of(each).body.decode() for each in replies]
            alone = [fragments._written(each.mine, each.form) for each in replies]

        assert got == alone

    def test_of_a_refusal_is_written_once_for_all(self) -> None:
        for number in range(50):
            fragments.of(reply("refused-sold-out", pass_text=f"pass-{number}", delay_ms=1_000 + number))

        assert fragments._written_once.cache_info().misses == 1

    def test_holds_the_pass_of_nobody_else(self) -> None:
        fragments.of(reply("refused-sold-out", pass_text="the-first-pass", delay_ms=1_000))

        second = fragments.of(reply("refused-sold-out", pass_text="the-second-pass", delay_ms=1_000)).body

        assert (b"the-first-pass" in second, second.count(b"the-second-pass")) == (False, 1)

    @pytest.mark.parametrize("name", ["bought-recording", "held", "cancelled"])
    def test_of_what_is_ones_own_is_not_kept(self, name: str) -> None:
        fragments.of(reply(name, pass_text="a-pass", delay_ms=1_000))

        assert fragments._written_once.cache_info().currsize == 0

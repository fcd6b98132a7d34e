"""A fragment that is written once for many is, for each of them, the one that would have been written for them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import translation
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sales.answers import fragments
from sales.answers.buying import BuyForm, Reply
from sales.live.entries import Entry, EntryState
from sales.queries import mine as stubs
from sales.queries.catalogue import SaleEntry
from sales.queries.mine import Field, Mine
from sales.web.states import STATES, _sale

MINE = sorted(name for name, state in STATES.items() if state.make().mine)
LANGUAGES = ("en", "de")
BERLIN = ZoneInfo("Europe/Berlin")


def reply(mine: Mine | str, *, pass_text: str = "a-pass", delay_ms: int = 1_000) -> Reply:
    if isinstance(mine, str):
        made = STATES[mine].make().mine
        assert made is not None
        mine = replace(made, delay_ms=None if made.delay_ms is None else delay_ms)
        if mine.ask == "again":
            mine = replace(mine, again=(Field(name="pass", value=pass_text),))
    form = BuyForm(slug=mine.slug, pass_text=pass_text, out_of_band=True)
    return Reply(sale=_sale(), mine=mine, form=form, status=409)


def alone(reply: Reply) -> bytes:
    return fragments._rendered(reply.mine, reply.form).encode()


@pytest.fixture(autouse=True)
def _nothing_written_before() -> Iterator[None]:
    fragments._of_kind.cache_clear()
    yield
    fragments._of_kind.cache_clear()


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is rendered by the template, each time."""
    texts: list[str] = []
    render = fragments._rendered

    def noted(*values: Any) -> str:
        texts.append(render(*values))
        return texts[-1]

    monkeypatch.setattr(fragments, "_rendered", noted)
    return texts


class TestAFragment:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("name", MINE)
    def test_is_that_of_each_alone(self, name: str, language: str) -> None:
        replies = [
            reply(name, pass_text="7.21.1.first-Pass_x", delay_ms=4_711),
            reply(name, pass_text="7.22.1.another<pass", delay_ms=12_345),
            reply(name, pass_text="7.23.1.\\1{{ mine }}%s\u202e&amp;", delay_ms=1),
            reply(name, pass_text="", delay_ms=99),
            reply(name, pass_text="", delay_ms=98),
            reply(name, pass_text="", delay_ms=0),
        ]

        with translation.override(language):
            got = [fragments.of(each).body for each in replies]

            assert got == [alone(each) for each in replies]

    @pytest.mark.parametrize("name", MINE)
    def test_is_rendered_for_the_first_ones_alone(self, name: str, rendered: list[str]) -> None:
        for number in range(50):
            fragments.of(reply(name, pass_text=f"pass-{number}", delay_ms=1_000 + number))

        assert len(rendered) == 3  # the first, the second, and the one with places

    @pytest.mark.parametrize("name", MINE)
    def test_holds_the_pass_of_nobody_else(self, name: str) -> None:
        for number in range(5):
            body = fragments.of(reply(name, pass_text=f"the-pass-of-{number}")).body

            assert body.count(b"the-pass-of-") == body.count(b"the-pass-of-%d" % number) > 0

    def test_is_rendered_each_time_while_templates_are_edited(self, settings: Any, rendered: list[str]) -> None:
        settings.DEBUG = True

        for _ in range(5):
            fragments.of(reply("held"))

        assert len(rendered) == 5

    @pytest.mark.parametrize("edited", [
        "{% if mine.unit > 9 %}two digits{% endif %}{{ mine.unit }}",
        "{% blocktranslate count unit=mine.unit %}one{% plural %}{{ unit }}{% endblocktranslate %}",
        "{{ mine.unit }} {{ form.pass_text|length }}",
        "{{ mine.taken_at.microsecond }}",
        "{{ mine.order_id|truncatechars:40 }}{{ form.pass_text|truncatechars:40 }}",
    ])  # fmt: skip
    def test_is_that_of_each_alone_whatever_a_designer_writes(
        self, edited: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        template = engines["django"].from_string("{% load i18n words %}" + edited)
        monkeypatch.setattr(fragments, "render_to_string", lambda _name, context: template.render(context))
        made = STATES["held"].make().mine
        assert made
        replies = [
            reply(replace(made, unit=unit, taken_at=made.as_of + timedelta(microseconds=unit)), pass_text="p" * unit)
            for unit in (3, 5, 77, 1, 1_234)
        ]

        assert [fragments.of(each).body for each in replies] == [alone(each) for each in replies]


def entries(state: EntryState) -> st.SearchStrategy[Entry]:
    ms = st.integers(1_700_000_000_000, 1_900_000_000_000)
    return st.builds(
        lambda unit, slot, taken_ms, later_ms, order_id: Entry(
            slot=slot,
            state=state,
            lost=0,
            unit=unit,
            seq=unit,
            taken_ms=taken_ms,
            at_ms=taken_ms + later_ms,
            order_id=order_id,
            key_digest="",
        ),
        unit=st.one_of(st.integers(1, 120), st.integers(1, 9_999_999)),
        slot=st.integers(1, 20),
        taken_ms=ms,
        later_ms=st.integers(0, 7_200_000),
        order_id=st.uuids(),
    )


SALES = st.builds(
    lambda limit, zone: replace(_sale(), stock=10_000_000, limit=limit, time_zone=zone),
    limit=st.sampled_from((1, 2)),
    zone=st.sampled_from(("Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "UTC")),
)


class TestTheFragmentOfAWinner:
    """Whoever they are, whichever unit they got, and whenever: byte for byte what the template writes for them."""

    @hypothesis_settings(deadline=None)  # the first one loads the templates
    @given(sale=SALES, entry=entries(EntryState.HELD), language=st.sampled_from(LANGUAGES))
    def test_who_holds_a_unit_is_theirs_alone(self, sale: SaleEntry, entry: Entry, language: str) -> None:
        mine = stubs.held(sale, entry, now_ms=entry.taken_ms, focus=True)

        self.assert_alike(mine, language)

    @hypothesis_settings(deadline=None)
    @given(
        sale=SALES,
        entry=entries(EntryState.BOUGHT),
        language=st.sampled_from(LANGUAGES),
        recorded=st.booleans(),
        chance=st.floats(0, 1, exclude_max=True),
    )
    def test_who_bought_one_is_theirs_alone(
        self, sale: SaleEntry, entry: Entry, language: str, recorded: bool, chance: float
    ) -> None:
        mine = stubs.bought(
            sale, entry, now_ms=entry.at_ms, recorded=recorded, another=sale.limit > 1, chance=chance, focus=True
        )

        self.assert_alike(mine, language)

    def test_says_when_also_where_the_clocks_have_changed(self) -> None:
        """The zone's name is each one's own: a hold may end in winter that began in summer."""
        made = STATES["held"].make().mine
        assert made
        assert made.countdown
        last = datetime(2026, 10, 25, 2, 59, 59, tzinfo=BERLIN)
        for to in (last, last, last.replace(fold=1), last + timedelta(seconds=1)):
            self.assert_alike(replace(made, countdown=replace(made.countdown, to=to)), "de")

    def assert_alike(self, mine: Mine, language: str) -> None:
        told = reply(mine, pass_text=f"7.22.1.{uuid4()}")
        with translation.override(language):
            assert fragments.of(told).body == alone(told)


class TestAMark:
    def test_is_never_shown(self) -> None:
        from sales.answers import places  # noqa: PLC0415 - what is drawn by each process

        for name in MINE:
            for number in range(4):
                body = fragments.of(reply(name, pass_text=str(UUID(int=number)))).body.decode()

                assert places._MARK not in body

"""A text with places is, filled for anybody, what the template would have written for them; or there is none."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.template import Context, Engine
from django.utils import translation

from sales.answers.places import Placed, Shape, Shapes, split
from sales.templatetags import words

ORDER = UUID("9df2f152-1d00-4000-8000-000000000063")
NOON = datetime(2026, 11, 22, 12, 0, 0, 418_000, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    name: str = "Night <Ferry>"
    unit: int = 63
    order_id: UUID = ORDER
    at: datetime = NOON
    word: str = "a-word"
    later: tuple["Ticket", ...] = ()
    secret: str = "nobody is shown this"

    @property
    def loud_name(self) -> str:
        return self.name.upper()

    @property
    def loud_word(self) -> str:
        return self.word.upper()


SHAPES: Shapes = {
    Ticket: Shape.of(
        Ticket, own=("unit", "order_id", "at", "word"), parts=("later",), hidden=("secret",), follows=("loud_name",)
    )
}
ENGINE = Engine(libraries={"words": words.__name__}, builtins=["django.templatetags.i18n"])
OTHERS = (
    Ticket(unit=1, order_id=uuid4(), at=NOON + timedelta(days=3, milliseconds=-419), word="<b>&amp;'\"</b>"),
    Ticket(unit=9_999_999, order_id=uuid4(), at=NOON.replace(microsecond=0), word="%(unit)s {{ unit }} \u202e \\1"),
    Ticket(unit=1_000, order_id=uuid4(), at=NOON + timedelta(hours=12), word="9" * 300),
)


def renders(text: str) -> Any:
    template = ENGINE.from_string("{% load words %}" + text)
    return lambda ticket: template.render(Context({"ticket": ticket}))


def own_of(ticket: Ticket) -> list[Any]:
    own: list[Any] = []
    split(ticket, SHAPES, [], own)
    return own


def kind_of(ticket: Ticket) -> list[Any]:
    kind: list[Any] = []
    split(ticket, SHAPES, kind, [])
    return kind


def placed(text: str, ticket: Ticket) -> Placed | None:
    return Placed.of(renders(text), ticket, shapes=SHAPES)


class TestAPlacedText:
    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize("text", [
        "nothing of anybody’s",
        "{{ ticket.unit }}",
        "{{ ticket.order_id|truncatechars:40 }}",
        "{{ ticket.name }}: {{ ticket.loud_name }} {{ ticket.word }}, <b title='{{ ticket.word }}'>",
        "{{ ticket.unit|number }} {{ ticket.order_id }} {{ ticket.unit|number }}",
        "{{ ticket.at|clock }} {{ ticket.at|clock_ms }} {{ ticket.at|instant }} {{ ticket.at|hour }}",
        "{{ ticket.at|day }} {{ ticket.at|short_day }} {{ ticket.at|zone }} {{ ticket.at|on_day:ticket.at }}",
        "{% with number=ticket.unit %}{{ number }}{% if number %} is there{% endif %}{% endwith %}",
        "{% blocktranslate with unit=ticket.unit|number %}Number {{ unit }} is held for you{% endblocktranslate %}",
        "{% if ticket.unit %}{% if ticket.at is not None %}both{% endif %}{% else %}neither{% endif %}",
        "{% for each in ticket.later %}{{ each.unit }} of {{ ticket.unit }};{% empty %}none{% endfor %}",
    ])  # fmt: skip
    def test_is_what_is_rendered_for_each(self, text: str, language: str) -> None:
        with translation.override(language):
            found = placed(text, Ticket())
            assert found
            for each in OTHERS:
                assert found.filled(own_of(each)) == renders(text)(each)

    def test_takes_what_is_in_parts_in_the_same_order(self) -> None:
        text = "{{ ticket.unit }}:{% for each in ticket.later %}{{ each.word }}{{ each.unit }};{% endfor %}"
        first = Ticket(later=(Ticket(unit=1), Ticket(unit=2)))
        second = Ticket(later=(Ticket(unit=71, word="x"), Ticket(unit=72, word="y")))

        found = placed(text, first)

        assert found
        assert found.filled(own_of(second)) == "63:x71;y72;"

    @pytest.mark.parametrize("text", [
        "{% if ticket.unit == 63 %}yes{% endif %}",
        "{% if ticket.unit > 5 %}yes{% endif %}",
        "{% if 'a' in ticket.word %}yes{% endif %}",
        "{% if ticket.unit|number %}yes{% endif %}",
        "{% for each in ticket.later %}{% ifchanged each.unit %}new{% endifchanged %}{% endfor %}",
        "{% blocktranslate count unit=ticket.unit %}one{% plural %}{{ unit }}{% endblocktranslate %}",
        "{% for letter in ticket.word %}{{ letter }} {% endfor %}",
        "{% widthratio ticket.unit 100 10 %}",
        "{{ ticket.at.year }}",
        "{{ ticket.word.0 }}",
        "{{ ticket.at|date:'Y' }}",
        "{{ ticket.unit|add:1 }}",
        "{{ ticket.unit|add:'1' }}",
        "{{ ticket.unit|pluralize }}",
        "{{ ticket.unit|divisibleby:7 }}",
        "{{ ticket.unit|stringformat:'05d' }}",
        "{{ ticket.unit|floatformat:2 }}",
        "{{ ticket.unit|json_script:'unit' }}",
        "{{ ticket.word|length }}",
        "{{ ticket.word|upper }}",
        "{{ ticket.word|capfirst|title }}",
        "{{ ticket.word|truncatechars:5 }}",
        "{{ ticket.word|truncatechars:100 }}",
        "{{ ticket.word|urlencode }}",
        "{{ ticket.word|cut:'-' }}",
        "{% autoescape off %}{{ ticket.word }}{% endautoescape %}",
        "{{ ticket.order_id|truncatechars:20 }}",
        "{{ ticket.order_id|upper }}",
        "{{ ticket.word|first }}",
        "{{ ticket.unit|number|add:1 }}",
        "{{ ticket.word|yesno:'a,b'|slice:ticket.unit }}",
    ])  # fmt: skip
    def test_is_none_where_more_is_done_with_what_is_ones_own(self, text: str) -> None:
        assert placed(text, Ticket(later=(Ticket(), Ticket()))) is None

    @pytest.mark.parametrize("name", ["secret", "loud_word", "no_such_thing"])
    def test_is_none_where_something_is_asked_for_that_is_not_shown(self, name: str) -> None:
        assert placed(f"{{{{ ticket.{name} }}}}", Ticket()) is None

    def test_holds_nothing_of_whom_it_was_written_for(self) -> None:
        found = placed("{{ ticket.word }}{{ ticket.unit }}{{ ticket.order_id }}{{ ticket.name }}", Ticket())

        assert found
        assert "".join(found.pieces[::2]) == "Night &lt;Ferry&gt;"


class TestAKind:
    def test_is_the_same_whatever_is_ones_own(self) -> None:
        assert len({tuple(kind_of(each)) for each in (Ticket(), *OTHERS)}) == 1

    @pytest.mark.parametrize("other", [
        Ticket(name="another"), Ticket(unit=0), Ticket(word=""), Ticket(later=(Ticket(),)),
    ])  # fmt: skip
    def test_differs_where_something_shared_does(self, other: Ticket) -> None:
        assert kind_of(other) != kind_of(Ticket())

    def test_differs_where_a_part_does(self) -> None:
        one, two = (Ticket(later=(Ticket(name=name),)) for name in ("one", "two"))

        assert kind_of(one) != kind_of(two)

    def test_says_nothing_of_what_is_hidden(self) -> None:
        assert kind_of(replace(Ticket(), secret="another")) == kind_of(Ticket())


class TestAFilterOfThisSite:
    def test_is_in_python_what_it_was(self) -> None:
        assert words.clock(NOON) == "12:00:00"
        assert words.register.filters["clock"].__wrapped__ is words.clock  # type: ignore[attr-defined]

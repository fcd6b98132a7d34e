"""A text that a template writes once for many, with places for what is each one's own.

The template is rendered with a `Place` instead of each such value. A place may be written, as it is or through a filter
of this site, and asked whether there is a value, which is known. Where it was written, the value of each is written
later, through the same filter. Whatever else a template does with it (compare it, count by it, take a part of it) could
come out otherwise for another value: then there is no such text, and everybody's is rendered for them alone.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from html import escape
from operator import attrgetter, itemgetter
from typing import Any, NoReturn, Self
from uuid import UUID, uuid4

from django import template
from django.conf import settings
from django.template.base import render_value_in_context

type Own = Sequence[Any]
"""The values that are somebody's own, in the order in which `split` finds them."""

# Drawn by each process, so that nothing people wrote can look like a mark. One may stand in a URL, for an order's id.
_MARK = str(uuid4())[:24]
_MARKS = re.compile(f"{_MARK}([0-9a-f]{{12}})")
_ESCAPING = template.Context()


class LookedAt(Exception):
    """What is written depends on a value that is somebody's own."""


class Place:
    """Stands for a value that is there. `get` takes the value of each from what is their own.

    Looking at it is noticed, but for `in` before a text, which asks the text alone.
    """

    __slots__ = ("get", "is_filtered", "is_id", "key", "number", "places")

    def __init__(
        self,
        places: "Places",
        key: Hashable,
        get: Callable[[Own], Any],
        *,
        is_id: bool = False,
        is_filtered: bool = False,
    ) -> None:
        self.places = places
        self.key = key
        self.get = get
        self.is_id = is_id
        self.is_filtered = is_filtered
        self.number: int | None = None

    def __str__(self) -> str:
        if self.number is None:
            self.number = len(self.places.written)
            self.places.written.append(self)
        if self.is_id:
            return self.mark  # an id is as long, and made of the same letters
        self.places.unread += 1
        return _Unread(self)

    @property
    def mark(self) -> str:
        """What stands in the text for now."""
        return f"{_MARK}{self.number:012x}"

    def __bool__(self) -> bool:
        return self._spoil() if self.is_filtered else True

    def _spoil(self, *_: object) -> NoReturn:
        self.places.are_spoiled = True  # templates swallow many an exception
        raise LookedAt(self.key)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _spoil
    __len__ = __iter__ = __contains__ = __getitem__ = __getattr__ = _spoil
    __int__ = __index__ = __float__ = __round__ = __repr__ = _spoil
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _spoil


class _Unread(str):
    """What a template writes as the mark. Whoever reads it, as a filter of texts does, learns nothing."""

    __slots__ = ("place",)
    place: Place

    def __new__(cls, place: Place) -> Self:
        unread = super().__new__(cls, "?")
        unread.place = place
        return unread

    def __html__(self) -> str:
        self.place.places.unread -= 1
        return self.place.mark


class Library(template.Library):
    """A library whose filters a place goes through: each is asked for everybody's own value."""

    def filter_function[F: Callable[..., Any]](self, func: F, **flags: Any) -> F:
        """Register a filter; in Python it stays what it is."""

        @wraps(func)
        def filtered(value: Any, *args: Any) -> Any:
            if type(value) is Place or Place in map(type, args):
                return _through(func, (value, *args))
            return func(value, *args)

        self.filter(func.__name__, filtered, **flags)
        return func


def _through(func: Callable[..., Any], args: tuple[Any, ...]) -> Place:
    def get(own: Own) -> Any:
        return func(*[arg.get(own) if type(arg) is Place else arg for arg in args])

    places = next(arg.places for arg in args if type(arg) is Place)
    key = (func, *[arg.key if type(arg) is Place else arg for arg in args])
    return Place(places, key, get, is_filtered=True)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is whose in objects of one class. `own` are values, `parts` are objects with shapes of their own."""

    own: tuple[str, ...]
    parts: tuple[str, ...]
    shown: frozenset[str]
    own_of: Callable[[Any], Own]
    shared_of: Callable[[Any], Hashable]

    @classmethod
    def of(
        cls,
        described: type,
        *,
        own: tuple[str, ...],
        parts: tuple[str, ...] = (),
        hidden: tuple[str, ...] = (),
        follows: tuple[str, ...] = (),
    ) -> Self:
        """Describe a dataclass. Every field that is not named is shared: one text serves only where it is the same.

        No template is shown what is `hidden`, nor any property but those which follow from what is shared alone.
        """
        shared = [each.name for each in fields(described) if each.name not in {*own, *parts, *hidden}]
        own_of = attrgetter(*own) if len(own) > 1 else lambda value: (getattr(value, own[0]),)
        return cls(own, parts, frozenset([*shared, *follows]), own_of, attrgetter(*shared))


Shapes = Mapping[type, Shape]


def split(value: Any, shapes: Shapes, kind: list[Hashable], own: list[Any]) -> None:
    """Add to `kind` what everybody must have in common for one text to serve them, and to `own` what goes into it."""
    if value is None:
        kind.append(None)
        return
    if type(value) is tuple:
        kind.append(len(value))
        for each in value:
            split(each, shapes, kind, own)
        return
    shape = shapes[type(value)]
    kind.append(shape.shared_of(value))
    for each in shape.own_of(value):
        kind.append(each and True)  # where there is no value, its nothing is shared
        own.append(each)
    for name in shape.parts:
        split(getattr(value, name), shapes, kind, own)


class _Shown:
    """An object as the template is shown it."""

    def __init__(self, value: Any, shown: frozenset[str], with_places: dict[str, Any], places: "Places") -> None:
        self._value = value
        self._shown = shown
        self._with_places = with_places
        self._places = places

    def __getattr__(self, name: str) -> Any:
        if name in self._with_places:
            return self._with_places[name]
        if name in self._shown:
            return getattr(self._value, name)
        self._places.are_spoiled = True
        raise AttributeError(name)


class Places:
    """Those of one text, while it is written."""

    def __init__(self, shapes: Shapes) -> None:
        self.written: list[Place] = []
        self.unread = 0
        self.are_spoiled = False
        self._shapes = shapes
        self._found = 0

    def shown(self, value: Any) -> Any:
        """Return what the template is shown instead of this value; takes it apart in the same order as `split`."""
        if value is None:
            return None
        if type(value) is tuple:
            return tuple([self.shown(each) for each in value])
        shape = self._shapes[type(value)]
        with_places = {name: self._place(getattr(value, name)) for name in shape.own}
        with_places |= {name: self.shown(getattr(value, name)) for name in shape.parts}
        return _Shown(value, shape.shown, with_places, self)

    def _place(self, value: Any) -> Any:
        number, self._found = self._found, self._found + 1
        return Place(self, number, itemgetter(number), is_id=type(value) is UUID) if value else value


@dataclass(frozen=True, slots=True)
class Placed:
    """The text in pieces, every other one a place; `places` says which of `gets` each is filled by."""

    pieces: tuple[str, ...]
    gets: tuple[Callable[[Own], Any], ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, render: Callable[..., str], *values: Any, shapes: Shapes) -> "Placed | None":
        """Return what `render` writes of such values; None where it does more with what is one's own than write it."""
        places = Places(shapes)
        try:
            pieces = _MARKS.split(render(*[places.shown(value) for value in values]))
        except Exception:  # noqa: BLE001 - whatever a template does with a place, and whoever raises then
            return None
        marks = [int(mark, 16) for mark in pieces[1::2]]
        if places.are_spoiled or places.unread or set(marks) != set(range(len(places.written))):
            return None
        gets = {place.key: place.get for place in places.written}
        number_of = {key: number for number, key in enumerate(gets)}
        return cls(tuple(pieces), tuple(gets.values()), tuple([number_of[places.written[mark].key] for mark in marks]))

    def filled(self, own: Own) -> str:
        """Return the text for one of them."""
        texts = [_written(get(own)) for get in self.gets]
        pieces = list(self.pieces)
        pieces[1::2] = [texts[place] for place in self.places]
        return "".join(pieces)


def _written(value: Any) -> str:
    """Return what `{{ value }}` writes; without detours for what is written most."""
    kind = type(value)
    if kind is str:
        return escape(value)
    if kind is UUID or (kind is int and not settings.USE_THOUSAND_SEPARATOR):
        return str(value)
    written: str = render_value_in_context(value, _ESCAPING)
    return written

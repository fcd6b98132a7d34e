"""How pages write money, times and durations: by the visitor's language, in the zone that the moment carries.

Filters only. Which moments and numbers there are is decided in `sales.queries`; sentences stand in templates.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_timezone_name
from babel.numbers import format_currency, format_decimal
from django.utils.translation import get_language, ngettext, to_locale
from django.utils.translation import gettext as _

from sales.answers.places import Library

register = Library()

_zone_names: dict[tuple[Any, ...], str] = {}
_ALL_SIZES = (-1_234, -1, 0, 7, 89, 123, 4_567, 98_765, 123_456, 9_876_543, 1_234_567_890)


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Write an amount as the language writes that currency, with the currency's own decimals."""
    return format_currency(amount, currency, locale=_locale())


@register.filter
def number(count: int) -> str:
    """Write a whole number with the language's separators."""
    locale = _locale()
    between = _between_thousands(locale)
    return f"{count:,}".replace(",", between) if between else format_decimal(count, locale=locale)


@register.filter
def instant(at: datetime) -> str:
    """Write a moment for machines: ISO 8601, UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.filter
def clock(at: datetime) -> str:
    """Write 18:17:32."""
    return at.isoformat(timespec="seconds")[11:19]


@register.filter
def clock_ms(at: datetime) -> str:
    """Write 18:17:32.418."""
    return at.isoformat(timespec="milliseconds")[11:23]


@register.filter
def hour(at: datetime) -> str:
    """Write 18:00, or 18:00:30 where it is not on the minute."""
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


@register.filter
def zone(at: datetime) -> str:
    """Name the zone of a moment as the language does: CET, MEZ, or UTC+03 where it has no letters."""
    known = at.tzname() or ""
    if known.isalpha() and isinstance(at.tzinfo, ZoneInfo):
        known = _in_words(_zone_name(at, _locale()), known)
    return known if known.isalpha() else f"UTC{known}"


@register.filter
def day(at: datetime) -> str:
    """Write Sunday 22 November."""
    return _dated(at, "MMMMEEEEd")


@register.filter
def short_day(at: datetime) -> str:
    """Write Sun 22 Nov."""
    return _dated(at, "MMMEd")


@register.filter
def full_day(at: datetime) -> str:
    """Write Sunday 22 November 2026."""
    return _dated(at, "yMMMMEEEEd")


@register.filter
def on_day(at: datetime, now: datetime) -> str:
    """Write `today`, or `on Sunday 22 November`, to stand within a sentence."""
    if at.date() == now.astimezone(at.tzinfo).date():
        return _("today")
    return _("on %(day)s") % {"day": day(at)}


@register.filter
def duration(seconds: int) -> str:
    """Write 3 minutes 12 seconds: the two largest units that are not zero."""
    minutes, hours = seconds // 60, seconds // 3_600
    parts: list[tuple[int, Callable[[int], str]]] = [
        (seconds // 86_400, lambda n: ngettext("%(n)d day", "%(n)d days", n)),
        (hours % 24, lambda n: ngettext("%(n)d hour", "%(n)d hours", n)),
        (minutes % 60, lambda n: ngettext("%(n)d minute", "%(n)d minutes", n)),
        (seconds % 60, lambda n: ngettext("%(n)d second", "%(n)d seconds", n)),
    ]
    said = [words(n) % {"n": n} for n, words in parts if n]
    return " ".join(said[:2]) if said else ngettext("%(n)d second", "%(n)d seconds", 0) % {"n": 0}


@cache
def _between_thousands(locale: str) -> str | None:
    """Return what stands between thousands; None where a language writes numbers in another way than that."""
    between = format_decimal(1_000, locale=locale)[1:-3]
    alike = all(format_decimal(each, locale=locale) == f"{each:,}".replace(",", between) for each in _ALL_SIZES)
    return between if between and alike else None


def _zone_name(at: datetime, locale: str) -> str:
    kept = (at.tzinfo, at.utcoffset(), at.dst(), locale)  # the moment itself does not matter
    name = _zone_names.get(kept)
    if name is None:
        name = _zone_names[kept] = get_timezone_name(at, width="short", locale=locale)
    return name


def _in_words(name: str, otherwise: str) -> str:
    """Return the language's own letters for a zone (MEZ), where it has some."""
    return name if name.isalpha() else otherwise


def _dated(at: datetime, skeleton: str) -> str:
    # English without a country reads as this shop writes: the day before the month.
    locale = _locale()
    return format_skeleton(skeleton, at, locale="en_GB" if locale == "en" else locale)


def _locale() -> str:
    return to_locale(get_language() or "en")

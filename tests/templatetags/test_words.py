"""How money, times and durations are written."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.dates import get_timezone_name
from babel.numbers import format_decimal
from django.utils import translation

from sales.templatetags import words

AT = datetime(2026, 11, 22, 18, 3, 12, 418_900, tzinfo=ZoneInfo("Europe/Berlin"))


class TestMoney:
    @pytest.mark.parametrize(
        ("amount", "currency", "language", "written"),
        [
            ("48.000", "EUR", "en", "€48.00"),
            ("48.500", "USD", "en", "$48.50"),
            ("4800.000", "JPY", "en", "¥4,800"),
            ("1.250", "KWD", "en", "KWD1.250"),
            ("1234.500", "EUR", "de", "1.234,50 €"),
        ],
    )
    def test_has_the_decimals_of_its_currency_and_the_signs_of_the_language(self, amount, currency, language, written):
        with translation.override(language):
            assert words.money(Decimal(amount), currency).replace("\xa0", " ") == written

    def test_numbers_have_separators(self):
        with translation.override("en"):
            assert words.number(1_846) == "1,846"

    @pytest.mark.parametrize("language", ["en", "de", "fr", "hi", "ar", "pl"])
    def test_numbers_are_those_of_the_language(self, language):
        """Also where thousands are not what is told apart, as in Hindi."""
        counts = [*range(-12, 1_203), 9_999, 10_000, 99_999, 100_000, 1_234_567, 10**9]
        with translation.override(language):
            assert [words.number(n) for n in counts] == [format_decimal(n, locale=language) for n in counts]


class TestTimes:
    def test_are_written_as_the_shop_says_them(self):
        with translation.override("en"):
            assert words.clock(AT) == "18:03:12"
            assert words.clock_ms(AT) == "18:03:12.418"
            assert words.hour(AT) == "18:03:12"
            assert words.hour(AT.replace(second=0)) == "18:03"
            assert words.zone(AT) == "CET"
            assert words.day(AT) == "Sunday 22 November"
            assert words.short_day(AT) == "Sun 22 Nov"
            assert words.full_day(AT) == "Sunday, 22 November 2026"

    def test_are_written_in_another_language(self):
        with translation.override("de"):
            assert "November" in words.day(AT)
            assert words.day(AT) != "Sunday 22 November"

    def test_are_written_for_machines_in_utc(self):
        assert words.instant(AT) == "2026-11-22T17:03:12.418Z"

    def test_name_a_zone_without_letters_by_its_distance(self):
        assert words.zone(AT.astimezone(ZoneInfo("America/Sao_Paulo"))) == "UTC-03"

    @pytest.mark.parametrize(("language", "written"), [("en", "CET"), ("de", "MEZ"), ("ar", "CET")])
    def test_name_a_zone_as_the_language_does(self, language, written):
        with translation.override(language):
            assert words.zone(AT.astimezone(ZoneInfo("Europe/Berlin"))) == written

    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize(
        "name", ["Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Tokyo"]
    )
    def test_name_a_zone_in_summer_and_in_winter(self, name, language):
        with translation.override(language):
            for month in (1, 7, 11, 7, 1):
                at = AT.replace(month=month, tzinfo=ZoneInfo(name))
                in_words = get_timezone_name(at, width="short", locale=language)
                assert words.zone(at) == (in_words if in_words.isalpha() else at.tzname())

    def test_say_today_by_the_days_of_the_sales_zone(self):
        with translation.override("en"):
            late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # the 23rd in Berlin
            assert words.on_day(AT, AT) == "today"
            assert words.on_day(AT, late) == "on Sunday 22 November"


class TestDurations:
    @pytest.mark.parametrize(
        ("seconds", "written"),
        [
            (0, "0 seconds"),
            (1, "1 second"),
            (192, "3 minutes 12 seconds"),
            (600, "10 minutes"),
            (3_600, "1 hour"),
            (3_661, "1 hour 1 minute"),
            (90_000, "1 day 1 hour"),
        ],
    )
    def test_say_the_two_largest_units(self, seconds, written):
        with translation.override("en"):
            assert words.duration(seconds) == written

"""The parts of a stub: bar and countdown."""

from datetime import UTC, datetime, timedelta

import pytest

from sales.queries.stubs import Countdown, Stock

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


class TestStock:
    def test_computes_what_is_sold_and_the_widths_of_the_bar(self):
        stock = Stock(of=100, left=37, held=5)

        assert (stock.sold, stock.left_width, stock.held_width, stock.tick_width) == (58, "37%", "5%", "1%")

    def test_writes_short_fractions(self):
        assert Stock(of=3, left=1, held=0).left_width == "33.3333%"

    def test_has_no_ticks_where_pieces_are_too_many_to_be_seen(self):
        assert Stock(of=120, left=1, held=0).tick_width
        assert Stock(of=121, left=1, held=0).tick_width is None

    def test_shows_no_negative_number_while_stock_is_lowered(self):
        assert Stock(of=3, left=0, held=4).sold == 0

    def test_of_nothing_has_a_bar_too(self):
        assert Stock(of=0, left=0, held=0).left_width == "0%"


class TestCountdown:
    @pytest.mark.parametrize(
        ("left", "hours", "digits", "past"),
        [
            (timedelta(hours=2, minutes=4, seconds=37), True, "02 04 37", "000"),
            (timedelta(minutes=4, seconds=37), True, "00 04 37", "100"),
            (timedelta(seconds=8), True, "00 00 08", "110"),
            (timedelta(milliseconds=1), True, "00 00 01", "110"),
            (timedelta(0), True, "00 00 00", "111"),
            (-timedelta(seconds=5), True, "00 00 00", "111"),
            (timedelta(hours=1), True, "01 00 00", "000"),
            (timedelta(minutes=9, seconds=41), False, "09 41", "00"),
            (timedelta(minutes=60), False, "60 00", "00"),
        ],
    )
    def test_counts_in_cells_that_never_disappear(self, left, hours, digits, past):
        made = Countdown.of(to=NOW + left, now=NOW, says="opens", hours=hours)

        assert " ".join(cell.digits for cell in made.cells) == digits
        assert "".join(str(int(cell.past)) for cell in made.cells) == past

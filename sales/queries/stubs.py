"""The parts of which every stub of a ticket is made: stock with its bar, countdown, moments in the sale's zone.

Percentages and digits are computed here, never in a template. What a stub says is `panels` (to everybody) and `mine`
(to one shopper).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from sales.queries.catalogue import SaleEntry

MOST_TICKS = 120  # one tick of the bar is one piece; above, a plain bar


def moment(ms: int, sale: SaleEntry) -> datetime:
    """Return an instant of the ledger's clock as the sale's zone shows it."""
    return datetime.fromtimestamp(ms / 1_000, tz=ZoneInfo(sale.time_zone))


def local(at: datetime, sale: SaleEntry) -> datetime:
    """Return a moment as the sale's zone shows it."""
    return at.astimezone(ZoneInfo(sale.time_zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """How many of a sale's units are left, held and sold, and the widths of its bar in per cent."""

    of: int
    left: int
    held: int

    @property
    def sold(self) -> int:
        """What is neither left nor held."""
        return max(self.of - self.left - self.held, 0)

    @property
    def left_width(self) -> str:
        """Width of the part that is left, and where the held part begins."""
        return self._percent(self.left)

    @property
    def held_width(self) -> str:
        """Width of the part that is held."""
        return self._percent(self.held)

    @property
    def tick_width(self) -> str | None:
        """Width of one piece; None where pieces are too many to be seen."""
        return self._percent(1) if self.of <= MOST_TICKS else None

    def _percent(self, units: int) -> str:
        return f"{100 * units / self.of:g}%" if self.of else "0%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Two digits of a countdown. `past` is a leading zero: it dims and stays, so that nothing moves."""

    digits: str
    unit: str
    past: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """Time left until a moment. `says` names the words that are spoken on the way: `opens` or `hold`."""

    to: datetime
    says: str
    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, *, to: datetime, now: datetime, says: str, hours: bool) -> Self:
        """Count from now to then, in whole seconds that have begun; with hours, or minutes above 59."""
        seconds = max(-int((now - to).total_seconds() // 1), 0)
        minutes = seconds // 60
        parts = [(minutes // 60, _("hours")), (minutes % 60, _("minutes"))] if hours else [(minutes, _("minutes"))]
        parts.append((seconds % 60, _("seconds")))
        cells, past = [], True
        for number, unit in parts:
            past = past and number == 0
            cells.append(Cell(digits=f"{number:02d}", unit=unit, past=past))
        return cls(to=to, says=says, cells=tuple(cells))

"""Form fields for a window in a named time zone: which zone, and what its clocks show.

The rule about clocks that go forward and back is `sales.domain.wall_clocks`; here are its words.
"""

import zoneinfo
from datetime import datetime
from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from sales.domain import wall_clocks

_AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

type Choices = list[tuple[str, str | list[tuple[str, str]]]]


@cache
def choices() -> Choices:
    """Return UTC and the zones named after places, by continent and ocean."""
    areas: dict[str, list[tuple[str, str]]] = {area: [] for area in _AREAS}
    for name in sorted(zoneinfo.available_timezones()):
        area, _slash, place = name.partition("/")
        if place and area in areas:
            areas[area].append((name, name.replace("_", " ")))
    return [("UTC", "UTC"), *((area, zones) for area, zones in areas.items() if zones)]


def choices_with(name: str) -> Choices:
    """Return the choices, and this name too: a sale may have been given a zone that the list leaves out."""
    known = {zone for _area, zones in choices() if isinstance(zones, list) for zone, _label in zones}
    return choices() if name in known | {"UTC", ""} else [(name, name), *choices()]


class WallClockInput(forms.DateTimeInput):
    """The browser's own input for a date and a time, to the second. It knows no time zone, and neither do we yet."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"step": 1}, format="%Y-%m-%dT%H:%M:%S")


class WallClockField(forms.DateTimeField):
    """What a clock shows: a datetime without a zone. The form says which zone was meant; see `instant`."""

    widget = WallClockInput
    default_error_messages = {
        "invalid": _("This is not a date and a time. Write them like 2026-11-27 18:00."),
        "far": _("This year is out of reach. Write one between 2000 and 2199."),
        "offset": _("Leave out the offset: the time is read in the time zone named beside it."),
    }

    def prepare_value(self, value: Any) -> Any:
        """Show a datetime as it is; the form has put it into the right zone."""
        return value

    def to_python(self, value: Any) -> datetime | None:
        """Read the text that the browser sends."""
        if value in self.empty_values:
            return None
        try:
            wall = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        if wall.tzinfo is not None:
            raise ValidationError(self.error_messages["offset"], code="offset")
        if not 2000 <= wall.year < 2200:
            raise ValidationError(self.error_messages["far"], code="far")
        return wall


def instant(*, wall: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """Return the instant at which clocks in this zone show `wall`.

    Raises ValidationError, with a sentence, where they never do, or do twice.
    """
    try:
        return wall_clocks.instant(wall=wall, zone=zone)
    except wall_clocks.NoSuchTime as none:
        sentence = _now(
            "%(date)s has no %(time)s in %(zone)s: clocks go forward over it. "
            "Write %(before)s or %(after)s, or any other time that comes."
        )
        shown = {"before": _clock(none.before), "after": _clock(none.after)}
    except wall_clocks.TimeComesTwice:
        sentence = _now(
            "%(time)s comes twice on %(date)s in %(zone)s: clocks go back over it. Write a time that comes once."
        )
        shown = {}
    raise ValidationError(
        sentence % {"date": formats.date_format(wall, "j F Y"), "time": _clock(wall), "zone": zone.key, **shown},
        code="clocks_change",
    )


def shown(*, moment: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """Return what clocks in this zone show at this instant, to the second."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0, fold=0)


def _clock(wall: datetime) -> str:
    return f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"

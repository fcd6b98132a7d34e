"""From the time on a wall clock to the instant it stands for; refuses times that stand for none, or for two."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


class NoSuchTime(ValueError):
    """Clocks go forward over this time: it does not happen. `before` and `after` are what clocks show instead."""

    def __init__(self, *, before: datetime, after: datetime) -> None:
        super().__init__(f"between {before:%H:%M} and {after:%H:%M} clocks go forward")
        self.before = before
        self.after = after


class TimeComesTwice(ValueError):
    """Clocks go back over this time: it happens twice."""


def instant(*, wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which clocks in this zone show `wall` (which knows no zone itself).

    Raises NoSuchTime, TimeComesTwice.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    early, late = first.utcoffset(), second.utcoffset()
    if early is None or late is None or early == late:
        return first.astimezone(UTC)
    if early > late:
        raise TimeComesTwice("clocks go back over this time")
    before, after = (each.astimezone(UTC).astimezone(zone).replace(tzinfo=None) for each in (second, first))
    raise NoSuchTime(before=before, after=after)

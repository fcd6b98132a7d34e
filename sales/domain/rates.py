"""How often something may happen: a count within a window of seconds, written `300/m`."""

import re
from dataclasses import dataclass
from typing import Self

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WRITTEN = re.compile(r"(?P<count>\d+)/(?P<multiple>\d*)(?P<unit>[smhd])")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` times in each window of `seconds`. A count of 0 allows nothing."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read `5/m`, `300/m`, `20/10s`. Raises ValueError with a sentence for anything else."""
        found = _WRITTEN.fullmatch(written.strip())
        if not found:
            raise ValueError(f"{written!r} is not a rate; write a count, a slash and a unit, such as 300/m or 20/10s.")
        multiple = int(found["multiple"] or 1)
        if multiple == 0:
            raise ValueError(f"{written!r} is not a rate: its window is zero seconds long.")
        return cls(count=int(found["count"]), seconds=multiple * _UNIT_SECONDS[found["unit"]])

    def __str__(self) -> str:
        for unit, seconds in reversed(_UNIT_SECONDS.items()):
            if self.seconds % seconds == 0:
                multiple = self.seconds // seconds
                return f"{self.count}/{'' if multiple == 1 else multiple}{unit}"
        raise AssertionError("every window is a whole number of seconds")

"""A text that was written once, with the few places in it that are each asker's own: the delay drawn, and the time."""

import re
from dataclasses import dataclass
from typing import Self

LEAST_REFRESH_SECONDS = 5

_PLACES = re.compile(
    rb'(?P<trigger>(?<=hx-trigger="load delay:)\d+(?=ms))'
    rb'|(?P<delay>(?<=data-delay=")\d+(?="))'
    rb'|(?P<now>(?<=data-now=")[^"]*(?="))'
    rb'|(?P<refresh>(?<=http-equiv="refresh" content=")\d+(?=;))'
)


def refresh_seconds(delay_ms: int) -> int:
    """Return after how long a page without scripts asks anew."""
    return max(round(delay_ms / 1_000), LEAST_REFRESH_SECONDS)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The text in pieces; after each but the last comes a place of the kind that `places` names."""

    pieces: tuple[bytes, ...]
    places: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Find the places. What people wrote cannot look like one: there, quotes are escaped."""
        written = text.encode()
        pieces, places, end = [], [], 0
        for found in _PLACES.finditer(written):
            pieces.append(written[end : found.start()])
            places.append(found.lastgroup or "")
            end = found.end()
        return cls((*pieces, written[end:]), tuple(places))

    def drawn_anew(self, *, delay_ms: int, now: str) -> bytes:
        """Return the text with another delay and another time."""
        delay = b"%d" % delay_ms
        own = {"trigger": delay, "delay": delay, "now": now.encode(), "refresh": b"%d" % refresh_seconds(delay_ms)}
        parts = [self.pieces[0]]
        for place, piece in zip(self.places, self.pieces[1:], strict=True):
            parts.append(own[place])
            parts.append(piece)
        return b"".join(parts)

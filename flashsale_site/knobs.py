"""What a knob is, and how its text becomes a value. The knobs themselves are in `environment`.

A reader takes the text from the environment and returns the value, or raises ValueError with the rest of a sentence
that starts with the knob's name ("must be ...").
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sales.domain.rates import Rate

type Reader[T] = Callable[[str], T]

_YES = {"on", "true", "yes", "1"}
_NO = {"off", "false", "no", "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One thing that an installation may set.

    `default` and `demo` are texts, read like any other; a site in demo mode takes `demo` where there is one.
    `required` knobs have no default in production.
    """

    name: str
    read: Reader[object]
    kind: str
    default: str
    demo: str | None
    required: bool
    what: str
    whose: str

    def fallback(self, *, is_demo: bool) -> str:
        """Return the text that stands in when nobody set the knob."""
        return self.demo if is_demo and self.demo is not None else self.default


def knob[T](
    read: Reader[T], kind: str, *, what: str, whose: str, default: str = "", demo: str | None = None,
    required: bool = False,
) -> T:  # fmt: skip
    """Declare a field of `Environment` as a knob: its name in capitals is the variable's name."""
    made: T = field(
        metadata={
            "knob": {
                "read": read,
                "kind": kind,
                "default": default,
                "demo": demo,
                "required": required,
                "what": what,
                "whose": whose,
            }
        }
    )
    return made


def text(written: str) -> str:
    """Return the text itself."""
    return written


def flag(written: str) -> bool:
    """Read `on` or `off`."""
    if written.lower() in _YES:
        return True
    if written.lower() in _NO:
        return False
    raise ValueError(f"must be on or off, not {written!r}.")


def number(*, least: int, most: int) -> Reader[int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(written: str) -> int:
        if re.fullmatch(r"-?\d{1,18}", written, re.ASCII) and least <= int(written) <= most:
            return int(written)
        raise ValueError(f"must be a whole number from {least} to {most}, not {written!r}.")

    return read


def one_of[E: StrEnum](words: type[E]) -> Reader[E]:
    """Return a reader of the words of an enumeration."""

    def read(written: str) -> E:
        try:
            return words(written.lower())
        except ValueError:
            raise ValueError(f"must be {' or '.join(words)}, not {written!r}.") from None

    return read


def rate(written: str) -> Rate:
    """Read a rate such as `300/m`."""
    try:
        return Rate.parse(written)
    except ValueError as wrong:
        raise ValueError(f"cannot be read: {wrong}") from None


def words(written: str) -> tuple[str, ...]:
    """Read a list, parts divided by commas."""
    return tuple(part.strip() for part in written.split(",") if part.strip())


def networks(written: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read a list of addresses and networks."""
    try:
        return tuple(ip_network(part) for part in words(written))
    except ValueError as wrong:
        raise ValueError(f"must list addresses or networks such as 10.0.0.0/8, divided by commas: {wrong}.") from None


def origins(written: str) -> tuple[str, ...]:
    """Read a list of origins, `https://shop.example`; `*` alone means all."""
    listed = words(written)
    if listed == ("*",):
        return listed
    for origin in listed:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
            raise ValueError(f"must list origins such as https://shop.example, divided by commas; {origin!r} is none.")
    return listed


def time_zone(written: str) -> str:
    """Read the name of a time zone."""
    try:
        return ZoneInfo(written).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"must be the name of a time zone such as Europe/Berlin, not {written!r}.") from None


def currency(written: str) -> str:
    """Read the three capitals of a currency."""
    if not re.fullmatch(r"[A-Z]{3}", written):
        raise ValueError(f"must be the three capitals of a currency, such as EUR, not {written!r}.")
    return written


def server_url(written: str) -> str:
    """Read the address of a Redis or Valkey server."""
    if not written:
        return written
    try:
        parts = urlsplit(written)
        fits = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    else:
        fits = fits or (parts.scheme == "unix" and len(parts.path) > 1)
    if not fits:
        # The text itself is not repeated: it may hold a password.
        raise ValueError("must look like redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket?db=0.")
    return written

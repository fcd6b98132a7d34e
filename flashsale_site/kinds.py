"""The kinds of values that a knob may have: what the docs call each, and how its text is read.

A reader returns the value, or raises ValueError with the rest of a sentence that starts with the knob's name
("must be ...").
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf.locale import LANG_INFO

from sales.domain.rates import Rate


class LogFormat(StrEnum):
    """How a log record is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on records are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Kind[T]:
    """A kind of value: its words in the docs, and its reader."""

    words: str
    read: Callable[[str], T]


def text(words: str) -> Kind[str]:
    """Return a kind of free text."""
    return Kind(words, str)


def number(*, least: int, most: int, unit: str) -> Kind[int]:
    """Return whole numbers from `least` to `most`."""

    def read(written: str) -> int:
        if re.fullmatch(r"-?\d{1,18}", written, re.ASCII) and least <= int(written) <= most:
            return int(written)
        raise ValueError(f"must be a whole number from {least} to {most}, not {written[:40]!r}.")

    return Kind(unit, read)


def one_of[E: StrEnum](words: type[E]) -> Kind[E]:
    """Return the words of an enumeration."""
    listed = " or ".join(words)

    def read(written: str) -> E:
        try:
            return words(written.lower())
        except ValueError:
            raise ValueError(f"must be {listed}, not {written!r}.") from None

    return Kind(listed, read)


def _flag(written: str) -> bool:
    if written.lower() in {"on", "true", "yes", "1"}:
        return True
    if written.lower() in {"off", "false", "no", "0"}:
        return False
    raise ValueError(f"must be on or off, not {written!r}.")


def _rate(written: str) -> Rate:
    try:
        return Rate.parse(written)
    except ValueError as wrong:
        raise ValueError(f"cannot be read: {wrong}") from None


def _parts(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split(",") if part.strip())


def _networks(written: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part) for part in _parts(written))
    except ValueError as wrong:
        raise ValueError(f"must list addresses or networks such as 10.0.0.0/8, divided by commas: {wrong}.") from None


def _origins(written: str) -> tuple[str, ...]:
    listed = _parts(written)
    if listed == ("*",):
        return listed
    for origin in listed:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
            raise ValueError(f"must list origins such as https://shop.example, divided by commas; {origin!r} is none.")
    return listed


def _time_zone(written: str) -> str:
    try:
        return ZoneInfo(written).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"must be the name of a time zone such as Europe/Berlin, not {written!r}.") from None


def _languages(written: str) -> tuple[str, ...]:
    listed = _parts(written.lower())
    for code in listed:
        if "name_local" not in LANG_INFO.get(code, {}):
            raise ValueError(f"must list languages such as en, de or pt-br, divided by commas; {code!r} is none.")
    if not listed or len(set(listed)) < len(listed):
        raise ValueError(f"must name at least one language, and none of them twice, not {written!r}.")
    return listed


def _plain(pattern: str, wanted: str) -> Callable[[str], str]:
    """Return a reader of text that has the form of the pattern."""

    def read(written: str) -> str:
        if re.fullmatch(pattern, written, re.ASCII):
            return written
        raise ValueError(f"must be {wanted}, not {written!r}.")

    return read


def _hosts(written: str) -> tuple[str, ...]:
    listed = _parts(written)
    for host in listed:
        if not re.fullmatch(r"\*|\.?[a-z0-9.-]+|\[[0-9a-f:.]+\]", host, re.ASCII | re.IGNORECASE):
            raise ValueError(f"must list names such as shop.example, without https:// and without port, not {host!r}.")
    return listed


def _server_url(written: str) -> str:
    if not written or _names_a_server(written):
        return written
    # The text itself is not repeated: it may hold a password.
    raise ValueError("must look like redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket?db=0.")


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        database = parse_qs(parts.query).get("db", ["0"])[-1]
        if parts.scheme == "unix":
            return len(parts.path) > 1 and database.isdecimal()
        in_path = parts.path.strip("/") or "0"
        return (
            parts.scheme in {"redis", "rediss"}
            and bool(parts.hostname)
            and parts.port != 0
            and in_path.isdecimal()
            and database.isdecimal()
        )
    except ValueError:
        return False


TEXT = text("text")
FLAG = Kind("on or off", _flag)
RATE = Kind("rate, such as 300/m", _rate)
WORDS = Kind("list", _parts)
NETWORKS = Kind("list of networks", _networks)
ORIGINS = Kind("list of origins", _origins)
TIME_ZONE = Kind("time zone", _time_zone)
LANGUAGES = Kind("list of languages", _languages)
HOSTS = Kind("list of host names", _hosts)
CURRENCY = Kind("three capitals", _plain(r"[A-Z]{3}", "the three capitals of a currency, such as EUR"))
HEADER = Kind("name of a header", _plain(r"[A-Za-z0-9-]*", "the name of a header, such as X-Forwarded-Proto"))
# Braces would move the keys of one sale to different servers of a cluster.
PREFIX = Kind("letters, digits and .:_-", _plain(r"[A-Za-z0-9.:_-]*", "letters, digits and .:_- alone, such as shop:"))
FAULT_POINT = Kind(
    "name:number",
    _plain(r"([a-z_]+:[1-9][0-9]{0,3})?", "a point and how often it is passed, such as keeper_after_read:1"),
)
BIND = Kind(
    "host:port or unix:/path",
    _plain(
        r"unix:/\S+|[A-Za-z0-9.-]+:\d{1,5}|\[[0-9a-f:]+\]:\d{1,5}", "host:port, such as 127.0.0.1:8000, or unix:/path"
    ),
)
SERVER_URL = Kind("URL", _server_url)

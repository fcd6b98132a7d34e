"""The Lua scripts, read from `lua/` once: one file per verb, each with a header and the common prelude.

A ledger script is sent as header, prelude, body. Its first line stays `#!lua …`: without it a script can run half-way
when memory is full. What the headers promise is held against the bodies by the tests.
"""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lua"
_HEADER = re.compile(r"\A#!lua(?: flags=[a-z,-]+)?\n--\[\[\n.*?\n\]\]\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Script:
    """One script as it is sent to a server; `sha` is what EVALSHA takes."""

    name: str
    text: str = field(repr=False)

    @property
    def sha(self) -> str:
        """SHA-1 of the text, as the server computes it."""
        return _sha(self.text)

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return "no-writes" not in self.text.partition("\n")[0]


@cache
def _sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def header_and_body(name: str) -> tuple[str, str]:
    """Split a script's file. Raises ValueError where the header is not as every header is."""
    source = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    found = _HEADER.match(source)
    if not found:
        raise ValueError(f"{name}.lua must begin with #!lua and a --[[ header ]].")
    return source[: found.end()], source[found.end() :]


@cache
def prelude() -> str:
    """Return what stands between header and body of every ledger script."""
    return (FOLDER / "prelude.lua").read_text(encoding="utf-8")


def _load(name: str, *, with_prelude: bool) -> Script:
    header, body = header_and_body(name)
    return Script(name=name, text=header + (prelude() if with_prelude else "") + body)


LEDGER_SCRIPTS: dict[str, Script] = {
    name: _load(name, with_prelude=True)
    for name in (
        "purchase",
        "confirm",
        "release",
        "extend",
        "find",
        "snapshot",
        "tick",
        "publish",
        "set_state",
        "change",
        "cancel",
        "mark_recorded",
        "stamp",
        "mend",
        "fence",
        "move_holds",
        "install",
    )
}
CACHE_SCRIPTS: dict[str, Script] = {"spend": _load("spend", with_prelude=False)}

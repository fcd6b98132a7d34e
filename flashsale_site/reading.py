"""Reads the knobs from the process' environment and the `.env` file, or refuses with all mistakes at once."""

import argparse
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from flashsale_site import mistakes
from flashsale_site.environment import KNOBS, PROJECT, Environment
from sales.conf import Site

_ENV_FILE = next(each for each in KNOBS if each.name == "ENV_FILE")
_LINE = re.compile(r"(export )?[A-Za-z_0-9]+=")  # what django-environ takes; all else it would pass over


class Misconfigured(ImproperlyConfigured):
    """The settings contradict themselves or leave out what is needed; the message says what to change."""


def read(variables: Mapping[str, str] | None = None) -> Environment:
    """Return what `variables` (the process' environment) and the `.env` file say.

    Raises Misconfigured with one sentence for each mistake.
    """
    given = _with_file(os.environ if variables is None else variables)
    values: dict[str, Any] = {}
    found: list[str] = []
    is_demo = given.get("SITE", "").lower() == Site.DEMO
    for each in KNOBS:
        try:
            values[each.name.lower()] = each.kind.read(given.get(each.name) or each.fallback(is_demo=is_demo))
        except ValueError as wrong:
            found.append(f"{each.name} {wrong}")
    if not found:
        environment = Environment(**values)
        found = mistakes.of(environment)
        if not found:
            return environment
    raise Misconfigured(_told(found))


def assume_demo(arguments: Sequence[str]) -> None:
    """Prepare the process' environment for the command `demo` with these arguments, before settings are read.

    A site that nobody named is the demo then, and `--data` names its folder. A site that is named stays what it is:
    the demo must not start on the servers of a real shop.
    """
    if not _with_file(os.environ).get("SITE"):
        os.environ["SITE"] = Site.DEMO.value
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data", nargs="?")  # the command itself complains about one without a value
    known, _ = parser.parse_known_args(list(arguments))
    if known.data:
        os.environ["DATA_DIR"] = str(Path(known.data).absolute())


def _with_file(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the knobs that are set: by the variables or, below them, by the file of settings.

    An empty variable counts as not set, for compose files hand on what nobody gave as an empty text.
    """
    merged = _set_knobs(variables)

    class Source(environ.Env):  # type: ignore[misc]  # comes without types
        ENVIRON = merged  # in place of os.environ, which stays as it is

    Source.read_env(io.StringIO(_file_text(variables.get("ENV_FILE"))))
    return _set_knobs(merged)


def _file_text(named: str | None) -> str:
    """Return what the file of settings says; nothing if there is none, unless somebody named it."""
    file = PROJECT / (_ENV_FILE.default if named is None else named.strip())
    if named == "" or (named is None and not file.exists()):
        return ""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as refused:
        raise Misconfigured(f"ENV_FILE: {file} cannot be read ({refused.strerror}).") from refused
    except UnicodeDecodeError as wrong:
        raise Misconfigured(f"ENV_FILE: {file} is not text in UTF-8. Save it as such.") from wrong
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not line.startswith("#") and not _LINE.match(line):
            raise Misconfigured(f"ENV_FILE: line {number} of {file} is not of the form NAME=value, without spaces.")
    return text


def _set_knobs(variables: Mapping[str, str]) -> dict[str, str]:
    named = ((each.name, variables.get(each.name, "").strip()) for each in KNOBS)
    return {name: written for name, written in named if written}


def _told(found: Sequence[str]) -> str:
    if len(found) == 1:
        return found[0]
    return "\n".join([f"The settings have {len(found)} mistakes:", *(f"- {each}" for each in found)])

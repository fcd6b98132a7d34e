"""Reads the JSON object that a request carries, or says in a sentence what is wrong with it.

Strict where a lenient reader would guess: a name given twice, NaN, another charset. What the fields mean is not known
here, but for the two rules that hold for all of them: text, and at most 128 characters.
"""

import json
from codecs import BOM_UTF8
from typing import Any, NoReturn

import orjson

from sales import conf
from sales.answers import wire
from sales.answers.ask import Answer, Ask

MOST_CHARACTERS = 128


class _Unreadable(ValueError):
    """The body is no JSON object; the message is the sentence."""


def texts(ask: Ask, *names: str) -> dict[str, str] | Answer:
    """Return the named fields of the body, each of them there and not empty, or the 4xx that says what is wrong."""
    try:
        body = _json_object(ask)
    except _TooLarge as wrong:
        return wire.error(413, str(wrong))
    except _Unreadable as wrong:
        return wire.error(400, str(wrong))
    found: dict[str, Any] = {name: body.get(name) for name in names}
    values = found.values()
    if None in values or "" in values:
        return wire.error(400, required(*names))
    for name, value in found.items():
        if not isinstance(value, str):
            return wire.error(400, f"{name} must be text")
        if len(value) > MOST_CHARACTERS and len(value.strip()) > MOST_CHARACTERS:
            return wire.error(400, f"{name} is longer than {MOST_CHARACTERS} characters")
    return found


def required(*names: str) -> str:
    """Return the sentence for a field that is missing: `userId and flashSaleId are required`."""
    *others, last = names
    return f"{', '.join(others)} and {last} are required"


class _TooLarge(_Unreadable):
    """The body is over the limit."""


def _json_object(ask: Ask) -> dict[str, Any]:
    limit = conf.current().body_limit_bytes
    if len(ask.body) > limit:
        raise _TooLarge(f"The body is larger than {limit} bytes")
    if not ask.body.strip():
        return {}
    content_type = ask.headers.get("content-type", "")
    if content_type != "application/json":
        _check_type(content_type)
    body = _plain(ask.body) or _decoded(ask.body)
    if not isinstance(body, dict):
        raise _Unreadable("The body must be a JSON object")
    return body


def _plain(content: bytes) -> Any:
    """Return what most programs send: what comes to the same bytes when it is written again has nothing odd in it."""
    try:
        body = orjson.loads(content)
        return body if orjson.dumps(body) == content else None
    except (ValueError, TypeError):  # TypeError: nested too deeply to be written
        return None


def _decoded(content: bytes) -> Any:
    try:
        text = content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise _Unreadable("The body is not UTF-8") from None
    try:
        return _DECODER.decode(text)
    except _Unreadable:
        raise
    except json.JSONDecodeError as wrong:
        raise _Unreadable(f"The body is not JSON: line {wrong.lineno}, column {wrong.colno}") from None
    except RecursionError:
        raise _Unreadable("The body is nested too deeply") from None
    except ValueError:  # a number with thousands of digits
        raise _Unreadable("The body holds a number that is too long") from None


def _check_type(content_type: str) -> None:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise _Unreadable("Send the body as JSON, with Content-Type: application/json")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise _Unreadable("Send the body as UTF-8")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _Unreadable("The body names a field twice")
    return fields


def _no_constant(_name: str) -> NoReturn:
    raise _Unreadable("The body is not JSON: NaN and Infinity are not JSON numbers")


_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_constant)

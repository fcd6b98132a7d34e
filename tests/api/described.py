"""Holds an answer against the OpenAPI description: is this status described there, and does the body fit."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from sales.api import openapi

SURE_HEADERS = {"Retry-After", "WWW-Authenticate"}  # the others come only where somebody counts


def check(method: str, path: str, status: int, body: Any, headers: Mapping[str, str]) -> None:
    """Fail where the description knows this address and says otherwise."""
    template = _template_of(path)
    if template is None:
        return
    described = openapi.document()["paths"][template][method]["responses"]
    assert str(status) in described, f"{method} {template} is not described with status {status}: {body}"
    response = described[str(status)]
    (schema,) = (kind["schema"] for kind in response["content"].values())
    _validator(schema["$ref"]).validate(body)
    for name in SURE_HEADERS & set(response.get("headers", ())):
        assert name in headers, f"{method} {template} {status} comes without {name}"


def _template_of(path: str) -> str | None:
    for template in openapi.document()["paths"]:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            found: str = template
            return found
    return None


@cache
def _validator(reference: str) -> Draft202012Validator:
    schema = {"$ref": reference, "components": openapi.document()["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

"""The OpenAPI 3.1 description of the API: its paths. The shapes are in `openapi_schemas`.

Held against the real answers by the tests. What the rows mean to people is in `docs/api.md`.
"""

import json
from functools import cache
from typing import Any

from sales.api.openapi_schemas import HEADERS, SCHEMAS

type Json = dict[str, Any]

_SALE_ID = {
    "name": "saleId",
    "in": "path",
    "required": True,
    "description": "The sale's slug.",
    "schema": {"type": "string"},
    "example": "sample-sale-1",
}
_USER_ID = {
    "name": "userId",
    "in": "path",
    "required": True,
    "description": "The user as the API client calls them, percent-encoded.",
    "schema": {"$ref": "#/components/schemas/UserId"},
    "example": "user123",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names this purchase within one sale and one API client. A purchase that won is answered the same "
    "for the same key and body as long as the sale is kept; a refusal binds nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def _said(description: str, schema: str, *, headers: tuple[str, ...] = ()) -> Json:
    said: Json = {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
    if headers:
        said["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return said


_RATE = ("RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_TOO_MANY = _said("Too many requests; come back after Retry-After seconds.", "Error", headers=("Retry-After", *_RATE))
_TOO_MANY_POLLS = _said("Too many requests from this address.", "Error", headers=("Retry-After",))
_UNAVAILABLE = _said(
    "The ledger cannot be reached or is not proven complete: neither yes nor no. Ask again.",
    "Error",
    headers=("Retry-After",),
)
_UNAUTHORISED = _said("No API key, or one that is unknown, expired or revoked.", "Error", headers=("WWW-Authenticate",))
_FORBIDDEN = _said("The API key lacks the scope for this.", "Error", headers=("WWW-Authenticate",))
_TOO_LARGE = _said("The body is too large.", "Error")
_NOT_FOUND = _said("No purchase of this user has this id.", "Error")
# With a key, or, where the site is the open demo, without one.
_SECURITY: list[Json] = [{"apiKey": []}, {}]


def _act(operation: str, summary: str, body: str, answers: Json) -> Json:
    return {
        "post": {
            "operationId": operation,
            "summary": summary,
            "security": _SECURITY,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}},
            },
            "responses": {
                **answers,
                "401": _UNAUTHORISED,
                "403": _FORBIDDEN,
                "413": _TOO_LARGE,
                "429": _TOO_MANY,
                "503": _UNAVAILABLE,
            },
        }
    }


def _look(operation: str, summary: str, answers: Json, *parameters: Json, **more: Any) -> Json:
    asked = {"operationId": operation, "summary": summary, "responses": answers, **more}
    if parameters:
        asked["parameters"] = list(parameters)
    return {"get": asked}


def _purchase() -> Json:
    refused = _said(
        "Not bought, and why; or what is wrong with the request. A shopper at the limit is told the original "
        "purchaseId.",
        "NotBought",
    )
    path = _act(
        "purchase",
        "Buy a unit, or reserve one where the sale has a hold time.",
        "PurchaseRequest",
        {
            "200": _said("Bought or reserved.", "Taken", headers=_RATE),
            "400": refused,
            "422": _said("The Idempotency-Key was used by another userId.", "Error"),
        },
    )
    path["post"]["parameters"] = [_KEY]
    return path


_PATHS: Json = {
    "/api/flashsale/sales": _look(
        "listSales",
        "All published sales, newest opening first.",
        {"200": _said("The sales.", "Sales"), "429": _TOO_MANY_POLLS, "503": _UNAVAILABLE},
    ),
    "/api/flashsale/status/{saleId}": _look(
        "showStatus",
        "How one sale stands.",
        {
            "200": _said("The sale.", "Sale"),
            "404": _said("There is no such sale, or it is a draft.", "Error"),
            "429": _TOO_MANY_POLLS,
            "503": _UNAVAILABLE,
        },
        _SALE_ID,
    ),
    "/api/flashsale/purchase": _purchase(),
    "/api/flashsale/confirm": _act(
        "confirm",
        "Buy a unit that is held. The same answer when repeated.",
        "HoldRequest",
        {"200": _said("Bought.", "Bought"), "400": _said("Not bought.", "NotDone"), "404": _NOT_FOUND},
    ),
    "/api/flashsale/release": _act(
        "release",
        "Let a unit go that is held. The same answer when repeated.",
        "HoldRequest",
        {"200": _said("Released.", "Released"), "400": _said("Not released.", "NotDone"), "404": _NOT_FOUND},
    ),
    "/api/flashsale/extend": _act(
        "extend",
        "Hold a unit longer, once, where the sale allows it. The same answer when repeated.",
        "HoldRequest",
        {"200": _said("Reserved for longer.", "Reserved"), "400": _said("Not extended.", "NotDone"), "404": _NOT_FOUND},
    ),
    "/api/flashsale/user/{userId}/purchase/{saleId}": _look(
        "lookUp",
        "What a user has bought or holds in a sale.",
        {
            "200": _said("What there is; nothing for an unknown user or sale.", "LookedUp", headers=_RATE),
            "400": _said("The userId cannot be one.", "Error"),
            "401": _UNAUTHORISED,
            "403": _FORBIDDEN,
            "429": _TOO_MANY,
            "503": _UNAVAILABLE,
        },
        _USER_ID,
        _SALE_ID,
        security=_SECURITY,
    ),
    "/health": _look("health", "Whether this process is alive.", {"200": _said("It is.", "Health")}),
    "/ready": _look(
        "ready",
        "Whether shoppers may be sent here.",
        {"200": _said("They may.", "Readiness"), "503": _said("They may not, and why.", "Readiness")},
    ),
}

_DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {
        "title": "Flash sale API",
        "version": "1.0.0",
        "description": "Times are ISO-8601 in UTC with milliseconds, durations integer milliseconds. Fields may be "
        "added; none is renamed or removed.",
    },
    "servers": [{"url": "/"}],
    "paths": _PATHS,
    "components": {
        "schemas": SCHEMAS,
        "headers": HEADERS,
        "securitySchemes": {
            "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, with the scope `purchase` or `lookup`. The open demo needs none.",
            }
        },
    },
}


def document() -> Json:
    """Return the description."""
    return _DOCUMENT


@cache
def text() -> bytes:
    """Return the description as JSON."""
    return json.dumps(_DOCUMENT, indent=1).encode()

"""The shapes of the API's bodies and headers, as JSON Schema 2020-12 inside the OpenAPI description."""

from typing import Any

type Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TIME: Json = {"$ref": "#/components/schemas/Time"}
_DURATION: Json = {"type": "integer", "minimum": 0, "description": "Milliseconds."}
_YES: Json = {"const": True}
_NO: Json = {"const": False}
_COUNT: Json = {"type": "integer", "minimum": 0}
_ORDER_ID: Json = {"type": "string", "format": "uuid"}
_UNIT: Json = {"type": "integer", "minimum": 1, "description": "The unit's number, from 1 to the sale's stock."}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Json, /, **optional: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _const(value: str | int) -> Json:
    return {"const": value}


def _refused(*messages: str) -> Json:
    return _object(
        {"success": _NO, "message": {"enum": list(messages)}},
        code={**_TEXT, "description": "The reason, for programs."},
        purchaseId={**_ORDER_ID, "description": "The original purchase of somebody at the limit."},
        orderStatus={**_const("cancelled"), "description": "Where that purchase was cancelled."},
    )


_PURCHASED: Json = {
    "id": _ORDER_ID,
    "userId": _ref("UserId"),
    "flashSaleId": _TEXT,
    "quantity": _const(1),
    "timestamp": _TIME,
}
_TAKEN: Json = {"purchaseId": _ORDER_ID, "remainingStock": _COUNT}

SCHEMAS: Json = {
    "Time": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        "examples": ["2026-11-22T05:01:00.000Z"],
    },
    "UserId": {
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "description": "Taken as it is after Unicode NFC and trimming; no control characters.",
    },
    "Error": _object({"error": _TEXT}),
    "Sale": _object(
        {
            "id": _TEXT,
            "status": {"enum": ["upcoming", "active", "ended", "sold_out"]},
            "productName": _TEXT,
            "remainingStock": _COUNT,
            "totalStock": _COUNT,
            "startTime": _TIME,
            "endTime": _TIME,
        },
        timeUntilStart={**_DURATION, "description": "Milliseconds; only of an upcoming sale."},
        timeUntilEnd={**_DURATION, "description": "Milliseconds; only of an active sale."},
        paused={**_YES, "description": "Only of a paused sale."},
        serverTime=_TIME,
    ),
    "Sales": {"type": "array", "items": _ref("Sale")},
    "PurchaseRequest": _object({"userId": _ref("UserId"), "flashSaleId": {**_TEXT, "maxLength": 128}}),
    "HoldRequest": _object({"userId": _ref("UserId"), "flashSaleId": {**_TEXT, "maxLength": 128}, "purchaseId": _TEXT}),
    "Bought": _object(
        {"success": _YES, "message": _const("Purchase successful!"), **_TAKEN},
        unit=_UNIT,
        orderStatus={
            "enum": ["pending", "confirmed", "cancelled"],
            "description": "pending until the database has the order.",
        },
    ),
    "Reserved": _object(
        {
            "success": _YES,
            "message": _const("Reserved"),
            **_TAKEN,
            "orderStatus": _const("held"),
            "holdExpiresAt": _TIME,
        },
        unit=_UNIT,
    ),
    "Taken": {"oneOf": [_ref("Bought"), _ref("Reserved")]},
    "Released": _object({"success": _YES, "message": _const("Released")}),
    "PurchaseRefused": _refused(
        "Flash sale not found",
        "Sale has not started yet",
        "Sale has ended",
        "Item is sold out",
        "You have already purchased this item",
        "Sale is paused",
        "Too many expired holds",
        "Hold has expired",
    ),
    "NotBought": {"oneOf": [_ref("PurchaseRefused"), _ref("Error")]},
    "HoldRefused": _refused(
        "Flash sale not found", "Hold has expired", "Item is already purchased", "Hold cannot be extended"
    ),
    "NotDone": {"oneOf": [_ref("HoldRefused"), _ref("Error")]},
    "Purchase": _object({**_PURCHASED, "status": {"enum": ["pending", "confirmed", "cancelled"]}}, unit=_UNIT),
    "Hold": _object({**_PURCHASED, "status": _const("held"), "holdExpiresAt": _TIME}, unit=_UNIT),
    "LookedUp": {
        **_object(
            {"hasPurchased": {"type": "boolean"}},
            purchase=_ref("Purchase"),
            purchases={
                "type": "array",
                "items": _ref("Purchase"),
                "description": "All of them, newest first, where there may be more than one.",
            },
            hold=_ref("Hold"),
        ),
        "if": {"properties": {"hasPurchased": {"const": True}}},
        "then": {"required": ["purchase"]},
        "else": {"not": {"anyOf": [{"required": ["purchase"]}, {"required": ["purchases"]}]}},
    },
    "Health": _object({"status": _const("OK"), "timestamp": _TIME}),
    "Readiness": _object(
        {
            "status": {"enum": ["ready", "not ready"]},
            "timestamp": _TIME,
            "checks": {
                "type": "object",
                "additionalProperties": _object({"ok": {"type": "boolean"}, "says": _TEXT}),
            },
        }
    ),
}

HEADERS: Json = {
    "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "What kind of key is wanted.", "schema": _TEXT},
    "RateLimit-Policy": {"description": "The limit that is nearest, such as `5;w=60`.", "schema": _TEXT},
    "RateLimit-Limit": {"description": "Requests in its window.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "Requests left in its window.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until its window ends.", "schema": {"type": "integer"}},
}

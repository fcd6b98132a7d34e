"""The JSON wire contract: which status and which body stand for each outcome. `docs/api.md` says the same in words.

Keys, their order, messages and statuses are those that existing clients know. They are not translated: programs read
them. Which outcome it is was decided elsewhere; nothing here asks anybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from sales.answers.ask import Answer, Headers
from sales.domain.outcomes import UNDECIDED, Outcome
from sales.live.results import Taken

type Body = dict[str, Any]

JSON_HEADERS: Headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
RETRY_AFTER_SECONDS = 2  # a ledger that stopped and started sells again within seconds

CANNOT_BE_ASKED = "The sale cannot be asked right now, please try again"
MAY_HAVE_HAPPENED = "It is not known whether this went through; please ask again, or look it up"
NOT_FOUND = "Flash sale not found"
ALREADY_PURCHASED = "Item is already purchased"


def instant(moment_ms: int) -> str:
    """Return a moment as the contract writes it: `2026-11-22T05:01:00.000Z`."""
    return written(datetime.fromtimestamp(moment_ms / 1_000, UTC))


def written(moment: datetime) -> str:
    """Return an aware datetime as the contract writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reply(status: int, body: Any, headers: Headers = ()) -> Answer:
    """Make an answer of something that JSON can say."""
    return Answer(status=status, headers=JSON_HEADERS + headers, body=orjson.dumps(body))


def error(status: int, sentence: str, headers: Headers = ()) -> Answer:
    """Refuse a request that was wrong in itself, or cannot be answered now: `{"error": …}`."""
    return reply(status, {"error": sentence}, headers)


def unavailable(sentence: str = CANNOT_BE_ASKED) -> Answer:
    """Say neither yes nor no, and when to ask again."""
    return error(503, sentence, (("Retry-After", str(RETRY_AFTER_SECONDS)),))


def undecided(outcome: Outcome) -> Answer:
    """Answer for an outcome of UNDECIDED."""
    return unavailable(MAY_HAVE_HAPPENED if outcome is Outcome.UNKNOWN else CANNOT_BE_ASKED)


def unknown_sale() -> Answer:
    """Answer an act on a sale that is not public."""
    return reply(400, {"success": False, "message": NOT_FOUND})


def unknown_purchase() -> Answer:
    """Answer an act on an order that is not this shopper's."""
    return error(404, "Purchase not found")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the contract: a status, and the body made of what the ledger said."""

    status: int
    body: Callable[[Taken], Body]


def bought(taken: Taken) -> Body:
    """Say that the unit is the shopper's, or was until the shop cancelled it."""
    return {
        "success": True,
        "message": "Purchase successful!",
        "purchaseId": _order_id(taken),
        "remainingStock": taken.left,
        "unit": taken.entry.unit if taken.entry else None,
        "orderStatus": order_status(taken),
    }


def reserved(taken: Taken) -> Body:
    """Say that the unit is held, and until when."""
    return {
        "success": True,
        "message": "Reserved",
        "purchaseId": _order_id(taken),
        "remainingStock": taken.left,
        "orderStatus": "held",
        "holdExpiresAt": instant(taken.entry.at_ms) if taken.entry else None,
        "unit": taken.entry.unit if taken.entry else None,
    }


def already(taken: Taken) -> Body:
    """Say that the shopper is at the limit, and with which order."""
    body: Body = {"success": False, "message": "You have already purchased this item", "purchaseId": _order_id(taken)}
    if taken.entry and taken.entry.is_cancelled:
        body["orderStatus"] = "cancelled"
    return body | {"code": "already"}


def order_status(taken: Taken) -> str:
    """Return where an order stands: `pending` until it is on record, then `confirmed`; or `cancelled`."""
    if taken.outcome is Outcome.CANCELLED or (taken.entry and taken.entry.is_cancelled):
        return "cancelled"
    return "confirmed" if taken.recorded else "pending"


def _order_id(taken: Taken) -> str | None:
    return str(taken.entry.order_id) if taken.entry else None


def _released(_taken: Taken) -> Body:
    return {"success": True, "message": "Released"}


def _no(message: str, code: str) -> Row:
    return Row(400, lambda _taken: {"success": False, "message": message, "code": code})


_GONE = _no("Hold has expired", "gone")
_ALREADY_PURCHASED = _no(ALREADY_PURCHASED, "bought")
_UNKNOWN_ORDER = Row(404, lambda _taken: {"error": "Purchase not found"})

PURCHASE: Mapping[Outcome, Row] = {
    Outcome.BOUGHT: Row(200, bought),
    Outcome.CANCELLED: Row(200, bought),  # a purchase that won is answered the same, whatever became of it
    Outcome.HELD: Row(200, reserved),
    Outcome.ALREADY: Row(400, already),
    Outcome.UPCOMING: _no("Sale has not started yet", "upcoming"),
    Outcome.ENDED: _no("Sale has ended", "ended"),
    Outcome.SOLD_OUT: _no("Item is sold out", "sold_out"),
    Outcome.PAUSED: _no("Sale is paused", "paused"),
    Outcome.LOST_HOLDS: _no("Too many expired holds", "lost_holds"),
    Outcome.GONE: _GONE,
    Outcome.UNKNOWN_SLOT: _no("There is no such slot yet", "unknown_slot"),
    Outcome.KEY_TAKEN: Row(422, lambda _taken: {"error": "This Idempotency-Key was used by another userId"}),
}
CONFIRM: Mapping[Outcome, Row] = {
    Outcome.BOUGHT: Row(200, bought),
    Outcome.CANCELLED: Row(200, bought),
    Outcome.GONE: _GONE,
    Outcome.UNKNOWN_ORDER: _UNKNOWN_ORDER,
}
RELEASE: Mapping[Outcome, Row] = {
    Outcome.LET_GO: Row(200, _released),
    Outcome.GONE: Row(200, _released),  # it is not the shopper's any more, which is what was asked for
    Outcome.BOUGHT: _ALREADY_PURCHASED,
    Outcome.CANCELLED: _ALREADY_PURCHASED,
    Outcome.UNKNOWN_ORDER: _UNKNOWN_ORDER,
}
EXTEND: Mapping[Outcome, Row] = {
    Outcome.EXTENDED: Row(200, reserved),
    Outcome.NO_EXTENSION: _no("Hold cannot be extended", "no_extension"),
    Outcome.BOUGHT: _ALREADY_PURCHASED,
    Outcome.CANCELLED: _ALREADY_PURCHASED,
    Outcome.GONE: _GONE,
    Outcome.UNKNOWN_ORDER: _UNKNOWN_ORDER,
}


def answer(table: Mapping[Outcome, Row], taken: Taken, headers: Headers = ()) -> Answer:
    """Return the row of the contract for what the ledger said; `headers` are added to it."""
    if taken.outcome in UNDECIDED:
        return undecided(taken.outcome).with_headers(headers)
    row = table[taken.outcome]
    return reply(row.status, row.body(taken), headers)

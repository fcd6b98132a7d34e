"""POST /api/flashsale/confirm, /release and /extend: what may be done with a unit that is held."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sales.answers import bodies, callers, limiting, steps, wire
from sales.answers.ask import Answer, Ask, Steps
from sales.answers.callers import Caller
from sales.answers.steps import HoldVerb
from sales.answers.wire import Row
from sales.domain.outcomes import UNDECIDED, Outcome
from sales.live import ledger

SCOPE = "purchase"
_ORDER_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A hold, as its shopper names it."""

    sale_slug: str
    shopper: str
    order_id: UUID


def confirm(ask: Ask) -> Steps:
    """Buy what is held."""
    return _act(ask, ledger.confirm, wire.CONFIRM)


def release(ask: Ask) -> Steps:
    """Let go of what is held."""
    return _act(ask, ledger.release, wire.RELEASE)


def extend(ask: Ask) -> Steps:
    """Move the deadline, once, where the sale allows it."""
    return _act(ask, ledger.extend, wire.EXTEND)


def _act(ask: Ask, verb: HoldVerb, table: Mapping[Outcome, Row]) -> Steps:
    caller = yield from callers.of(ask, scope=SCOPE)
    if isinstance(caller, Answer):
        return caller
    named = _named(ask, caller)
    if isinstance(named, Answer):
        return named
    known = yield from steps.catalogue_now()
    if known is None:
        return wire.unavailable()
    sale = known.sales.get(named.sale_slug)
    if sale is None:
        return wire.unknown_sale()
    allowance = yield from limiting.spend(limiting.for_lookup(address=ask.address, client=caller.keyed))
    if limiting.may_go_on(allowance):
        taken = yield from steps.about_hold(verb, sale, shopper=named.shopper, order_id=named.order_id)
    else:
        taken = yield from steps.standing(sale, shopper=named.shopper, order_id=named.order_id)
        if taken.outcome not in table and taken.outcome not in UNDECIDED:  # nothing was decided yet
            return limiting.refusal(allowance, sentence=limiting.TOO_MANY_REQUESTS)
    return wire.answer(table, taken, limiting.headers(allowance))


def _named(ask: Ask, caller: Caller) -> Named | Answer:
    names = ("userId", "flashSaleId", "purchaseId")
    fields = bodies.texts(ask, *names)
    if isinstance(fields, Answer):
        return fields
    user_id = callers.user(fields["userId"])
    if isinstance(user_id, Answer):
        return user_id
    if not user_id:
        return wire.error(400, bodies.required(*names))
    if not _ORDER_ID.fullmatch(fields["purchaseId"]):
        return wire.unknown_purchase()
    return Named(sale_slug=fields["flashSaleId"], shopper=caller.shopper(user_id), order_id=UUID(fields["purchaseId"]))

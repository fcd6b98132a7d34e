"""GET /api/flashsale/user/:userId/purchase/:flashSaleId: what a user of an API client has in a sale."""

from sales.answers import callers, limiting, steps, wire
from sales.answers.ask import Answer, Ask, Asking, Steps
from sales.answers.callers import Caller
from sales.answers.wire import Body
from sales.domain.outcomes import Outcome
from sales.live.entries import Entry
from sales.live.results import Found
from sales.queries.catalogue import SaleEntry

SCOPE = "lookup"
NOTHING: Body = {"hasPurchased": False}


def answer(ask: Ask, *, user_id: str, sale_id: str) -> Steps:
    """Answer with what is bought and what is held; somebody or a sale unknown has nothing."""
    caller = yield from callers.of(ask, scope=SCOPE)
    if isinstance(caller, Answer):
        return caller
    user = callers.user(user_id)
    if isinstance(user, Answer):
        return user
    if not user:
        return wire.error(400, "userId is required")
    known = yield from steps.catalogue_now()
    if known is None:
        return wire.unavailable()
    allowance = yield from limiting.spend(limiting.for_lookup(address=ask.address, client=caller.keyed))
    if not limiting.may_go_on(allowance):
        return limiting.refusal(allowance, sentence=limiting.TOO_MANY_REQUESTS)
    sale = known.sales.get(sale_id)
    found = wire.reply(200, NOTHING) if sale is None else (yield from _look(sale, caller, user))
    return found.with_headers(limiting.headers(allowance))


def _look(sale: SaleEntry, caller: Caller, user: str) -> Asking[Answer]:
    found = yield from steps.find(sale, shopper=caller.shopper(user))
    if found.outcome is not Outcome.FOUND:
        return wire.unavailable()
    return wire.reply(200, described(found, sale=sale, user=user))


def described(found: Found, *, sale: SaleEntry, user: str) -> Body:
    """Return a user's purchases as the contract shows them."""
    won = sorted(
        (entry for entry in found.entries if entry.is_bought or entry.is_cancelled),
        key=lambda entry: (entry.at_ms, entry.slot),
        reverse=True,
    )
    body: Body = dict(NOTHING)
    if won:
        newest = next((entry for entry in won if entry.is_bought), won[0])
        body = {"hasPurchased": True, "purchase": _purchase(newest, found, sale, user)}
        if sale.limit > 1 or len(won) > 1:
            body["purchases"] = [_purchase(entry, found, sale, user) for entry in won]
    if found.open_holds:
        body["hold"] = _hold(found.open_holds[0], sale, user)
    return body


def _purchase(entry: Entry, found: Found, sale: SaleEntry, user: str) -> Body:
    return {
        **_named(entry, sale, user),
        "timestamp": wire.instant(entry.at_ms),
        "status": _status(entry, found),
        "unit": entry.unit,
    }


def _hold(entry: Entry, sale: SaleEntry, user: str) -> Body:
    return {
        **_named(entry, sale, user),
        "timestamp": wire.instant(entry.taken_ms),
        "status": "held",
        "unit": entry.unit,
        "holdExpiresAt": wire.instant(entry.at_ms),
    }


def _named(entry: Entry, sale: SaleEntry, user: str) -> Body:
    return {"id": str(entry.order_id), "userId": user, "flashSaleId": sale.slug, "quantity": 1}


def _status(entry: Entry, found: Found) -> str:
    if entry.is_cancelled:
        return "cancelled"
    return "confirmed" if entry.is_recorded(found.recorded_seq) else "pending"

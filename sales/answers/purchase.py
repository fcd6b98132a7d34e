"""POST /api/flashsale/purchase: take a unit for a user of an API client."""

from typing import NamedTuple
from uuid import uuid4

from sales.answers import bodies, callers, limiting, steps, wire
from sales.answers.ask import Answer, Ask, Asking, Steps
from sales.answers.callers import Caller
from sales.live import keys
from sales.queries.catalogue import SaleEntry

SCOPE = "purchase"
_MOST_KEY_CHARACTERS = 255


class Wish(NamedTuple):
    """Who wants a unit of which sale. `key_digest` is empty where no Idempotency-Key came."""

    sale_slug: str
    shopper: str
    key_digest: str


def answer(ask: Ask) -> Steps:
    """Take a unit, or say why not; ask again with the same Idempotency-Key and the answer is the same purchase."""
    caller = yield from callers.of(ask, scope=SCOPE)
    if isinstance(caller, Answer):
        return caller
    wish = _wish(ask, caller)
    if isinstance(wish, Answer):
        return wish
    known = yield from steps.catalogue_now()
    if known is None:
        return wire.unavailable()
    sale = known.sales.get(wish.sale_slug)
    if sale is None:
        return wire.unknown_sale()
    return (yield from _decide(sale, wish, caller, ask.address))


def _decide(sale: SaleEntry, wish: Wish, caller: Caller, address: str) -> Asking[Answer]:
    """Pay and take. Over the limit, only say again what was decided before: that is free."""
    buckets = limiting.for_purchase(shopper=wish.shopper, address=address, client=caller.keyed)
    allowance = yield from limiting.spend(buckets)
    if limiting.may_go_on(allowance):
        taken = yield from steps.take(sale, shopper=wish.shopper, order_id=uuid4(), key_digest=wish.key_digest)
        return wire.answer(wire.PURCHASE, taken, limiting.headers(allowance))
    before = yield from steps.take_again(sale, shopper=wish.shopper, key_digest=wish.key_digest)
    if before is None:
        return limiting.refusal(allowance, sentence=limiting.TOO_MANY_PURCHASES)
    return wire.answer(wire.PURCHASE, before, limiting.headers(allowance))


def _wish(ask: Ask, caller: Caller) -> Wish | Answer:
    fields = bodies.texts(ask, "userId", "flashSaleId")
    if isinstance(fields, Answer):
        return fields
    user_id = callers.user(fields["userId"])
    if isinstance(user_id, Answer):
        return user_id
    if not user_id:
        return wire.error(400, bodies.required("userId", "flashSaleId"))
    key = ask.headers.get("idempotency-key")
    if key is not None and not _is_key(key):
        return wire.error(400, f"Idempotency-Key must be 1 to {_MOST_KEY_CHARACTERS} visible ASCII characters")
    return Wish(
        sale_slug=fields["flashSaleId"],
        shopper=caller.shopper(user_id),
        key_digest=keys.digest(client=caller.slug, key=key) if key else "",
    )


def _is_key(key: str) -> bool:
    return 1 <= len(key) <= _MOST_KEY_CHARACTERS and all("!" <= letter <= "~" for letter in key)

"""Buying in a page: buy, confirm, let go, extend, each with the pass of the page, and what the stub says then.

Shared by the views and by whatever answers in front of them; no session and no database are asked. How an answer is
written, fragment or whole page, is the edge's choice: a `Reply` holds what both are made of.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qs
from uuid import UUID

from sales import conf
from sales.answers import limiting, passes, steps
from sales.answers.ask import Ask, Asking
from sales.answers.passes import Flaw, Pass
from sales.answers.steps import HoldVerb
from sales.answers.telling import Click, Told, tell, tell_of_unit
from sales.domain.outcomes import Outcome
from sales.live import ledger
from sales.live.limiter import Allowance
from sales.live.results import Taken
from sales.queries.catalogue import SaleEntry
from sales.queries.copies import Unavailable
from sales.queries.mine import Mine

MOST_FIELDS = 10
_AT_LEAST_ONE = frozenset({Outcome.BOUGHT, Outcome.HELD, Outcome.EXTENDED, Outcome.ALREADY})
"""After these the shopper has a unit that counts to the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyForm:
    """The form that every sale page has, with a line on who is ready. Without a pass it leads to sign-in."""

    slug: str
    pass_text: str = ""
    ready: str = ""  # the address of who is signed in and could buy
    invites: bool = False  # to sign in before the rush
    out_of_band: bool = False  # comes beside a stub, to replace the page's form


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a click: the stub, the form with the pass of the next attempt, and how to say it in HTTP."""

    sale: SaleEntry
    mine: Mine
    form: BuyForm
    status: int
    retry_after: int | None = None
    server_ms: int = 0

    @property
    def is_done(self) -> bool:
        """Whether something is the shopper's now, or no longer: then a plain form is sent back to the page."""
        return self.status == 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What the form carried, read and checked."""

    held_pass: Pass
    session_key: str
    hold_slot: int
    order_id: UUID | None


def buy(ask: Ask, *, slug: str, chance: float) -> Asking[Reply | None]:
    """Take a unit with the pass of the page; None where there is no such sale.

    The order id is made from the pass, so that asking again with it is the same purchase.
    """

    def act(sale: SaleEntry, sent: _Sent) -> Asking[Taken | Allowance]:
        shopper = sent.held_pass.shopper
        allowance = yield from limiting.spend(limiting.for_purchase(shopper=shopper, address=ask.address))
        if limiting.may_go_on(allowance):
            return (
                yield from steps.take(sale, shopper=shopper, slot=sent.held_pass.slot, order_id=sent.held_pass.order_id)
            )
        return (yield from steps.take_again(sale, shopper=shopper, slot=sent.held_pass.slot)) or allowance

    return _reply(ask, "buy", act, slug=slug, chance=chance)


def confirm(ask: Ask, *, slug: str, chance: float) -> Asking[Reply | None]:
    """Buy the unit that is held."""
    return _about_hold(ask, "confirm", ledger.confirm, slug=slug, chance=chance)


def let_go(ask: Ask, *, slug: str, chance: float) -> Asking[Reply | None]:
    """Let go of the unit that is held."""
    return _about_hold(ask, "let_go", ledger.release, slug=slug, chance=chance)


def extend(ask: Ask, *, slug: str, chance: float) -> Asking[Reply | None]:
    """Move the deadline, once, where the sale allows it."""
    return _about_hold(ask, "extend", ledger.extend, slug=slug, chance=chance)


def _about_hold(ask: Ask, verb: str, call: HoldVerb, *, slug: str, chance: float) -> Asking[Reply | None]:
    def act(sale: SaleEntry, sent: _Sent) -> Asking[Taken | Allowance]:
        shopper, order_id = sent.held_pass.shopper, sent.order_id
        if order_id is None:
            return Taken(outcome=Outcome.UNKNOWN_ORDER)
        allowance = yield from limiting.spend(limiting.for_lookup(address=ask.address))
        if limiting.may_go_on(allowance):
            return (yield from steps.about_hold(call, sale, shopper=shopper, order_id=order_id, slot=sent.hold_slot))
        standing = yield from steps.standing(sale, shopper=shopper, order_id=order_id)
        return allowance if standing.outcome in (Outcome.HELD, Outcome.UNKNOWN_ORDER) else standing

    return _reply(ask, verb, act, slug=slug, chance=chance)


_Act = Callable[[SaleEntry, _Sent], Asking[Taken | Allowance]]


def _reply(ask: Ask, verb: str, act: _Act, *, slug: str, chance: float) -> Asking[Reply | None]:
    """Find the sale, check the pass, act, and tell what came of it.

    Raises Unavailable where the database has not been reached since this process began.
    """
    known = yield from steps.catalogue_now()
    if known is None:
        raise Unavailable
    sale = known.sales.get(slug)
    if sale is None:
        return None
    fields = _fields(ask)
    sent = yield from _sent(ask, fields, sale)
    done = (yield from act(sale, sent)) if isinstance(sent, _Sent) else sent
    click = Click(verb=verb, fields=fields, own_order=_own_order(verb, sent), chance=chance)
    told = tell_of_unit(sale, click, done) or tell(sale, click, done, (yield from steps.numbers(sale)))
    next_form = yield from _next_form(sale, sent, done, told)
    mine = told.mine
    if mine.may_buy_another and next_form is None:
        mine = replace(mine, may_buy_another=False)
    kept = fields["pass"] if isinstance(sent, _Sent) else ""
    return Reply(
        sale=sale,
        mine=mine,
        form=next_form or BuyForm(slug=sale.slug, pass_text=kept, out_of_band=True),
        status=told.status,
        retry_after=told.retry_after,
        server_ms=told.server_ms,
    )


def _next_form(
    sale: SaleEntry, sent: _Sent | Flaw, done: Taken | Allowance | Flaw, told: Told
) -> Asking[BuyForm | None]:
    """Return the form with a pass for the next attempt; None where this one stands, or nothing more may be had."""
    if not isinstance(sent, _Sent) or told.same_attempt:
        return None
    if sale.limit == 1 and isinstance(done, Taken) and done.outcome in _AT_LEAST_ONE:
        return None  # one is all there is to have, and the ledger need not be asked again
    found = yield from steps.find(sale, shopper=sent.held_pass.shopper)
    if found.outcome is not Outcome.FOUND or found.at_limit:
        return None
    account, key = sent.held_pass.account, sent.session_key
    pass_text = passes.mint(sale=sale.pk, account=account, slot=found.next_slot, session_key=key)
    return BuyForm(slug=sale.slug, pass_text=pass_text, out_of_band=True)


def _own_order(verb: str, sent: _Sent | Flaw) -> UUID | None:
    if not isinstance(sent, _Sent):
        return None
    return sent.held_pass.order_id if verb == "buy" else sent.order_id


def _sent(ask: Ask, fields: dict[str, str], sale: SaleEntry) -> Asking[_Sent | Flaw]:
    session_key = passes.session_key_of(ask.headers.get("cookie", ""))
    found = passes.read(fields.get("pass", ""), sale=sale.pk, session_key=session_key)
    if isinstance(found, Flaw):
        return found
    ended = yield from steps.ended_sessions_now()
    if ended is None:
        raise Unavailable
    if ended.has(session=found.session, account=found.account, issued_ms=found.issued_ms):
        return Flaw.OTHER_SESSION
    slot = fields.get("slot", "")
    return _Sent(
        held_pass=found,
        session_key=session_key,
        hold_slot=int(slot) if slot.isascii() and slot.isdigit() and len(slot) < 8 else 0,
        order_id=_uuid(fields.get("order", "")),
    )


def _fields(ask: Ask) -> dict[str, str]:
    """Read the form; what cannot be read is not there, and then the pass is missing."""
    if len(ask.body) > conf.current().body_limit_bytes:
        return {}
    try:
        sent = parse_qs(ask.body.decode("ascii"), max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in sent.items()}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

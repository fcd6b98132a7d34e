"""Publish, pause, resume and close a sale: first on record, then in the live ledger.

The record decides. Where the ledger is away, or not proven, the act stands all the same, and the keeper brings the
ledger after (`following`). Not here: settling, changes of stock and window, and anything about orders.
"""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from sales.domain.states import SaleState
from sales.models import Sale
from sales.services import acting, following
from sales.services.acting import Actor


class Refused(Exception):
    """What was asked may not follow. The message is a sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was done: the sale as it now stands on record, and whether the ledger knows already.

    Where it does not, the keeper tells it within a second of its being back.
    """

    sale: Sale
    reached_ledger: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verb:
    """One act: the states it may begin in, the one it ends in, and the sentences that refuse it in all others."""

    name: str
    begins: frozenset[SaleState]
    ends: SaleState
    refusals: dict[SaleState, str]


_CLOSED_FOR_GOOD = gettext_noop("This sale is closed, and a closed sale is not opened again.")

PUBLISH = _Verb(
    name="publish",
    begins=frozenset({SaleState.DRAFT}),
    ends=SaleState.PUBLISHED,
    refusals={
        SaleState.PUBLISHED: gettext_noop("This sale is published already."),
        SaleState.PAUSED: gettext_noop("This sale is published and paused. Resume it instead."),
        SaleState.CLOSED: _CLOSED_FOR_GOOD,
        SaleState.SETTLED: _CLOSED_FOR_GOOD,
    },
)
PAUSE = _Verb(
    name="pause",
    begins=frozenset({SaleState.PUBLISHED}),
    ends=SaleState.PAUSED,
    refusals={
        SaleState.DRAFT: gettext_noop("This sale is a draft. Only a published sale can be paused."),
        SaleState.PAUSED: gettext_noop("This sale is paused already."),
        SaleState.CLOSED: gettext_noop("This sale is closed, so there is nothing to pause."),
        SaleState.SETTLED: gettext_noop("This sale is closed, so there is nothing to pause."),
    },
)
RESUME = _Verb(
    name="resume",
    begins=frozenset({SaleState.PAUSED}),
    ends=SaleState.PUBLISHED,
    refusals={
        SaleState.DRAFT: gettext_noop("This sale is a draft. Publish it instead."),
        SaleState.PUBLISHED: gettext_noop("This sale is not paused."),
        SaleState.CLOSED: _CLOSED_FOR_GOOD,
        SaleState.SETTLED: _CLOSED_FOR_GOOD,
    },
)
CLOSE = _Verb(
    name="close",
    begins=frozenset({SaleState.PUBLISHED, SaleState.PAUSED}),
    ends=SaleState.CLOSED,
    refusals={
        SaleState.DRAFT: gettext_noop("This sale is a draft, so there is nothing to close."),
        SaleState.CLOSED: gettext_noop("This sale is closed already."),
        SaleState.SETTLED: gettext_noop("This sale is closed already."),
    },
)


def publish(*, sale_pk: int, by: Actor, why: str = "") -> Act:
    """Make a draft public and put it into the ledger. Raises Refused, also for what is wrong with the draft."""
    return _act(PUBLISH, sale_pk=sale_pk, by=by, why=why)


def pause(*, sale_pk: int, by: Actor, why: str = "") -> Act:
    """Stop selling until somebody resumes. Units held may still be confirmed. Raises Refused."""
    return _act(PAUSE, sale_pk=sale_pk, by=by, why=why)


def resume(*, sale_pk: int, by: Actor, why: str = "") -> Act:
    """Sell on after a pause. Raises Refused."""
    return _act(RESUME, sale_pk=sale_pk, by=by, why=why)


def close(*, sale_pk: int, by: Actor, why: str = "") -> Act:
    """End a sale for good, before its time or after. Raises Refused."""
    return _act(CLOSE, sale_pk=sale_pk, by=by, why=why)


def _act(verb: _Verb, *, sale_pk: int, by: Actor, why: str) -> Act:
    sale = _put_on_record(verb, sale_pk=sale_pk, by=by, why=why.strip())
    return Act(sale=sale, reached_ledger=following.follow(sale=sale))


def _put_on_record(verb: _Verb, *, sale_pk: int, by: Actor, why: str) -> Sale:
    if len(why) > acting.WHY_LENGTH:
        raise Refused(gettext("Say why in at most %(most)d characters.") % {"most": acting.WHY_LENGTH})
    # Durable: inside another transaction the ledger would learn of an act that may yet be rolled back.
    with transaction.atomic(durable=True):
        sale = Sale.objects.select_for_update(of=("self",)).get(pk=sale_pk)
        state, number = SaleState(sale.state), sale.state_number
        if state not in verb.begins:
            raise Refused(gettext(verb.refusals[state]))
        if verb is PUBLISH:
            _check_draft(sale)
        # The other admin may have been first since the row was read: SQLite does not lock it.
        changed = Sale.objects.filter(pk=sale.pk, state=state, state_number=number).update(
            state=verb.ends, state_number=number + 1, **_moments(verb)
        )
        if not changed:
            raise Refused(gettext("Somebody else has just changed this sale. Look at it again."))
        acting.write_trail(
            by=by,
            act=verb.name,
            sale=sale,
            before={"state": state, "state_number": number},
            after={"state": verb.ends, "state_number": number + 1},
            why=why,
        )
        sale.refresh_from_db()
    return sale


def _moments(verb: _Verb) -> dict[str, Any]:
    if verb is PUBLISH:
        return {"published_at": timezone.now()}
    return {"closed_at": timezone.now()} if verb is CLOSE else {}


def _check_draft(sale: Sale) -> None:
    """Check what a form may never have seen: drafts are also made by programs, and time passes over them."""
    try:
        sale.product.full_clean()
        sale.full_clean()
    except ValidationError as mistakes:
        raise Refused(" ".join(mistakes.messages)) from mistakes

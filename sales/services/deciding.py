"""What a person decides on a dead letter: to try it again, or to end it.

The record goes first and keeps "ledger: asked"; a ledger that was away is told by the keeper (`finish_asked`). Ending a
refused purchase is a cancellation: its unit is on sale again. Not here: how letters come about (`recording`).
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live import connection, ledger
from sales.live.stream import Event, EventKind
from sales.models import DeadLetter, DeadLetterEnd, Order, Sale
from sales.services import acting, fencing, incidents, inserting
from sales.services.acting import Actor
from sales.services.incidents import IncidentKind
from sales.services.lifecycle import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was decided, and whether the ledger knows already; else the keeper tells it."""

    letter: DeadLetter
    reached_ledger: bool


def retry(*, letter_pk: int, by: Actor, why: str = "") -> Decided:
    """Try once more to put a refused purchase on record. Raises Refused, with the reason where it still will not."""
    letter = _open(letter_pk)
    event = event_of(letter)
    if event is None:
        raise Refused(gettext("This entry is no purchase, so there is nothing to retry. It can be settled."))
    try:
        with transaction.atomic(durable=True):
            sale = Sale.objects.select_related("product").get(pk=letter.sale_id)
            _end(letter, DeadLetterEnd.RETRIED, asked=True)
            Sale.objects.filter(pk=sale.pk).update(recorded=F("recorded") + 1)
            order = inserting.order_of(sale, event, now=timezone.now())
            order.save(force_insert=True)
            _trail(letter, by=by, why=why, order=order)
    except (IntegrityError, DataError, OverflowError, ValueError) as refusal:
        raise Refused(gettext("The record refuses it again: %(reason)s") % {"reason": refusal}) from refusal
    return _told(letter)


def settle(*, letter_pk: int, by: Actor, why: str) -> Decided:
    """End a dead letter without an order. A purchase is cancelled by that. Raises Refused."""
    if not why.strip():
        raise Refused(gettext("Say why: whoever bought this unit will ask."))
    letter = _open(letter_pk)
    event = event_of(letter)
    if event:
        _refuse_if_anothers(letter, event)
    with transaction.atomic(durable=True):
        _end(letter, DeadLetterEnd.SETTLED, asked=event is not None)
        _trail(letter, by=by, why=why)
    return _told(letter)


def finish_asked(*, sale_pk: int, epoch: int) -> str:
    """Tell the ledger of decisions that it has not heard of; return a sentence where it does not take one."""
    stuck = ""
    for letter in DeadLetter.objects.filter(sale=sale_pk, ledger_asked=True):
        outcome = _tell(letter, epoch=epoch)
        if outcome is Outcome.UNKNOWN_ORDER:
            stuck = f"dead letter {letter.pk} is decided on record, and the ledger does not know its order."
    return stuck


def event_of(letter: DeadLetter) -> Event | None:
    """Return the purchase that was refused; None where it was no readable event about a bought unit."""
    said = letter.event
    if said.get("what") != EventKind.BOUGHT or not said.get("order_id"):
        return None
    return Event(
        seq=letter.seq,
        epoch=letter.epoch,
        what=EventKind.BOUGHT,
        unit=said["unit"],
        shopper=said["shopper"],
        slot=said["slot"],
        order_id=UUID(said["order_id"]),
        key_digest=said["key_digest"],
        time_ms=said["time_ms"],
        taken_ms=said["taken_ms"],
    )


def _open(letter_pk: int) -> DeadLetter:
    letter: DeadLetter | None = DeadLetter.objects.select_related("sale").filter(pk=letter_pk).first()
    if letter is None:
        raise Refused(gettext("There is no dead letter %(number)d.") % {"number": letter_pk})
    if letter.ended_at:
        raise Refused(gettext("Dead letter %(number)d is decided already.") % {"number": letter_pk})
    return letter


def _refuse_if_anothers(letter: DeadLetter, event: Event) -> None:
    """A unit that somebody has on record must not be put on sale by ending another's claim to it."""
    found = connection.run(ledger.find(sale=letter.sale_id, epoch=fencing.epoch(), shopper=event.shopper))
    if found.outcome is not Outcome.FOUND:
        raise Refused(gettext("The ledger cannot be asked right now (%(why)s).") % {"why": found.outcome})
    unit = next((entry.unit for entry in found.entries if entry.order_id == event.order_id), event.unit)
    others = Order.objects.filter(sale=letter.sale_id, unit=unit).exclude(state=OrderState.CANCELLED)
    if others.exists():
        raise Refused(
            gettext("Unit %(unit)d is another order's on record. Run reconcile_sale %(sale)s --repair first.")
            % {"unit": unit, "sale": letter.sale}
        )


def _end(letter: DeadLetter, decision: DeadLetterEnd, *, asked: bool) -> None:
    """Decide, unless somebody else has just done so. Call it in a transaction."""
    now = timezone.now()
    ours = DeadLetter.objects.filter(pk=letter.pk, ended_at=None)
    if not ours.update(ended_at=now, decision=decision, ledger_asked=asked):
        raise Refused(gettext("Somebody else has just decided on this dead letter. Look at it again."))
    letter.ended_at, letter.decision, letter.ledger_asked = now, decision, asked
    if not DeadLetter.objects.filter(sale=letter.sale_id, ended_at=None).exists():
        incidents.end(sale_pk=letter.sale_id, kind=IncidentKind.DEAD_LETTER)


def _trail(letter: DeadLetter, *, by: Actor, why: str, order: Order | None = None) -> None:
    acting.write_trail(
        by=by,
        act="retry_letter" if order else "settle_letter",
        sale=letter.sale,
        order=order,
        before={"dead_letter": letter.pk, "event": letter.seq, "reason": letter.reason[:200]},
        after={"decision": letter.decision},
        why=why.strip()[: acting.WHY_LENGTH],
    )


def _told(letter: DeadLetter) -> Decided:
    if letter.ledger_asked:
        _tell(letter, epoch=fencing.epoch())
    return Decided(letter=letter, reached_ledger=not letter.ledger_asked)


def _tell(letter: DeadLetter, *, epoch: int) -> Outcome:
    event = event_of(letter)
    if event is None or event.order_id is None:
        return Outcome.SAME
    if letter.decision == DeadLetterEnd.RETRIED:
        call = ledger.mend(sale=letter.sale_id, epoch=epoch, shopper=event.shopper, order_id=event.order_id)
        outcome = connection.run(call).outcome
    else:
        outcome = _cancel(letter, event, epoch=epoch)
    if outcome in (Outcome.DONE, Outcome.SAME):
        DeadLetter.objects.filter(pk=letter.pk).update(ledger_asked=False)
        letter.ledger_asked = False
    return outcome


def _cancel(letter: DeadLetter, event: Event, *, epoch: int) -> Outcome:
    """Cancel the purchase in whichever slot it is: a ledger made anew may have moved it."""
    found = connection.run(ledger.find(sale=letter.sale_id, epoch=epoch, shopper=event.shopper))
    if found.outcome is not Outcome.FOUND or event.order_id is None:
        return found.outcome
    entry = next((each for each in found.entries if each.order_id == event.order_id), None)
    if entry is None:
        return Outcome.SAME  # made anew since it was decided: nothing of it is left
    call = ledger.cancel(
        sale=letter.sale_id, epoch=epoch, shopper=event.shopper, slot=entry.slot, order_id=event.order_id
    )
    return connection.run(call).outcome

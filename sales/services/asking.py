"""Changes of stock and window as rows on record: opened as asked, then done or refused, each exactly once.

What may be changed, and what is said to the ledger, is the business of `changing` and `cancelling`. Here is what both
have in common: the number, the one open change per sale, and the end of it in one transaction with the sale's row.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, LedgerState
from sales.live import connection, ledger
from sales.live.results import Snapshot
from sales.models import Order, Sale, StockChange
from sales.services import acting, fencing, following
from sales.services.acting import Actor
from sales.services.lifecycle import Refused


def last_number(*, sale_pk: int) -> int:
    """Return the number of the last change done, 0 before the first: what a ledger made anew must start from."""
    done = StockChange.objects.filter(sale=sale_pk, state=ChangeState.DONE)
    return done.aggregate(last=Max("number"))["last"] or 0


def reason(why: str) -> str:
    """Return a reason fit for the trail. Raises Refused."""
    why = why.strip()
    if not why:
        raise Refused(gettext("Say why: whoever reads the trail later was not there."))
    if len(why) > acting.WHY_LENGTH:
        raise Refused(gettext("Say why in at most %(most)d characters.") % {"most": acting.WHY_LENGTH})
    return why


def refuse_if_open(*, sale: Sale) -> None:
    """Raise Refused, with the name of who is changing this sale, while a change is asked."""
    other = StockChange.objects.filter(sale=sale, state=ChangeState.ASKED).first()
    if other is not None:
        since = f"{other.asked_at.astimezone(sale.zone):%H:%M:%S}"
        sentence = gettext("%(who)s is changing this sale since %(since)s. Look at it again once that is done.")
        raise Refused(sentence % {"who": other.who, "since": since})


def open_change(*, sale: Sale, by: Actor, why: str, order: Order | None = None, **to: Any) -> StockChange:
    """Put a change on record as asked; `to` has stock, opens_at and closes_at where they change.

    Call it in the transaction of the act. Raises Refused where another change is open: the constraint decides about two
    admins at once, however they were let in.
    """
    refuse_if_open(sale=sale)
    change = StockChange(
        sale=sale,
        number=last_number(sale_pk=sale.pk) + 1,
        order=order,
        stock_from=sale.stock,
        stock_to=to.get("stock", sale.stock),
        opens_from=sale.opens_at,
        opens_to=to.get("opens_at", sale.opens_at),
        closes_from=sale.closes_at,
        closes_to=to.get("closes_at", sale.closes_at),
        who=by.who,
        account_id=by.account_pk,
        why=why,
    )
    try:
        with transaction.atomic():
            change.save()
    except IntegrityError as other:
        refuse_if_open(sale=sale)
        raise Refused(gettext("Somebody else has just changed this sale. Look at it again.")) from other
    return change


def settle(*, change: StockChange, epoch: int | None) -> bool:
    """The ledger has taken the change: put on record what the ledger goes first in, and say that it is done.

    Safe to repeat, and to run twice at once. A change that another process refused an instant ago, because the ledger
    refused it then, is done all the same, unless its number was given to the next one: that one makes way.

    `epoch` is the one in which the ledger took it; None where no ledger answers for the sale. False where another has
    begun since: the sale may have been made anew without the change, so it stays asked, and the keeper tells it again.
    """
    try:
        with transaction.atomic():
            # The sale's row first, as everybody does: so no two wait for each other, and a repair waits for us.
            change.sale = Sale.objects.select_for_update(of=("self",)).get(pk=change.sale_id)
            if epoch is not None and epoch != fencing.epoch():
                return False
            rows = StockChange.objects.filter(pk=change.pk).exclude(state=ChangeState.DONE)
            if rows.update(state=ChangeState.DONE, ended_at=timezone.now(), refusal=""):
                _put_on_record(change)
    except IntegrityError:
        if not StockChange.objects.filter(pk=change.pk, state=ChangeState.REFUSED).exists():
            raise
    return True


def refuse(*, change: StockChange, sentence: str) -> None:
    """The ledger has refused the change: keep why, and give its number back."""
    asked = StockChange.objects.filter(pk=change.pk, state=ChangeState.ASKED)
    asked.update(state=ChangeState.REFUSED, refusal=sentence[:500], ended_at=timezone.now())


def make_way(*, change: StockChange, epoch: int) -> bool:
    """Where the ledger took a refused change of this number after all, put that one on record and count this one on.

    That happens when a script that was given up runs late, and what stood in its way has gone. True where `change` has
    a new number and can be asked again.
    """
    seen = connection.run(ledger.snapshot(sale=change.sale_id, epoch=epoch))
    late = _late(sale_pk=change.sale_id, seen=seen) if seen.change == change.number else None
    if late is None:
        return False
    counted_on = _after(late, change)
    with transaction.atomic():
        Sale.objects.select_for_update(of=("self",)).get(pk=change.sale_id)
        if epoch != fencing.epoch():
            return False  # see `settle`
        asked = StockChange.objects.filter(pk=change.pk, state=ChangeState.ASKED, number=change.number)
        if not asked.update(**counted_on):
            return False
        change.refresh_from_db()
        settle(change=late, epoch=epoch)
        if change.raises_stock:
            Sale.objects.filter(pk=change.sale_id).update(stock=change.stock_to)
    return True


def take_up_late(*, sale_pk: int, seen: Snapshot) -> None:
    """Put on record what the ledger took after it was refused (see `make_way`), where no other change follows it."""
    if seen.change == last_number(sale_pk=sale_pk) + 1 and (late := _late(sale_pk=sale_pk, seen=seen)):
        settle(change=late, epoch=seen.epoch)


def asked_by(change: StockChange) -> Actor:
    """Return who asked for a change, whoever finishes it."""
    return Actor(who=change.who, account_pk=change.account_id)


def write_change_trail(change: StockChange) -> None:
    """Add the change to the trail, in the transaction that changes the sale's row."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if change.stock_from != change.stock_to:
        before["stock"], after["stock"] = change.stock_from, change.stock_to
    for name in ("opens", "closes"):
        moments = [getattr(change, f"{name}_{side}") for side in ("from", "to")]
        if moments[0] != moments[1]:
            before[name], after[name] = (
                each.astimezone(change.sale.zone).isoformat(sep=" ", timespec="seconds") for each in moments
            )
    act = "keep_back" if change.order_id else "move" if change.moves_window else "restock"
    acting.write_trail(
        by=asked_by(change), act=act, sale=change.sale, order=change.order, before=before, after=after, why=change.why
    )


def _put_on_record(change: StockChange) -> None:
    values: dict[str, Any] = {"opens_at": change.opens_to, "closes_at": change.closes_to}
    if not change.raises_stock:
        values["stock"] = change.stock_to
        write_change_trail(change)
    Sale.objects.filter(pk=change.sale_id).update(**values)


def _late(*, sale_pk: int, seen: Snapshot) -> StockChange | None:
    """Return the refused change that the ledger has taken as its last one, if it has."""
    if seen.outcome is not Outcome.FOUND:
        return None
    refused = StockChange.objects.filter(sale=sale_pk, number=seen.change, state=ChangeState.REFUSED)
    return next((each for each in refused.order_by("-pk") if _is_in(seen, each)), None)


def _is_in(seen: Snapshot, change: StockChange) -> bool:
    """Whether the ledger has the values of this change. Closing has ended the window that it had."""
    if seen.state is LedgerState.CLOSED:
        return seen.stock == change.stock_to
    window = (following.in_ms(change.opens_to), following.in_ms(change.closes_to))
    return (seen.stock, seen.opens_ms, seen.closes_ms) == (change.stock_to, *window)


def _after(late: StockChange, change: StockChange) -> dict[str, Any]:
    """Return the values of a change that follows `late` and not what both followed before."""
    values: dict[str, Any] = {"number": change.number + 1, "stock_from": late.stock_to}
    if change.order_id:
        values["stock_to"] = late.stock_to - 1
    elif change.stock_from == change.stock_to:
        values["stock_to"] = late.stock_to
    for name in ("opens", "closes"):
        values[f"{name}_from"] = getattr(late, f"{name}_to")
        if getattr(change, f"{name}_from") == getattr(change, f"{name}_to"):
            values[f"{name}_to"] = getattr(late, f"{name}_to")
    return values

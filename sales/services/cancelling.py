"""Cancelling an order: first on record, then in the ledger, where its unit goes back on sale or is kept back.

Recorded first, so that a unit is never sold again while its first order still counts. What a crash or a ledger that was
away left asked is finished by the keeper; the script is safe to repeat. A settled sale has no ledger: there the record
is all. Not here: an event that the record refused, which has no order.
"""

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from sales.domain.outcomes import UNDECIDED, Outcome
from sales.domain.states import ChangeState, OrderState
from sales.live import connection, ledger
from sales.live.results import Changed
from sales.models import Order, Sale, StockChange
from sales.services import acting, asking, changing, faults, fencing, following
from sales.services.acting import Actor
from sales.services.lifecycle import Act, Refused


def cancel(*, order_pk: int, kept_back: bool, actor: Actor, why: str) -> Act:
    """Cancel an order that is on record. Raises Refused.

    Its unit goes back on sale, or is kept back: then stock is lowered by one, as a numbered change. Where the ledger
    was not reached, the order is cancelled all the same, and the keeper tells the ledger.
    """
    order = _put_on_record(order_pk=order_pk, kept_back=kept_back, actor=actor, why=asking.reason(why))
    if order.ledger_state == ChangeState.ASKED:
        faults.reach("cancel_between_sides")
        _finish(order, epoch=fencing.epoch())
        order.refresh_from_db()
    sale = Sale.objects.get(pk=order.sale_id)
    return Act(sale=sale, reached_ledger=order.ledger_state != ChangeState.ASKED)


def finish_asked(*, sale_pk: int, epoch: int | None = None) -> str:
    """Tell the ledger of every cancellation that is asked for this sale. Safe to repeat and to run twice at once.

    Returns a sentence where waiting will not help. A ledger that is away, or not proven, is not that.
    """
    stuck = ""
    for order in Order.objects.filter(sale=sale_pk, ledger_state=ChangeState.ASKED).order_by("cancelled_at", "pk"):
        outcome = _finish(order, epoch=fencing.epoch() if epoch is None else epoch)
        if outcome in UNDECIDED:
            break
        stuck = stuck or _why_stuck(order, outcome)
    return stuck


def _put_on_record(*, order_pk: int, kept_back: bool, actor: Actor, why: str) -> Order:
    # Durable: inside another transaction the ledger would learn of a cancellation that may yet be rolled back.
    with transaction.atomic(durable=True):
        # The sale's row first, as the keeper does: so the two never wait for each other.
        sale = Sale.objects.select_for_update(of=("self",)).get(orders=order_pk)
        order = Order.objects.select_for_update(of=("self",)).get(pk=order_pk)
        _refuse_if_cancelled(order, sale)
        changed = Order.objects.filter(pk=order.pk, state=OrderState.RECORDED).update(
            state=OrderState.CANCELLED,
            cancelled_at=timezone.now(),
            cancel_reason=why,
            kept_back=kept_back,
            ledger_state=ChangeState.ASKED if sale.is_live else "",
        )
        if not changed:
            raise Refused(gettext("Somebody else has just cancelled this order."))
        Sale.objects.filter(pk=sale.pk).update(recorded=F("recorded") - 1)
        acting.write_trail(
            by=actor,
            act="cancel",
            sale=sale,
            order=order,
            before={"state": OrderState.RECORDED, "on record": sale.recorded},
            after={
                "state": OrderState.CANCELLED,
                "on record": sale.recorded - 1,
                f"unit {order.unit}": "kept back" if kept_back else "back on sale",
            },
            why=why,
        )
        if kept_back:
            change = asking.open_change(sale=sale, by=actor, why=why, order=order, stock=sale.stock - 1)
            if not sale.is_live:
                asking.settle(change=change, epoch=None)
        order.refresh_from_db()
    return order


def _refuse_if_cancelled(order: Order, sale: Sale) -> None:
    if order.state == OrderState.CANCELLED and order.cancelled_at:
        when = f"{order.cancelled_at.astimezone(sale.zone):%Y-%m-%d %H:%M:%S}"
        raise Refused(gettext("The order %(order)s was cancelled %(when)s.") % {"order": order, "when": when})


def _finish(order: Order, *, epoch: int) -> Outcome:
    """Tell the ledger, and put on record what came of it. Returns the ledger's word."""
    if epoch == 0:
        return Outcome.NO_SCRIPT  # no ledger was ever proven
    keeps = StockChange.objects.filter(order=order, state=ChangeState.ASKED).select_related("sale", "order").first()
    said = _tell(order, keeps, epoch=epoch)
    if said.outcome is Outcome.OUT_OF_ORDER and keeps and asking.make_way(change=keeps, epoch=epoch):
        said = _tell(order, keeps, epoch=epoch)
    if said.ok or (said.outcome is Outcome.TOO_LOW and keeps):
        faults.reach("cancel_between_sides")
        with transaction.atomic():
            if keeps and said.ok and not asking.settle(change=keeps, epoch=epoch):
                return said.outcome  # made anew since, perhaps: the keeper tells it again
            if keeps and not said.ok:
                asking.refuse(change=keeps, sentence=changing.too_low(said))
            asked = Order.objects.filter(pk=order.pk, ledger_state=ChangeState.ASKED)
            asked.update(ledger_state=ChangeState.DONE)
    return said.outcome


def _tell(order: Order, keeps: StockChange | None, *, epoch: int) -> Changed:
    said = connection.run(
        ledger.cancel(
            sale=order.sale_id,
            epoch=epoch,
            shopper=order.shopper,
            slot=order.slot,
            order_id=order.order_id,
            number=keeps.number if keeps else 0,
        )
    )
    if said.outcome is not Outcome.SAME or keeps is None:
        return said
    # A ledger that was made anew from the record has the order cancelled, but not yet the stock lowered.
    return connection.run(
        ledger.change(
            sale=order.sale_id,
            epoch=epoch,
            number=keeps.number,
            stock=keeps.stock_to,
            opens_ms=following.in_ms(keeps.opens_to),
            closes_ms=following.in_ms(keeps.closes_to),
        )
    )


def _why_stuck(order: Order, outcome: Outcome) -> str:
    if outcome in {Outcome.DONE, Outcome.SAME, Outcome.TOO_LOW}:
        return ""
    if not Order.objects.filter(pk=order.pk, ledger_state=ChangeState.ASKED).exists():
        return ""  # another process finished it since we asked
    return f"order {order} is cancelled on record, and the ledger answers {outcome} when it is told."

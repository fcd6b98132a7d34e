"""Stock and window of a running sale: asked on record, told to the ledger, done on both, in the order that is safe.

The ledger must not sell from more than is on record. So more stock goes on record first and into the ledger after; less
goes the other way; and a window goes into the ledger first, whose clock decides whether it can still be moved. Whatever
a crash left asked, the keeper finishes. A draft is simply edited. Not here: cancelling, which may keep a unit back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, SaleState
from sales.live import connection, ledger
from sales.live.results import Changed
from sales.models import Sale, StockChange
from sales.models.sales import MAX_STOCK
from sales.services import asking, faults, fencing, following, sale_edits
from sales.services.acting import Actor
from sales.services.lifecycle import Act, Refused

_STATES_REFUSED = {
    SaleState.CLOSED: gettext_noop("This sale is closed for good: its stock and window stay as they are."),
    SaleState.SETTLED: gettext_noop("This sale is settled: its stock and window stay as they are."),
}

type Wanted = Callable[[Sale], dict[str, Any]]


def restock(
    *, sale_pk: int, by: int | None = None, to: int | None = None, actor: Actor, why: str, seen: int | None = None
) -> Act:
    """Raise or lower stock, `by` so many or `to` so many. Raises Refused, with the number that stands in the way.

    `seen` is the number of the last change that the asker knew of: where there were more since, nothing is changed.
    Where the ledger was not reached, the change stays asked, and the keeper finishes it.
    """
    if (by is None) == (to is None):
        raise ValueError("Say how many more or fewer, or how many in all; not both.")

    def wanted(sale: Sale) -> dict[str, Any]:
        return {"stock": _new_stock(sale, sale.stock + by if by is not None else to or 0)}

    return _change(sale_pk=sale_pk, wanted=wanted, actor=actor, why=why, seen=seen)


def move(
    *,
    sale_pk: int,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    actor: Actor,
    why: str,
    seen: int | None = None,
) -> Act:
    """Move the opening, the end, or both. Raises Refused. `seen` and what becomes of it: see `restock`."""

    def wanted(sale: Sale) -> dict[str, Any]:
        return _new_window(sale, opens_at=opens_at or sale.opens_at, closes_at=closes_at or sale.closes_at)

    return _change(sale_pk=sale_pk, wanted=wanted, actor=actor, why=why, seen=seen)


def finish_asked(*, sale_pk: int, epoch: int | None = None) -> str:
    """Finish the change that is asked for this sale, if there is one. Safe to repeat and to run twice at once.

    Returns a sentence where waiting will not help. A ledger that is away, or not proven, is not that.
    """
    asked = StockChange.objects.filter(sale=sale_pk, state=ChangeState.ASKED, order=None)
    change = asked.select_related("sale").first()
    return _finish(change, epoch=epoch) if change else ""


def _change(*, sale_pk: int, wanted: Wanted, actor: Actor, why: str, seen: int | None) -> Act:
    why = asking.reason(why)
    sale = Sale.objects.get(pk=sale_pk)
    if sale.state == SaleState.DRAFT:
        return _edit(sale, wanted=wanted, actor=actor)
    change = _ask(sale_pk=sale_pk, wanted=wanted, actor=actor, why=why, seen=seen)
    faults.reach("change_between_sides")
    _finish(change)
    _refuse_below_record(change)
    change.refresh_from_db()
    if change.state == ChangeState.REFUSED:
        raise Refused(change.refusal)
    return Act(sale=Sale.objects.get(pk=sale_pk), reached_ledger=change.state == ChangeState.DONE)


def _edit(sale: Sale, *, wanted: Wanted, actor: Actor) -> Act:
    values = wanted(sale)
    for name, value in values.items():
        setattr(sale, name, value)
    try:
        sale.full_clean()
    except ValidationError as mistakes:
        raise Refused(" ".join(mistakes.messages)) from mistakes
    sale_edits.save(sale=sale, fields=values, by=actor)
    return Act(sale=sale, reached_ledger=True)


def _ask(*, sale_pk: int, wanted: Wanted, actor: Actor, why: str, seen: int | None = None) -> StockChange:
    """Put the change on record as asked, and with it the stock that it raises."""
    # Durable: inside another transaction the ledger would learn of a change that may yet be rolled back.
    with transaction.atomic(durable=True):
        sale = Sale.objects.select_for_update(of=("self",)).get(pk=sale_pk)
        if sentence := _STATES_REFUSED.get(SaleState(sale.state)):
            raise Refused(gettext(sentence))
        asking.refuse_if_open(sale=sale)
        _refuse_if_changed_since(sale, seen)
        change = asking.open_change(sale=sale, by=actor, why=why, **wanted(sale))
        if change.raises_stock:
            Sale.objects.filter(pk=sale.pk).update(stock=change.stock_to)
            asking.write_change_trail(change)
    return change


def _finish(change: StockChange, *, epoch: int | None = None) -> str:
    """Tell the ledger, and put on record what came of it."""
    epoch = fencing.epoch() if epoch is None else epoch
    if epoch == 0:
        return ""  # no ledger was ever proven
    said = _tell(change, epoch=epoch)
    if said.outcome is Outcome.OUT_OF_ORDER and asking.make_way(change=change, epoch=epoch):
        said = _tell(change, epoch=epoch)
    if said.ok:
        faults.reach("change_between_sides")
        asking.settle(change=change, epoch=epoch)
    elif said.outcome is Outcome.TOO_LOW:
        asking.refuse(change=change, sentence=too_low(said))
    elif said.outcome is Outcome.TOO_LATE:
        asking.refuse(change=change, sentence=_too_late(change))
    elif said.outcome is Outcome.OUT_OF_ORDER:
        return stuck(change)
    return ""


def _tell(change: StockChange, *, epoch: int) -> Changed:
    return connection.run(
        ledger.change(
            sale=change.sale_id,
            epoch=epoch,
            number=change.number,
            stock=change.stock_to,
            opens_ms=following.in_ms(change.opens_to),
            closes_ms=following.in_ms(change.closes_to),
        )
    )


def too_low(said: Changed) -> str:
    """Return the sentence of a stock that is less than what is sold and held."""
    return gettext("%(sold)d are sold and %(held)d held; stock cannot go below %(least)d.") % {
        "sold": said.sold,
        "held": said.held,
        "least": said.sold + said.held,
    }


def stuck(change: StockChange) -> str:
    """Return what is wrong where the ledger will not take a change that is still asked; nothing where it is not."""
    if not StockChange.objects.filter(pk=change.pk, state=ChangeState.ASKED).exists():
        return ""  # another process finished it since we asked
    return f"change {change.number} is asked on record, and the ledger counts its changes differently."


def _too_late(change: StockChange) -> str:
    moments = {name: _shown(getattr(change, name), change.sale) for name in ("opens_from", "opens_to", "closes_to")}
    if change.opens_from == change.opens_to:
        return gettext("The new end, %(closes_to)s, has passed already.") % moments
    if change.opens_from <= timezone.now():
        return gettext("The sale opened %(opens_from)s: its opening cannot be moved any more.") % moments
    return gettext("The new opening, %(opens_to)s, or the new end has passed already.") % moments


def _new_stock(sale: Sale, stock: int) -> int:
    if stock == sale.stock:
        raise Refused(gettext("Stock is %(stock)d already.") % {"stock": stock})
    if not 0 <= stock <= MAX_STOCK:
        raise Refused(gettext("Stock is a number from 0 to %(most)d.") % {"most": MAX_STOCK})
    return stock


def _new_window(sale: Sale, *, opens_at: datetime, closes_at: datetime) -> dict[str, Any]:
    if (opens_at, closes_at) == (sale.opens_at, sale.closes_at):
        raise Refused(gettext("Opening and end are so already."))
    if closes_at <= opens_at:
        raise Refused(gettext("A sale must end after it opens."))
    return {"opens_at": opens_at, "closes_at": closes_at}


def _refuse_below_record(change: StockChange) -> None:
    """Where the ledger was not reached to say how many are sold and held, the record knows some of them."""
    recorded = Sale.objects.values_list("recorded", flat=True).get(pk=change.sale_id)
    if change.stock_to < recorded:
        sentence = gettext("%(recorded)d are sold and on record; stock cannot go below that.")
        asking.refuse(change=change, sentence=sentence % {"recorded": recorded})


def _refuse_if_changed_since(sale: Sale, seen: int | None) -> None:
    if seen is None or seen == asking.last_number(sale_pk=sale.pk):
        return
    latest = StockChange.objects.filter(sale=sale, state=ChangeState.DONE).order_by("number").last()
    sentence = gettext(
        "%(who)s has changed this sale since you looked: stock is %(stock)d now, from %(opens)s to %(ends)s."
    )
    raise Refused(
        sentence
        % {
            "who": latest.who if latest else "—",
            "stock": sale.stock,
            "opens": _shown(sale.opens_at, sale),
            "ends": _shown(sale.closes_at, sale),
        }
    )


def _shown(moment: datetime, sale: Sale) -> str:
    return f"{moment.astimezone(sale.zone):%Y-%m-%d %H:%M:%S}"

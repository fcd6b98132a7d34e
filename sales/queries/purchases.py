"""What the record knows of one shopper's purchases in one sale, in the ledger's own words.

Settled sales are answered from here; for all others the ledger is asked.
"""

import time
from datetime import datetime

from django.db import Error as DatabaseFault
from django.db.models import Q

from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live.entries import Entry, EntryState
from sales.live.results import Found
from sales.models import Order
from sales.queries.catalogue import SaleEntry


def found(sale: SaleEntry, *, shopper: str, key_digest: str = "") -> Found:
    """Return the shopper's orders as the ledger would, and who holds the key; UNREACHABLE where the database is away.

    Slots of holds that came to nothing are missing: the record has only what was bought.
    """
    mine = Q(shopper=shopper)
    keyed = Q(key_digest=key_digest) if key_digest else Q(pk__in=())
    try:
        orders = list(Order.objects.filter(mine | keyed, sale_id=sale.pk).order_by("slot", "seq"))
    except DatabaseFault:
        return Found.failed(Outcome.UNREACHABLE)
    holder = next(((each.shopper, each.slot) for each in orders if key_digest and each.key_digest == key_digest), None)
    return Found(
        outcome=Outcome.FOUND,
        now_ms=int(time.time() * 1_000),  # there are no holds any more whose deadline it could decide
        recorded_seq=max((each.seq for each in orders), default=0),
        limit=sale.limit,
        hold_extension_ms=sale.hold_extension_seconds * 1_000,
        key_holder=holder,
        entries=tuple(_entry(each, sale) for each in orders if each.shopper == shopper),
    )


def _entry(order: Order, sale: SaleEntry) -> Entry:
    return Entry(
        slot=order.slot,
        state=_state(order, sale),
        lost=0,
        unit=order.unit,
        seq=order.seq,
        taken_ms=_ms(order.taken_at),
        at_ms=_ms(order.bought_at),
        order_id=order.order_id,
        key_digest=order.key_digest,
    )


def _state(order: Order, sale: SaleEntry) -> EntryState:
    if order.state != OrderState.CANCELLED:
        return EntryState.BOUGHT
    return EntryState.CANCELLED_FOR_GOOD if sale.cancelled_counts else EntryState.CANCELLED


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)

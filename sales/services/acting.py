"""Who acts, and how an act is written into the trail. What may be done, and when, is the acting service's business."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction

from sales.models import Order, Sale, TrailEntry

logger = logging.getLogger(__name__)

WHY_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: an account's e-mail address, or the name of a program such as `keeper` or `manage.py pause_sale`."""

    who: str
    account_pk: int | None = None


KEEPER = Actor(who="keeper")


def write_trail(
    *,
    by: Actor,
    act: str,
    sale: Sale | None = None,
    order: Order | None = None,
    before: dict[str, Any],
    after: dict[str, Any],
    why: str = "",
) -> TrailEntry:
    """Add one row to the trail. Call it in the transaction of the act, so that neither is there without the other.

    Once it is committed the log says so, too: there it stands beside whatever else came of the same request.
    """
    about = order or sale or after.get("client", "the shop")
    doer = f"account {by.account_pk}" if by.account_pk else by.who  # an address is nobody's business in a log
    transaction.on_commit(partial(logger.info, "Trail: %s of %s by %s.", act, about, doer))
    return TrailEntry.objects.create(
        account_id=by.account_pk,
        who=by.who,
        sale=sale,
        order=order,
        act=act,
        before=before,
        after=after,
        why=why,
    )

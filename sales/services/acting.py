"""Who acts, and how an act is written into the trail. What may be done, and when, is the acting service's business."""

from dataclasses import dataclass
from typing import Any

from sales.models import Order, Sale, TrailEntry

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
    """Add one row to the trail. Call it in the transaction of the act, so that neither is there without the other."""
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

"""Finding orders by what a person has in hand: a reference, an order id, an e-mail address, a userId."""

import contextlib
import uuid

from django.db.models import Q

from sales.domain import references, shoppers
from sales.models import Account, ApiClient

MOST_ACCOUNTS = 200


def matching(*, typed: str) -> Q:
    """Return the condition under which an order is one of those meant by this text."""
    text = typed.strip()
    found = Q(shopper__in=_shoppers(text))
    if reference := references.typed(text):
        found |= Q(order_id__range=references.order_ids(reference))
    with contextlib.suppress(ValueError):
        found |= Q(order_id=uuid.UUID(text))
    return found


def _shoppers(text: str) -> list[str]:
    """Return the shoppers of this text: accounts by address, users of each API client, and the shopper's own name."""
    named = [text]
    if "@" in text:
        accounts = Account.objects.filter(email__icontains=text).order_by("pk").values_list("pk", flat=True)
        named += [shoppers.of_account(pk) for pk in accounts[:MOST_ACCOUNTS]]
    try:
        user_id = shoppers.normalised(text)
    except ValueError:
        return named
    clients = ApiClient.objects.values_list("slug", flat=True)
    return named + [shoppers.of_client(client=slug, user_id=user_id) for slug in clients]

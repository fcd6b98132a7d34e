"""Leases: the right to do something long alone, for a while, without holding a transaction open.

Whoever has a lease keeps it by `keep`, which is also the check before every write: it raises LeaseLost once another
process has taken the lease over, as after this one was stopped for too long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from sales.models import Lease

LASTS = timedelta(seconds=30)
"""How long a lease lasts without being kept, and so how long others wait for one whose holder died.

Longer than judging a sale with 100,000 buyers takes on a slow machine.
"""


class LeaseLost(Exception):
    """Somebody else has the lease by now. Nothing further may be written under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease in hand."""

    name: str
    token: UUID

    def keep(self) -> None:
        """Check that it is still ours, and let it last on. Raises LeaseLost. In a transaction it guards all of it."""
        now = timezone.now()
        ours = Lease.objects.filter(name=self.name, token=self.token, expires_at__gt=now)
        if not ours.update(expires_at=now + LASTS):
            raise LeaseLost(f"The lease {self.name} is another's by now.")

    def give_back(self) -> None:
        """Let the next one have it at once."""
        Lease.objects.filter(name=self.name, token=self.token).delete()


def of_sale(sale_pk: int) -> str:
    """Name the right to write a sale's ledger anew, and to remove it."""
    return f"sale:{sale_pk}"


def take(*, name: str, owner: str) -> Held | None:
    """Take a lease that nobody has, or whose time is over; None where somebody has it."""
    now, token = timezone.now(), uuid4()
    ours = {"owner": owner, "token": token, "expires_at": now + LASTS}
    if Lease.objects.filter(name=name, expires_at__lte=now).update(**ours):
        return Held(name=name, token=token)
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, **ours)
    except IntegrityError:
        return None
    return Held(name=name, token=token)


@contextmanager
def held(*, name: str, owner: str) -> Iterator[Held | None]:
    """Take a lease for the length of a `with` block; None where somebody else has it."""
    lease = take(name=name, owner=owner)
    try:
        yield lease
    finally:
        if lease:
            lease.give_back()

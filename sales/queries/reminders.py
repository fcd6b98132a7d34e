"""Whether somebody asked to be reminded of a sale, and until when that can be asked."""

from datetime import datetime, timedelta

from sales import conf
from sales.domain.states import SaleState
from sales.models import Reminder
from sales.queries.catalogue import SaleEntry


def is_set(*, account: int, sale_pk: int) -> bool:
    """Whether this account asked."""
    return Reminder.objects.filter(account_id=account, sale_id=sale_pk).exists()


def lead() -> timedelta:
    """How long before the opening the mail goes."""
    return timedelta(minutes=conf.current().reminder_minutes)


def may_be_asked(sale: SaleEntry, *, now: datetime) -> bool:
    """Whether a mail asked for now would still go at its time."""
    return sale.state in (SaleState.PUBLISHED, SaleState.PAUSED) and now < sale.opens_at - lead()

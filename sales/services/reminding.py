"""Reminders: asked for, taken back, and sent, each opening once to each who asked.

A mail is claimed by a conditional update before it is sent, so that of two processes one sends it. Where a mail server
says clearly that it took nothing for now, the claim is given back; where the answer was lost it is not, because a mail
that may have gone must not go again.
"""

import logging
import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import translation

from sales import conf
from sales.domain.states import SaleState
from sales.models import Reminder

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the reminders that were due. `waiting` go with the next try; `lost` may have gone or not."""

    sent: int = 0
    waiting: int = 0
    lost: int = 0


def ask(*, account: int, sale_pk: int, language: str, page: str) -> None:
    """Remind this account. Asking again changes nothing but language and page."""
    Reminder.objects.update_or_create(
        account_id=account, sale_id=sale_pk, defaults={"language": language, "page": page[:500]}
    )


def take_back(*, account: int, sale_pk: int) -> None:
    """Remind this account no more."""
    Reminder.objects.filter(account_id=account, sale_id=sale_pk).delete()


def send_due(*, now: datetime) -> Sent:
    """Send each mail whose time has come and that nobody has claimed."""
    due = _due(now)
    if not due:
        return Sent()
    mailer = mailers.default
    try:
        mailer.open()  # before anything is claimed: a server that is away costs nobody the mail
    except OSError as fault:
        logger.warning("%d reminders wait: the mail server cannot be reached (%s).", len(due), fault)
        return Sent(waiting=len(due))
    try:
        became = [_deliver(reminder, mailer, now) for reminder in due]
    finally:
        mailer.close()
    return Sent(sent=became.count("sent"), waiting=became.count("waiting"), lost=became.count("lost"))


def _deliver(reminder: Reminder, mailer: BaseEmailBackend, now: datetime) -> str:
    """Send one; return what became of it."""
    opening, mail = reminder.sale.opens_at, _mail(reminder, now)
    if not _claim(reminder, opening):
        return "claimed by another"
    try:
        mailer.send_messages([mail])
    except OSError as fault:  # what smtplib raises is one, too
        if _was_not_taken(fault):
            _give_back(reminder, opening)
            logger.warning("A reminder of %s waits: the mail server did not take it (%s).", reminder.sale, fault)
            return "waiting"
        logger.exception("A reminder of %s may not have gone; it is not sent again.", reminder.sale)
        return "lost"
    Reminder.objects.filter(pk=reminder.pk).update(sent_at=now)
    return "sent"


def _due(now: datetime) -> list[Reminder]:
    lead = timedelta(minutes=conf.current().reminder_minutes)
    rows = Reminder.objects.filter(
        Q(told_opening=None) | ~Q(told_opening=F("sale__opens_at")),
        sale__state=SaleState.PUBLISHED,
        sale__opens_at__gt=now,
        sale__opens_at__lte=now + lead,
        account__is_active=True,
    )
    return list(rows.select_related("account", "sale__product").order_by("sale__opens_at", "pk")[:_MOST_AT_ONCE])


def _claim(reminder: Reminder, opening: datetime) -> bool:
    """Make this process the one that sends it; False where another was first, or it was taken back."""
    read = Q(told_opening=reminder.told_opening) if reminder.told_opening else Q(told_opening=None)
    return Reminder.objects.filter(read, pk=reminder.pk).update(told_opening=opening) == 1


def _give_back(reminder: Reminder, opening: datetime) -> None:
    Reminder.objects.filter(pk=reminder.pk, told_opening=opening).update(told_opening=reminder.told_opening)


def _was_not_taken(fault: OSError) -> bool:
    """Whether the server said clearly that it took nothing, and that another try may help."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in fault.recipients.values())
    return isinstance(fault, smtplib.SMTPResponseException) and 400 <= fault.smtp_code < 500


def _mail(reminder: Reminder, now: datetime) -> EmailMultiAlternatives:
    sale, zone = reminder.sale, ZoneInfo(reminder.sale.time_zone)
    with translation.override(reminder.language):
        told = {
            "name": sale.product.name,
            "price": sale.product.price,
            "currency": sale.product.currency,
            "stock": sale.stock,
            "opens_at": sale.opens_at.astimezone(zone),
            "now": now.astimezone(zone),
            "page": reminder.page,
            "shop_name": conf.current().shop_name,
            "language": reminder.language,
            "is_rtl": translation.get_language_bidi(),
            "has_moved": reminder.told_opening is not None,
        }
        subject = render_to_string("mail/reminder_subject.txt", told)
        mail = EmailMultiAlternatives(
            subject=" ".join(subject.split()),
            body=render_to_string("mail/reminder.txt", told),
            to=[reminder.account.email],
            headers={"Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("mail/reminder.html", told), "text/html")
        return mail

"""Ends web sessions for those who do not ask the database: each end is put on a list that workers read every second.

Who signs out, is signed out, or begins a new session loses the row of the old one, and that is heard here. A new
password, or an account that is switched off, ends all sessions of the account. Passes made in them die with them.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete, pre_save
from django.dispatch import receiver
from django.utils import timezone

from sales.domain import web_sessions
from sales.models import Account, WebSessionEnd


def end(*, session_key: str) -> None:
    """Put one web session on the list."""
    _put(session=web_sessions.digest(session_key))


def end_all(*, account_pk: int) -> None:
    """Put all that an account has so far on the list."""
    _put(account_id=account_pk)


def _put(**fields: Any) -> None:
    now = timezone.now()
    WebSessionEnd.objects.create(at=now, **fields)
    # No pass is as old as this, so nobody asks for these any more.
    WebSessionEnd.objects.filter(at__lt=now - 2 * timedelta(seconds=settings.SESSION_COOKIE_AGE)).delete()


@receiver(post_delete, sender=Session, dispatch_uid="web_session_gone")
def _session_gone(instance: Session, **_: object) -> None:
    if SESSION_KEY in instance.get_decoded():  # somebody was signed in
        end(session_key=instance.session_key)


@receiver(pre_save, sender=Account, dispatch_uid="web_sessions_of_account")
def _account_changes(instance: Account, update_fields: Collection[str] | None, **_: object) -> None:
    """Before it is written: if that fails, people open the page once more, and nothing else."""
    if not instance.pk or not (update_fields is None or {"password", "is_active"} & set(update_fields)):
        return
    before = Account.objects.filter(pk=instance.pk).values_list("password", "is_active").first()
    if before is None:
        return
    password, was_active = before
    if password != instance.password or (was_active and not instance.is_active):
        end_all(account_pk=instance.pk)

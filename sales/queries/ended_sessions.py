"""Which web sessions ended, in memory: asked for every pass, so never looked up in the database by a purchase.

An end holds as soon as the copy is read anew, within a second. Putting ends on the list is `services.web_sessions`.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseFault

from sales import conf
from sales.models import WebSessionEnd
from sales.queries.copies import RECORD_PATIENCE_SECONDS, Copy, Unavailable

_COMMITTED_LATE = timedelta(seconds=60)
"""A row may be seen this long after its time: the transaction that wrote it was still open."""


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """All ends that still matter (milliseconds of the epoch): of sessions by digest, of accounts by number."""

    sessions: dict[str, int] = field(default_factory=dict)
    accounts: dict[int, int] = field(default_factory=dict)

    def has(self, *, session: str, account: int, issued_ms: int) -> bool:
        """Whether what was issued then, in this session of this account, has ended with it."""
        oldest = time.time() * 1_000 - settings.SESSION_COOKIE_AGE * 1_000  # no session lives longer
        return session in self.sessions or issued_ms <= max(self.accounts.get(account, 0), oldest)


def peek() -> EndedSessions | None:
    """Return the list if that needs no reading, else None."""
    return _copy.peek()


def current() -> EndedSessions | None:
    """Return the list, read anew where the copy is too old; None where the database was never reached."""
    try:
        return _copy.get()
    except Unavailable:
        return None


def forget() -> None:
    """Forget the copy, as a new process would not have it."""
    _reader.forget()
    _copy.forget()


class _Reader:
    """Reads what came since the last time: the list may be long, and it is read each second."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._known = EndedSessions()
        self._newest: datetime | None = None

    def read(self) -> EndedSessions:
        now = datetime.now(UTC)
        oldest = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        since = max(self._newest - _COMMITTED_LATE, oldest) if self._newest else oldest
        known = self._known
        for session, account, at in WebSessionEnd.objects.filter(at__gte=since).values_list(
            "session", "account_id", "at"
        ):
            ended_ms = round(at.timestamp() * 1_000)
            if session:
                known.sessions[session] = ended_ms
            elif account is not None:
                known.accounts[account] = max(ended_ms, known.accounts.get(account, 0))
            self._newest = max(at, self._newest or at)
        return known


_reader = _Reader()
_copy = Copy(
    _reader.read,
    max_age_ms=lambda: conf.current().catalogue_max_age_ms,
    faults=(DatabaseFault,),
    patience_seconds=RECORD_PATIENCE_SECONDS,
)

"""Which API key belongs to whom, in memory: checked on every call, so never looked up in the database by the call.

A revocation holds as soon as the copy is read anew, within a second. Making and revoking keys is a service's business.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from django.db import Error as DatabaseFault

from sales import conf
from sales.domain.rates import Rate
from sales.models import ApiClient, ApiKey
from sales.queries.copies import RECORD_PATIENCE_SECONDS, Copy, Unavailable

_START = "fs_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program that calls for its own users, and what it may do with the key it came with."""

    slug: str
    scopes: frozenset[str]
    purchase_rate: Rate
    lookup_rate: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    digest: str  # SHA-256 of the whole key, in hex
    client: Client
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Every key that is neither revoked nor of an inactive client."""

    by_public: Mapping[str, _Key]
    shown: dict[str, _Key] = field(default_factory=dict, repr=False)  # texts that were found to be these keys

    def holder(self, *, text: str, at: datetime) -> Client | None:
        """Return whose key this text is, or None where it is nobody's, or was until it expired."""
        key = self.shown.get(text) or self._key_of(text)
        return key.client if key and (key.expires_at is None or at < key.expires_at) else None

    def _key_of(self, text: str) -> _Key | None:
        key = self.by_public.get(_public_half(text))
        digest = sha256(text.encode(errors="replace")).hexdigest()
        if key is None or not hmac.compare_digest(digest, key.digest):
            return None
        self.shown[text] = key  # a program asks many times before the keys are read anew
        return key


def peek() -> Keys | None:
    """Return the keys if that needs no reading, else None."""
    return _copy.peek()


def current() -> Keys | None:
    """Return the keys, read anew where the copy is too old; None where the database was never reached."""
    try:
        return _copy.get()
    except Unavailable:
        return None


def forget() -> None:
    """Forget the copy, as a new process would not have it."""
    _copy.forget()


def _public_half(text: str) -> str:
    """Return the middle of `fs_<public>_<secret>`; the secret may hold underscores, the public half holds none."""
    return text[len(_START) :].partition("_")[0] if text.startswith(_START) else ""


def _load() -> Keys:
    rows = ApiKey.objects.filter(revoked_at=None, client__is_active=True).select_related("client")
    return Keys(
        by_public={
            row.public: _Key(digest=row.digest, client=_client(row.client, row.scopes), expires_at=row.expires_at)
            for row in rows
        }
    )


def _client(row: ApiClient, scopes: list[str]) -> Client:
    return Client(
        slug=row.slug,
        scopes=frozenset(scopes),
        purchase_rate=Rate.parse(row.purchase_rate),
        lookup_rate=Rate.parse(row.lookup_rate),
    )


_copy = Copy(
    _load,
    max_age_ms=lambda: conf.current().catalogue_max_age_ms,
    faults=(DatabaseFault,),
    patience_seconds=RECORD_PATIENCE_SECONDS,
)

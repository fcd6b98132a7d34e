"""API clients and their keys: make, change, revoke. Each act leaves a row in the trail; no row ever holds a key.

Whether a key may be used is for `sales.queries.api_keys` to say.
"""

import hashlib
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from sales.models import ApiClient, ApiKey
from sales.services.acting import Actor, write_trail

PUBLIC_LENGTH = 10
_PUBLIC_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key that was just made. `text` is the whole of it, to be shown once and then forgotten."""

    key: ApiKey
    text: str = field(repr=False)


def issue_key(*, client_pk: int, scopes: Iterable[str], expires_at: datetime | None = None, by: Actor) -> IssuedKey:
    """Make a key for a client. Raises ValueError for no scope, an unknown one, or an end that has passed."""
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(ApiKey.Scopes.values):
        raise ValueError(f"A key needs at least one of the scopes {', '.join(ApiKey.Scopes.values)}.")
    if expires_at is not None and expires_at <= timezone.now():
        raise ValueError("A key cannot have expired before it is made.")
    public = "".join(secrets.choice(_PUBLIC_LETTERS) for _ in range(PUBLIC_LENGTH))
    text = f"fs_{public}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            client=ApiClient.objects.get(pk=client_pk),
            public=public,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            scopes=wanted,
            expires_at=expires_at,
        )
        after = _named(key, scopes=wanted, expires_at=_said(expires_at))
        _write(by=by, act="issue_key", client=key.client, after=after)
    return IssuedKey(key=key, text=text)


def revoke_key(*, key_pk: int, by: Actor, why: str = "") -> bool:
    """End a key for good. False if it was revoked already; then nothing changes."""
    with transaction.atomic():
        key = ApiKey.objects.select_related("client").get(pk=key_pk)
        now = timezone.now()
        # Conditional: of two people who revoke at once, the first one's time stays.
        if not ApiKey.objects.filter(pk=key_pk, revoked_at=None).update(revoked_at=now):
            return False
        _write(by=by, act="revoke_key", client=key.client, after=_named(key, revoked_at=_said(now)), why=why)
    return True


def save_client(*, client: ApiClient, changed: Iterable[str], by: Actor) -> None:
    """Store a client that is valid: a new one, or these changed fields of one that exists."""
    names = list(changed)
    with transaction.atomic():
        if not client.pk:
            client.save()
            _write(by=by, act="add_client", client=client, after={name: getattr(client, name) for name in names})
        elif names:
            before = ApiClient.objects.values(*names).get(pk=client.pk)
            client.save(update_fields=names)
            after = {name: getattr(client, name) for name in names}
            _write(by=by, act="change_client", client=client, before=before, after=after)


def _write(
    *,
    by: Actor,
    act: str,
    client: ApiClient,
    before: dict[str, Any] | None = None,
    after: dict[str, Any],
    why: str = "",
) -> None:
    write_trail(by=by, act=act, before=before or {}, after={"client": client.slug, **after}, why=why)


def _named(key: ApiKey, **more: Any) -> dict[str, Any]:
    return {"key": f"fs_{key.public}", **more}


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")

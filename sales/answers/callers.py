"""Who calls the API: the holder of a key, or, in the open demo, anybody as the client `demo`.

Whose shopper that makes of a userId is here too. How often a caller may ask is `limiting`.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from sales import conf
from sales.answers import wire
from sales.answers.ask import Answer, Ask, Asking, result_of
from sales.domain import shoppers
from sales.domain.reads import Read
from sales.queries import api_keys
from sales.queries.api_keys import Client

_CHALLENGE = 'Bearer realm="flash sale API"'


class Caller(NamedTuple):
    """An API client. `keyed` is None where nobody had to show a key."""

    slug: str
    keyed: Client | None = None

    def shopper(self, user_id: str) -> str:
        """Return the shopper whom this client calls so; keys may be rotated, the shopper stays the same."""
        return shoppers.of_client(client=self.slug, user_id=user_id)


def of(ask: Ask, *, scope: str) -> Asking[Caller | Answer]:
    """Return who calls, if that caller may use `scope`; else the 401 or 403 that says why not."""
    header = ask.headers.get("authorization", "").strip()
    open_client = conf.current().open_client
    if not header:
        return Caller(slug=open_client) if open_client else _unauthorised("An API key is required")
    kind, _, key = header.partition(" ")
    if kind.lower() != "bearer":
        return _unauthorised("Send the API key as: Authorization: Bearer <key>")
    keys = api_keys.peek() or (yield from result_of(Read(api_keys.current, key="api_keys")))
    if keys is None:
        return wire.unavailable("API keys cannot be checked right now, please try again")
    client = keys.holder(text=key.strip(), at=datetime.now(UTC))
    if client is None:
        return _unauthorised("The API key is unknown, expired or revoked", problem="invalid_token")
    if scope not in client.scopes:
        challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
        return wire.error(403, f"The API key lacks the scope {scope}", (("WWW-Authenticate", challenge),))
    return Caller(slug=client.slug, keyed=client)


def user(written: str) -> str | Answer:
    """Return a userId normalised, or the 400 that says what is wrong with it; an empty one comes back empty."""
    try:
        return shoppers.normalised(written)
    except ValueError as wrong:
        return wire.error(400, f"userId cannot be used: {wrong}")


def _unauthorised(sentence: str, *, problem: str = "") -> Answer:
    challenge = f'{_CHALLENGE}, error="{problem}"' if problem else _CHALLENGE
    return wire.error(401, sentence, (("WWW-Authenticate", challenge),))

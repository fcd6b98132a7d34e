"""The pass: a signed text in a sale page that says who may take which slot. So buying asks no session and no database.

It names the sale, the shopper, the slot, the web session it was made in, and when. It replaces the CSRF token on
buying: another site can make a browser send our cookies, but cannot read the page that holds the pass, and a pass of
one web session is worth nothing in another. It has no end of its own: it dies with the web session (`ended_sessions`
knows which ended), and what may be bought when is the ledger's to decide.

One pass is one attempt: the order id is made from it, so whatever is sent again with the same pass, a double click, a
lost answer, a request that a server carries out late, is the same purchase by its slot and by its id.
"""

import hashlib
import time
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http.cookie import parse_cookie

from sales.domain import shoppers, web_sessions

_SALT = "sales.pass"
_PARTS = 5
MOST_CHARACTERS = 200


class Flaw(StrEnum):
    """Why a pass is not taken."""

    TAMPERED = "tampered"  # or missing, or signed with a key that is no longer trusted
    OTHER_SALE = "other_sale"
    OTHER_SESSION = "other_session"  # signed out, signed in again, or somebody else's


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What a pass says."""

    sale: int
    account: int
    slot: int
    session: str
    issued_ms: int

    @property
    def shopper(self) -> str:
        """The shopper as the ledger knows them."""
        return shoppers.of_account(self.account)

    @cached_property
    def order_id(self) -> UUID:
        """The id of the order that this attempt makes. Nobody can choose it: every part is signed."""
        digest = hashlib.blake2b(self.text.encode(), key=_SALT.encode(), digest_size=16).digest()
        return UUID(bytes=digest, version=4)

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.sale}.{self.account}.{self.slot}.{self.session}.{self.issued_ms}"


def mint(*, sale: int, account: int, slot: int, session_key: str, issued_ms: int | None = None) -> str:
    """Return a pass for the next attempt of this account in this sale and web session."""
    made = Pass(
        sale=sale,
        account=account,
        slot=slot,
        session=web_sessions.digest(session_key),
        issued_ms=issued_ms or time.time_ns() // 1_000_000,
    )
    return signing.Signer(salt=_SALT).sign(made.text)


def read(written: str, *, sale: int, session_key: str) -> Pass | Flaw:
    """Return what the pass says, or why it is not taken for this sale in this web session.

    Passes signed with a former key (SECRET_KEY_FALLBACKS) are still good.
    """
    if len(written) > MOST_CHARACTERS:
        return Flaw.TAMPERED
    try:
        parts = signing.Signer(salt=_SALT).unsign(written).split(".")
    except signing.BadSignature:
        return Flaw.TAMPERED
    if len(parts) != _PARTS:
        return Flaw.TAMPERED
    made = Pass(
        sale=int(parts[0]), account=int(parts[1]), slot=int(parts[2]), session=parts[3], issued_ms=int(parts[4])
    )
    if not session_key or made.session != web_sessions.digest(session_key):
        return Flaw.OTHER_SESSION
    if made.sale != sale:
        return Flaw.OTHER_SALE
    return made


def session_key_of(cookie_header: str) -> str:
    """Return the web session's key from a Cookie header; empty where there is none."""
    return parse_cookie(cookie_header).get(settings.SESSION_COOKIE_NAME, "")

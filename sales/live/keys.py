"""The names of a sale's keys in the ledger, and of counters on the cache server. Nothing else makes a key."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from sales import conf


@dataclass(frozen=True, slots=True)
class SaleKeys:
    """The six keys of one sale. They share a hash tag, so that a cluster keeps them together."""

    meta: str  # hash: the sale's numbers
    shoppers: str  # hash: shopper/slot -> entry
    keys: str  # hash: key digest -> shopper/slot
    returned: str  # sorted set: unit numbers given back
    deadlines: str  # sorted set: shopper/slot of open holds by deadline
    events: str  # stream: every change, in order

    @classmethod
    def of(cls, sale: int, *, draft: str = "") -> Self:
        """Name the keys of the sale with this primary key, or those of a draft that is to take their place."""
        return cls.under(conf.current().ledger_key_prefix, sale, draft=draft)

    @classmethod
    def under(cls, prefix: str, sale: int, *, draft: str = "") -> Self:
        """Do the same with a prefix that is known already."""
        stem = f"{prefix}{{sale:{sale}}}:" + (f"draft:{draft}:" if draft else "")
        return cls(
            meta=stem + "meta",
            shoppers=stem + "shoppers",
            keys=stem + "keys",
            returned=stem + "returned",
            deadlines=stem + "deadlines",
            events=stem + "events",
        )

    def named(self, *names: str) -> tuple[str, ...]:
        """Return the keys with these names, in this order, as a script's header lists them."""
        return tuple(getattr(self, name) for name in names)


def of_sale(sale: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return these of a sale's keys, in this order: what every purchase needs, so they are put together once."""
    return _of_sale(conf.current().ledger_key_prefix, sale, names)


@lru_cache(maxsize=4_096)
def _of_sale(prefix: str, sale: int, names: tuple[str, ...]) -> tuple[str, ...]:
    return SaleKeys.under(prefix, sale).named(*names)


def drafts_of(sale: int) -> str:
    """Return the pattern of the keys of all drafts of a sale."""
    stem = f"{conf.current().ledger_key_prefix}{{sale:{sale}}}:draft:"
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in stem) + "*"


def bucket(name: str) -> str:
    """Name the counter of a limit on the cache server."""
    return f"{conf.current().ledger_key_prefix}limit:{name}"


def digest(*, client: str, key: str) -> str:
    """Return the 11 characters under which an Idempotency-Key of an API client is kept (64 bits, URL-safe base 64)."""
    hashed = hashlib.blake2b(f"{client}\0{key}".encode(), digest_size=8).digest()
    return urlsafe_b64encode(hashed).rstrip(b"=").decode()

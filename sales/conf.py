"""What an installation may decide about sales, with types and defaults.

The site's settings build one `Conf` from the environment (`settings.SALES`); everything in `sales` reads it through
`current()`. No environment variable is read here or below, and nothing here knows Django models or Redis.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from sales.domain.rates import Rate


class Site(StrEnum):
    """Which of the two kinds of site this is: the one switch between an open demo and a locked shop."""

    DEMO = "demo"
    PRODUCTION = "production"


class WithoutCache(StrEnum):
    """What limited URLs do while the server that counts requests cannot be reached."""

    ALLOW = "allow"
    REFUSE = "refuse"


class LedgerRisk(StrEnum):
    """What the shop accepts to lose where the ledger's machine falls."""

    NONE = "none"
    ACCEPT_1S = "accept_1s"  # purchases of the last second; for servers that save once a second at best


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Who may ask how often. `on` switches all of them."""

    on: bool = True
    without_cache: WithoutCache = WithoutCache.ALLOW
    purchase_per_address: Rate = Rate(count=300, seconds=60)
    purchase_per_shopper: Rate = Rate(count=5, seconds=60)
    lookup_per_address: Rate = Rate(count=600, seconds=60)
    page_per_address: Rate = Rate(count=1200, seconds=60)
    panel_per_address: Rate = Rate(count=3000, seconds=60)
    account_per_address: Rate = Rate(count=60, seconds=60)
    login_per_address: Rate = Rate(count=30, seconds=60)
    admin_per_address: Rate = Rate(count=600, seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """All that an installation decides about sales; durations carry their unit in the name."""

    site: Site = Site.PRODUCTION
    data_dir: Path = Path("var")
    ledger_url: str = field(default="", repr=False)  # may hold a password
    cache_url: str = field(default="", repr=False)
    ledger_risk: LedgerRisk = LedgerRisk.NONE
    ledger_embedded: bool = False  # whoever starts the site starts this server too, in `data_dir`
    cache_embedded: bool = False
    shop_name: str = "Harbour Press"
    shop_place: str = "Hamburg"
    shop_currency: str = "EUR"
    limits: Limits = Limits()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    ledger_key_prefix: str = ""  # stands in front of every ledger key; tests give each test its own
    ledger_connect_timeout_ms: int = 250
    ledger_answer_timeout_ms: int = 750
    snapshot_max_age_ms: int = 250
    catalogue_max_age_ms: int = 1_000
    keeper_batch: int = 1_000
    keeper_pause_ms: int = 5
    keeper_idle_ms: int = 100
    body_limit_bytes: int = 16_384
    fault_point: str = ""  # where a process kills itself, in tests
    reminder_minutes: int = 30
    require_staff_mfa: bool = True  # in the admin

    @property
    def open_client(self) -> str | None:
        """Slug of the API client that a caller without a key is taken for; None where a key is required."""
        return "demo" if self.site is Site.DEMO else None

    @property
    def may_lose_a_second(self) -> bool:
        """Whether purchases of the last second can be lost where the ledger's machine falls; then pages say so."""
        return self.ledger_risk is LedgerRisk.ACCEPT_1S


def current() -> Conf:
    """Return the installation's configuration (`settings.SALES`)."""
    return _known or _read()


_known: Conf | None = None
"""The settings look each name up in Python; ten times for each purchase is worth remembering."""


def _read() -> Conf:
    global _known  # noqa: PLW0603 - the one thing that is remembered here
    _known = settings.SALES
    return _known


@receiver(setting_changed, dispatch_uid="sales.conf")
def _forget(*, setting: str, **_: object) -> None:
    """Settings change in tests only."""
    global _known  # noqa: PLW0603
    if setting == "SALES":
        _known = None

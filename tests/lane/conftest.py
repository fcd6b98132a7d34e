"""What tests of the lane stand on: twin sales in any state, seen by every thread, and people with passes and keys."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from sales.answers import passes
from sales.domain import shoppers
from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live import connection, ledger
from sales.live.results import Taken
from sales.models import Account, LedgerServer, Sale
from tests.conftest import EPOCH, MakeOrder, MakeSale


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who is signed in."""

    account: Account
    session_key: str

    @property
    def cookie(self) -> str:
        return f"{django_settings.SESSION_COOKIE_NAME}={self.session_key}"

    @property
    def name(self) -> str:
        return shoppers.of_account(self.account.pk)

    def pass_for(self, sale: Sale, *, slot: int = 1, issued_ms: int | None = None) -> str:
        return passes.mint(
            sale=sale.pk, account=self.account.pk, slot=slot, session_key=self.session_key, issued_ms=issued_ms
        )


@pytest.fixture(autouse=True)
def seen_by_all_threads(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rows are committed; a thread's connection ends with what it was opened for."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    yield
    connections.close_all()


@pytest.fixture(autouse=True)
def at_once(settings: Any) -> None:
    """Nothing is kept in memory, and nobody is counted, unless a test says so."""
    settings.SALES = replace(
        settings.SALES,
        catalogue_max_age_ms=0,
        snapshot_max_age_ms=0,
        limits=replace(settings.SALES.limits, on=False),
    )


@pytest.fixture
def early_shopper(seen_by_all_threads: None) -> Shopper:
    return signed_in("early@example.org")


@pytest.fixture
def late_shopper(seen_by_all_threads: None) -> Shopper:
    return signed_in("late@example.org")


def signed_in(email: str) -> Shopper:
    """Make an account and a web session in which it is signed in."""
    account = Account.objects.create_user(email=email, password="a long enough password")
    return Shopper(account, new_session(account))


def new_session(account: Account) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.create()
    return str(session.session_key)


STATES = (
    "upcoming", "far", "live", "hold", "two_each", "paused", "sold_out", "ended", "closed", "settled", "draft",
    "no_ledger", "stale",
)  # fmt: skip
MakeTwin = Callable[[str, str], Sale]


@pytest.fixture
def make_twin(proven: LedgerServer, make_sale: MakeSale, make_order: MakeOrder) -> MakeTwin:
    """Make a sale with this slug in this state; two with the same state differ in nothing else."""
    now = datetime.now(UTC)
    opens = {"upcoming": timedelta(minutes=30), "far": timedelta(days=4), "ended": timedelta(hours=-3)}
    special: dict[str, dict[str, Any]] = {
        "hold": {"hold_seconds": 600, "hold_extension_seconds": 60},
        "two_each": {"limit": 2},
        "ended": {"closes_at": now - timedelta(hours=1)},
        "draft": {},
        "settled": {"state": SaleState.SETTLED, "state_number": 3, "published_at": now, "recorded": 1},
        "no_ledger": {"state": SaleState.PUBLISHED, "state_number": 1, "published_at": now},
    }

    def make(slug: str, state: str) -> Sale:
        opens_at = now + opens.get(state, timedelta(seconds=-60))
        fields = {
            "stock": 3,
            "opens_at": opens_at,
            "closes_at": opens_at + timedelta(hours=2),
            **special.get(state, {}),
        }
        sale = make_sale(slug=slug, published=state not in ("draft", "settled", "no_ledger"), **fields)
        if state == "settled":
            make_order(sale, shopper=shoppers.of_client(client="demo", user_id="buyer"))
        elif state in ("paused", "closed"):
            Sale.objects.filter(pk=sale.pk).update(state=state, state_number=2)
            assert connection.run(ledger.set_state(sale=sale.pk, epoch=EPOCH, state=LedgerState(state), number=2)).ok
        elif state == "sold_out":
            assert {take(sale, f"u:{number}").outcome for number in (1_001, 1_002, 1_003)} == {Outcome.BOUGHT}
        elif state == "stale":
            LedgerServer.objects.update(epoch=EPOCH + 1)
        return sale

    return make


def take(sale: Sale, shopper: str, *, slot: int = 0) -> Taken:
    """Take a unit straight from the ledger."""
    call = ledger.purchase(sale=sale.pk, epoch=EPOCH, shopper=shopper, slot=slot, order_id=uuid4())
    return connection.run(call)

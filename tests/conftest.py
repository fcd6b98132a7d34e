"""What tests stand on: a real Valkey for ledger and cache, a proven ledger, and sales made in one line.

Every test gets a key prefix of its own, so nobody ever has to empty the shared servers. Tests that stop a server,
change its settings or flush its scripts start their own with `own_servers`.
"""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.utils import translation

from sales.domain import references
from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState, SaleState
from sales.live import connection, embedded, ledger
from sales.live.line import Line
from sales.live.results import Terms
from sales.models import LedgerServer, Order, Product, Sale
from sales.queries import api_keys, catalogue, ended_sessions, snapshots
from tests.backends import Backends

EPOCH = 1


@dataclass(frozen=True, slots=True)
class Servers:
    """A ledger and a cache server that run."""

    ledger: embedded.RunningServer
    cache: embedded.RunningServer


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The two servers of the test run, where `tests.settings` says they are; scripts are loaded."""
    folder = django_settings.SALES.data_dir
    with (
        embedded.start(server=embedded.server(role=embedded.ServerRole.LEDGER, data_dir=folder)) as first,
        embedded.start(server=embedded.server(role=embedded.ServerRole.CACHE, data_dir=folder)) as second,
    ):
        with Line() as line:
            line.load_scripts()
        yield Servers(ledger=first, cache=second)


@pytest.fixture
def own_servers(tmp_path: Path, settings: Any) -> Iterator[Servers]:
    """Two servers for one test alone, to stop, freeze, kill and flush. No scripts are loaded."""
    with ExitStack() as at_the_end:
        first = embedded.start(server=embedded.server(role=embedded.ServerRole.LEDGER, data_dir=tmp_path))
        at_the_end.callback(first.kill)  # asked to stop, it takes a tenth of a second; nobody needs what it holds
        second = embedded.start(server=embedded.server(role=embedded.ServerRole.CACHE, data_dir=tmp_path))
        at_the_end.callback(second.kill)
        settings.CACHES = {
            "default": {**settings.CACHES["default"], "LOCATION": second.url},
            "ledger": {**settings.CACHES["ledger"], "LOCATION": first.url},
        }
        settings.SALES = replace(settings.SALES, data_dir=tmp_path, ledger_url=first.url, cache_url=second.url)
        yield Servers(ledger=first, cache=second)


@pytest.fixture(scope="session", autouse=True)
def _flushes_keep_what_migrations_made() -> Iterator[None]:
    """Emptying the tables after a test spares content types and permissions, so that nobody has to make them anew.

    Django makes all of them again after each test whose rows were committed, which takes longer than most such tests.
    """

    def all_others(_style: Any, connection: Any, **options: Any) -> list[str]:
        there = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        made = {model._meta.db_table for model in (ContentType, Permission)}
        emptied: list[str] = connection.ops.sql_flush(no_style(), sorted(there - made), **options)
        return emptied

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flush, "sql_flush", all_others)
        patched.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)
        yield


@pytest.fixture(scope="session")
def backends() -> Iterator[Backends | None]:
    """Who is connected to the tests' database, where that is PostgreSQL's."""
    url = os.environ.get("TEST_DATABASE_URL")
    with Backends(url) if url else nullcontext() as seen:
        yield seen


@pytest.fixture(autouse=True)
def _takes_its_connections_along(backends: Backends | None) -> Iterator[None]:
    """What a test began, threads and processes, leaves no connection: the database could not be removed at the end."""
    yield
    if backends and (left := backends.left()):
        pytest.fail(f"Connections to the database are left. Over them was last said: {left}")


@pytest.fixture(autouse=True)
def forgotten_copies() -> None:
    """Every test begins as a new process does: without copies of sales, numbers and keys."""
    catalogue.forget()
    snapshots.forget()
    api_keys.forget()
    ended_sessions.forget()


@pytest.fixture(autouse=True)
def _in_the_shops_language() -> None:
    """Nobody hears the language that an earlier test's request left in this thread."""
    translation.deactivate()


@pytest.fixture
def key_prefix(settings: Any) -> str:
    """A prefix of this test's own for every key on both servers."""
    prefix = f"{uuid4().hex[:12]}:"
    settings.SALES = replace(settings.SALES, ledger_key_prefix=prefix)
    settings.CACHES = {
        **settings.CACHES,
        "default": {**settings.CACHES["default"], "KEY_PREFIX": prefix},
    }
    return prefix


@pytest.fixture
def live(servers: Servers, key_prefix: str) -> Servers:
    """The shared servers, with a key prefix of this test's own: all that a test of `sales.live` needs."""
    return servers


@pytest.fixture
def proven(live: Servers, db: None) -> LedgerServer:
    """A ledger that is proven on record: epoch 1, scripts loaded."""
    with Line() as line:
        row: LedgerServer = LedgerServer.objects.create(
            name=LedgerServer.THE_LEDGER, run_id=line.run_id(), epoch=EPOCH, proven_at=datetime.now(UTC)
        )
    return row


@pytest.fixture
def product(db: None) -> Product:
    """Something to sell."""
    made: Product = Product.objects.create(name="Night Ferry", price=Decimal("48.00"), currency="EUR")
    return made


MakeSale = Callable[..., Sale]


@pytest.fixture
def make_sale(product: Product) -> MakeSale:
    """Make a sale on record, by default one that opened a minute ago; `published=True` puts it into the ledger too.

    `opens_in` and `closes_in` are seconds from now; all other arguments are fields of `Sale`.
    """

    def make(*, published: bool = False, opens_in: float = -60, closes_in: float = 3_600, **fields: Any) -> Sale:
        now = datetime.now(UTC)
        values = {
            "slug": f"sale-{uuid4().hex[:8]}",
            "product": product,
            "stock": 3,
            "opens_at": now + timedelta(seconds=opens_in),
            "closes_at": now + timedelta(seconds=closes_in),
            "time_zone": "Europe/Berlin",
            **fields,
        }
        if published:
            values |= {"state": SaleState.PUBLISHED, "state_number": 1, "published_at": now}
        sale: Sale = Sale.objects.create(**values)
        if published:
            publish_in_ledger(sale)
        return sale

    return make


def publish_in_ledger(sale: Sale, *, epoch: int = EPOCH) -> None:
    """Put a sale into the ledger as the keeper would."""
    terms = Terms(
        stock=sale.stock,
        limit=sale.limit,
        opens_ms=round(sale.opens_at.timestamp() * 1_000),
        closes_ms=round(sale.closes_at.timestamp() * 1_000),
        hold_ms=sale.hold_seconds * 1_000,
        hold_extension_ms=sale.hold_extension_seconds * 1_000,
        cancelled_counts=sale.cancelled_counts,
        state_number=sale.state_number,
    )
    assert connection.run(ledger.publish(sale=sale.pk, epoch=epoch, terms=terms)).outcome is Outcome.DONE


def pytest_configure() -> None:
    """Prepare a special run.

    TEST_SERVER_BINARY=<path> puts another server, such as Debian's redis-server, in the place of the embedded one.
    MUTANT=<name> makes that mistake before the first test: the run must fail.
    """
    if path := os.environ.get("TEST_SERVER_BINARY"):
        embedded.binary = lambda: Path(path)
    if name := os.environ.get("MUTANT"):
        registry = importlib.import_module("tests.mutants.registry")  # only now: a run without it needs none of it
        next(mutant for mutant in registry.MUTANTS if mutant.name == name).make()


MakeOrder = Callable[..., Order]


@pytest.fixture
def make_order(db: None) -> MakeOrder:
    """Put an order on record: by default the first unit of account 1, bought an hour ago. Arguments are its fields."""

    def make(sale: Sale, **fields: Any) -> Order:
        order_id = uuid4()
        at = datetime.now(UTC) - timedelta(hours=1)
        values = {
            "order_id": order_id,
            "reference": references.of(order_id),
            "sale": sale,
            "shopper": "u:1",
            "slot": 1,
            "unit": 1,
            "epoch": EPOCH,
            "seq": 2,
            "taken_at": at,
            "bought_at": at,
            "recorded_at": at,
            "product_name": "Night Ferry",
            "price": Decimal("48.00"),
            "currency": "EUR",
            **fields,
        }
        if values.get("state") == OrderState.CANCELLED:
            values["cancelled_at"] = at
        made: Order = Order.objects.create(**values)
        return made

    return make


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser's tests last: Playwright keeps an event loop running, beside which nobody else may start one."""
    items.sort(key=lambda item: "browser" in item.path.parts)

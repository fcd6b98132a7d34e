"""Our own installation under test: ledger, cache, keeper, database, and web servers in front of them.

Import this only after `environment.settle()`: it reads settings.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import redis
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection as database
from django.utils import timezone

from flashsale_site.environment import PROJECT
from sales.answers import passes
from sales.live import connection, embedded, ledger
from sales.live.embedded import RunningServer, ServerRole
from sales.models import Account, ApiClient, LedgerServer, OnLedgerLoss, Product, Sale
from sales.services import api_clients, lifecycle
from sales.services.acting import Actor
from tests.bench import processes
from tests.bench.contestants import LIMIT, Contestant, gunicorn
from tests.bench.processes import Started

MANY = 9_999_999
"""Units of a sale that is not to sell out."""

PASSWORD = "a password of the benchmark's own"
PEOPLE = 50
KNOWN_TO_ALL_SECONDS = 1.2  # web processes learn of a new sale within a second
_SETTLE_SECONDS = 120.0
_BY = Actor(who="benchmark")
_BATCH = 200
_FIRST_ACCOUNT = 50_000_000
_LANE = ("--worker-class", "flashsale_site.workers.LaneWorker", "flashsale_site.asgi:application")
_PLAIN = ("--worker-class", "gthread", "flashsale_site.wsgi:application")


@dataclass(frozen=True, slots=True)
class Shop:
    """A running installation, and what to do with it."""

    folder: Path
    ledger: RunningServer
    cache: RunningServer
    keeper: Started
    client: "redis.Redis"
    key: str
    cookies: Path

    def front(self, *, name: str, title: str, web: Started, port: int) -> Contestant:
        """Return one of its web servers as a contestant."""
        return Contestant(
            name=name,
            title=title,
            port=port,
            web=web.pid,
            store=self.ledger.pid,
            beside={"keeper": self.keeper.pid, "cache": self.cache.pid},
            open=self.open,
            settle=self.settle,
            key=self.key,
        )

    def open(self, stock: int = MANY) -> str:
        """Open a sale that every web process knows."""
        now = timezone.now()
        sale = Sale.objects.create(
            slug=f"sale-{uuid4().hex[:12]}",
            product=Product.objects.get(name="X"),
            stock=stock,
            opens_at=now,
            closes_at=now + timedelta(hours=4),
            on_ledger_loss=OnLedgerLoss.SELL_ON,
        )
        lifecycle.publish(sale_pk=sale.pk, by=_BY)
        time.sleep(KNOWN_TO_ALL_SECONDS)
        return sale.slug

    def settle(self, slug: str) -> float:
        """Wait until every purchase of a sale is on record, then close it; return how many seconds that took."""
        began = time.monotonic()
        sale = Sale.objects.get(slug=slug)
        while time.monotonic() < began + _SETTLE_SECONDS:
            seen = connection.run(ledger.snapshot(sale=sale.pk, epoch=None))
            if seen.recorded_seq >= seen.seq > 0:
                break
            time.sleep(0.1)
        took = time.monotonic() - began
        lifecycle.close(sale_pk=sale.pk, by=_BY)
        database.close()
        return took

    def sold(self, slug: str) -> int:
        """Return how many units the ledger has sold, to hold against what the load generator saw."""
        sale = Sale.objects.get(slug=slug)
        return connection.run(ledger.snapshot(sale=sale.pk, epoch=None)).sold

    def fill(self, slug: str, *, buyers: int) -> float:
        """Let so many accounts buy, straight in the ledger; return the bytes of memory that each of them took."""
        sale = Sale.objects.get(slug=slug)
        epoch = LedgerServer.objects.get(name=LedgerServer.THE_LEDGER).epoch
        before = self.memory()
        for first in range(0, buyers, _BATCH):
            numbers = range(first, min(first + _BATCH, buyers))
            connection.run_many(
                [
                    ledger.purchase(sale=sale.pk, epoch=epoch, shopper=f"u:{_FIRST_ACCOUNT + n}", order_id=uuid4())
                    for n in numbers
                ]
            )
        return (self.memory() - before) / buyers

    def memory(self) -> int:
        """Return the bytes that the ledger uses."""
        return int(self.client.info("memory")["used_memory"])

    def write_passes(self, slug: str, *, people: int, first: int) -> tuple[Path, Path]:
        """Write a form with a pass for each of so many shoppers, and the cookie of the web session they share."""
        sale = Sale.objects.get(slug=slug)
        session = uuid4().hex
        forms, cookie = self.folder / f"passes-{slug}", self.folder / f"session-{slug}"
        with forms.open("w") as written:
            for account in range(first, first + people):
                text = passes.mint(sale=sale.pk, account=account, slot=1, session_key=session)
                written.write(f"pass={text}\n")
        cookie.write_text(f"sessionid={session}\n")
        return forms, cookie

    def keep_on_disk(self, *, on: bool) -> None:
        """Turn the ledger's append-only file on or off, and wait until it is whole again."""
        self.client.config_set("appendonly", "yes" if on else "no")
        if on:
            self.wait_for_file()

    def wait_for_file(self) -> None:
        """Wait until the ledger is not writing its file anew, as it does after it grew to twice its size."""
        names = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
        while any(self.client.info("persistence")[name] for name in names):
            time.sleep(0.1)

    def rest_keeper(self, *, resting: bool) -> None:
        """Freeze the keeper, or let it go on."""
        os.kill(self.keeper.pid, signal.SIGSTOP if resting else signal.SIGCONT)


@contextmanager
def running(folder: Path) -> Iterator[Shop]:
    """Start the installation, without a web server."""
    with ExitStack() as all_of_it:
        servers = [
            all_of_it.enter_context(
                embedded.start(server=embedded.server(role=role, data_dir=folder), command="tests.bench", extra=extra)
            )
            for role, extra in ((ServerRole.LEDGER, ["--maxmemory", "6gb"]), (ServerRole.CACHE, []))
        ]
        what = ["--stock=100", "--opens-in=0", "--lasts=86400", "--hold-seconds=0"]
        prepared = processes.start(name="prepare", argv=manage("prepare_demo", *what), folder=folder / "log")
        if prepared.process.wait(timeout=120):
            raise processes.DidNotStart(f"The shop was not prepared:\n{embedded.log_tail(path=prepared.log)}")
        keeper = all_of_it.enter_context(processes.start(name="keeper", argv=manage("keeper"), folder=folder / "log"))
        client = redis.Redis(unix_socket_path=str(servers[0].server.socket))
        yield Shop(
            folder=folder,
            ledger=servers[0],
            cache=servers[1],
            keeper=keeper,
            client=client,
            key=_make_key(),
            cookies=_sign_in(folder),
        )


@contextmanager
def lane(shop: Shop) -> Iterator[Contestant]:
    """Run the lane in front of Django, as the site runs by itself."""
    with _web(shop, name="lane", words=_LANE) as (web, port):
        yield shop.front(name="lane", title="The lane", web=web, port=port)


@contextmanager
def plain(shop: Shop, *, niced: bool = False) -> Iterator[Contestant]:
    """Run Django alone, in threads."""
    with _web(shop, name="niced" if niced else "plain", words=_PLAIN, niced=niced) as (web, port):
        yield shop.front(name="plain", title="Plain Django, gthread", web=web, port=port)


@contextmanager
def _web(shop: Shop, *, name: str, words: tuple[str, ...], niced: bool = False) -> Iterator[tuple[Started, int]]:
    port = processes.free_port()
    argv = [*(("nice", "-n", "10") if niced else ()), *gunicorn(*words)]
    with processes.start(name=name, argv=argv, folder=shop.folder / "log", env={"BIND": f"127.0.0.1:{port}"}) as web:
        yield web.until_it_answers(port=port).until_it_answers(port=port, path="/ready"), port


def manage(*words: str) -> list[str]:
    """Return the command line of a command of `manage.py`."""
    return [sys.executable, str(PROJECT / "manage.py"), *words]


def _make_key() -> str:
    client = ApiClient.objects.create(
        slug="bench", name="Benchmark", purchase_rate=f"{LIMIT}/m", lookup_rate=f"{LIMIT}/m"
    )
    return api_clients.issue_key(client_pk=client.pk, scopes=["purchase", "lookup"], by=_BY).text


def _sign_in(folder: Path) -> Path:
    """Make accounts that share a password, sign each in, and write their cookies into a file."""
    kept, hashed = folder / "cookies", make_password(PASSWORD)
    people = [Account(email=f"shopper{number}@example.org", password=hashed) for number in range(PEOPLE)]
    with kept.open("w") as written:
        for person in Account.objects.bulk_create(people):
            session = SessionStore()
            session[SESSION_KEY] = str(person.pk)
            session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            session[HASH_SESSION_KEY] = person.get_session_auth_hash()
            session.create()
            written.write(f"sessionid={session.session_key}\n")
    return kept

"""What is compared: one interface to every server under test, and the baselines that are not ours.

Each contestant answers the same three addresses, so the same load goes to all. Not here: our own installation (`shop`).
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import redis

from flashsale_site.environment import PROJECT
from sales.live import embedded
from sales.live.embedded import Server, ServerRole
from tests import postgres
from tests.bench import processes
from tests.bench.wrk import Answered, Load

LIMIT = 1_000_000_000
"""Requests a minute: limits are on everywhere, and refuse nobody here."""

CONSTANTS = (
    (
        "constant-asgi",
        "A constant, the lane's web server",
        ("--worker-class", "flashsale_site.workers.LaneWorker", "tests.bench.constant:asgi"),
    ),
    (
        "constant-wsgi",
        "A constant, gthread",
        ("--worker-class", "gthread", "tests.bench.constant:wsgi"),
    ),
)
NOBODY_ELSE: Mapping[str, int] = {}


def _nothing(_slug: str) -> float:
    return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server under test.

    `open` opens a new sale with so many units and returns its slug, `settle` waits until everything that a load left
    behind is done, and returns how many seconds that took. `web` and `store` are process ids: what answers, and what
    decides (nothing decides where all get one text); `beside` are others that the same installation runs.
    """

    name: str
    title: str
    port: int
    web: int
    store: int | None
    open: Callable[[int], str]
    settle: Callable[[str], float] = _nothing
    beside: Mapping[str, int] = field(default_factory=lambda: NOBODY_ELSE)
    key: str = ""

    def buying(self, *, slug: str, prefix: str, connections: int, seconds: int, **more: str | int) -> Load:
        """Return a load of purchases, each by another user."""
        words = {"kind": "purchase", "slug": slug, "prefix": prefix, "key": self.key, **more}
        return Load(port=self.port, connections=connections, seconds=seconds, words=words)

    def reading(self, *, path: str, connections: int, seconds: int, **more: str | int | Path) -> Load:
        """Return a load of reads of one address."""
        return Load(
            port=self.port, connections=connections, seconds=seconds, words={"kind": "get", "path": path, **more}
        )

    def measured(self, load: Load) -> tuple[Answered, dict[str, float]]:
        """Run a load; return what it saw, and its figures with the processor time of each request."""
        before = self._used()
        answered = load.run()
        return answered, answered.values() | self.cost(before, answered.requests)

    def cost(self, before: dict[str, float], requests: int) -> dict[str, float]:
        """Return the microseconds of processor time for each request since `before`."""
        return {name: (used - before[name]) * 1e6 / max(requests, 1) for name, used in self._used().items()}

    def _used(self) -> dict[str, float]:
        pids = {"cpu_web_us": self.web} | ({"cpu_store_us": self.store} if self.store else {})
        pids |= {f"cpu_{name}_us": pid for name, pid in self.beside.items()}
        return {name: processes.cpu_seconds(pid) for name, pid in pids.items()}

    def used(self) -> dict[str, float]:
        """Return the processor time used so far, in seconds."""
        return self._used()


@contextmanager
def express(folder: Path) -> Iterator[Contestant]:
    """Run the Express baseline. Raises DidNotStart where Node or its packages are not to be had."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise processes.DidNotStart("Node and npm are not installed")
    place = folder / "express"
    shutil.copytree(Path(__file__).with_name("express"), place)
    npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(npm, cwd=place, capture_output=True, text=True, check=False, timeout=300)
    if installed.returncode:
        raise processes.DidNotStart(f"npm ci failed: {installed.stderr.strip().splitlines()[-1:]}")
    server = Server(role=ServerRole.LEDGER, folder=folder / "express-redis", socket=None, port=processes.free_port())
    # The same server program as the ledger's, but nothing is kept: what such systems usually run on.
    with embedded.start(server=server, command="tests.bench", extra=["--appendonly", "no"]) as store:
        port = processes.free_port()
        env = {"PORT": str(port), "REDIS_URL": server.url, "LIMIT": str(LIMIT), "NODE_ENV": "production"}
        with processes.start(name="express", argv=["node", "server.js"], folder=folder, env=env, cwd=place) as node:
            node.until_it_answers(port=port)
            client = redis.Redis.from_url(server.url)
            yield Contestant(
                name="express",
                title="Node/Express, no persistence",
                port=port,
                web=node.pid,
                store=store.pid,
                open=lambda stock: _open_in_express(client, stock),
            )


def _open_in_express(client: "redis.Redis", stock: int) -> str:
    slug = f"sale-{time.monotonic_ns()}"
    start, end = _window()
    sale = {
        "id": slug,
        "productName": "X",
        "totalStock": stock,
        "remainingStock": stock,
        "startTime": start.isoformat(),
        "endTime": end.isoformat(),
    }
    client.set(f"sale:{slug}", json.dumps(sale))
    client.set(f"stock:{slug}", stock)
    return slug


@contextmanager
def rowlock(folder: Path) -> Iterator[Contestant]:
    """Run the row-lock baseline on a PostgreSQL cluster of its own. Raises DidNotStart where there is none."""
    binaries = postgres.binaries()
    if binaries is None:
        raise processes.DidNotStart("PostgreSQL is not installed")
    with postgres.cluster(binaries) as url:
        env = {"ROWLOCK_URL": url, "DJANGO_SETTINGS_MODULE": "tests.bench.rowlock.settings"}
        migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity=0"]
        tables = processes.start(name="rowlock-tables", argv=migrate, folder=folder, env=env)
        if tables.process.wait(timeout=processes.START_SECONDS):
            raise processes.DidNotStart(f"The tables were not made:\n{embedded.log_tail(path=tables.log)}")
        with psycopg.connect(url, autocommit=True) as database:
            server_folder = Path(str(database.execute("SHOW data_directory").fetchall()[0][0]))
            store = int((server_folder / "postmaster.pid").read_text().split()[0])
            port = processes.free_port()
            argv = gunicorn("--worker-class", "gthread", "tests.bench.rowlock.shop:application")
            with processes.start(
                name="rowlock", argv=argv, folder=folder, env=env | {"BIND": f"127.0.0.1:{port}"}
            ) as web:
                web.until_it_answers(port=port)
                yield Contestant(
                    name="rowlock",
                    title="Django, PostgreSQL row lock",
                    port=port,
                    web=web.pid,
                    store=store,
                    open=lambda stock: _open_in_rowlock(database, stock),
                )


def _open_in_rowlock(database: "psycopg.Connection[tuple[object, ...]]", stock: int) -> str:
    slug = f"sale-{time.monotonic_ns()}"
    database.execute(
        'INSERT INTO rowlock_lockedsale (slug, stock, "left", opens_at, closes_at) VALUES (%s, %s, %s, %s, %s)',
        (slug, stock, stock, *_window()),
    )
    return slug


@contextmanager
def constant(folder: Path, *, name: str, title: str, words: tuple[str, ...]) -> Iterator[Contestant]:
    """Run a web server that answers everything with one text."""
    port = processes.free_port()
    with processes.start(name=name, argv=gunicorn(*words), folder=folder, env={"BIND": f"127.0.0.1:{port}"}) as web:
        web.until_it_answers(port=port)
        yield Contestant(name=name, title=title, port=port, web=web.pid, store=None, open=lambda _: "none")


def gunicorn(*words: str) -> list[str]:
    """Return a command line with the site's own configuration; `words` come after it and win."""
    config = str(PROJECT / "flashsale_site" / "gunicorn_conf.py")
    return [sys.executable, "-m", "gunicorn", "--config", config, *words]


def _window() -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now, now + timedelta(hours=4)

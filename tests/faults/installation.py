"""All processes of an installation, each started and ended by itself, with a proxy in every connection between them.

`manage.py demo` is what people start, and it brings back at once whatever dies. Here whoever tests decides what runs,
in which order it is started, and what each process hears of the others. Not here: what happens to them.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flashsale_site.environment import PROJECT
from sales.live import embedded, tether
from sales.live.embedded import ServerDied, ServerRole
from sales.live.folder_lock import FolderInUse
from tests.faults.proxy import Proxy
from tests.running_demo import SLUG, RunningShop, free_port

PARTS = ("ledger", "cache", "keeper", "web")
READY_SECONDS = 60.0
KEPT_PAUSE_SECONDS = 0.1
# Limits are on, so that the cache server is asked, and nobody meets them.
_GENEROUS = dict.fromkeys(
    ("LIMIT_PURCHASE_PER_ADDRESS", "LIMIT_PURCHASE_PER_SHOPPER", "LIMIT_LOOKUP_PER_ADDRESS"), "1000000/m"
)
_PREPARE = """
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from sales.models import ApiClient, Product, Sale
from sales.services import acting, lifecycle
call_command("migrate", verbosity=0)
ApiClient.objects.create(slug="demo", name="Open demo")
sale = Sale.objects.create(
    slug="{slug}", product=Product.objects.create(name="X", price=48, currency="EUR"), time_zone="Europe/Berlin",
    opens_at=timezone.now(), closes_at=timezone.now() + timedelta(hours=1),
    stock={stock}, limit={limit}, hold_seconds={hold_seconds},
)
lifecycle.publish(sale_pk=sale.pk, by=acting.Actor(who="tests"))
"""


class Installation(RunningShop):
    """Ledger, cache, keeper and web, with a link between any two that talk to each other: `web-ledger`, and so on.

    `database_url` is a PostgreSQL; without one the record is SQLite, and nothing is between it and who uses it.
    """

    def __init__(self, folder: Path, *, database_url: str = "") -> None:
        super().__init__(folder=folder, port=free_port())
        self.database_url = database_url
        self._servers = {part: embedded.server(role=ServerRole(part), data_dir=folder) for part in ("ledger", "cache")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._keeping: threading.Thread | None = None
        ledger, cache = (Path(str(server.socket)) for server in self._servers.values())
        self.links = {"web-ledger": Proxy(ledger), "keeper-ledger": Proxy(ledger), "web-cache": Proxy(cache)}
        if database_url:
            database = address_of(database_url)
            self.links |= {"web-database": Proxy(database), "keeper-database": Proxy(database)}

    @property
    def environment(self) -> dict[str, str]:
        """What a command has that runs beside it: the servers themselves, without anything between."""
        said = super().environment | _GENEROUS | {"BIND": f"127.0.0.1:{self.port}", "WEB_WORKERS": "2"}
        if not self.database_url:
            return said
        # One worker: one that never read the list of sales has nothing to sell from while the database is silent.
        return said | {"DATABASE_URL": self.database_url, "WEB_WORKERS": "1"}

    def _environment_of(self, part: str) -> dict[str, str]:
        named = {"REDIS_URL": f"{part}-ledger", "CACHE_URL": "web-cache"}
        ports = {name: self.links[link].port for name, link in named.items()}
        said = self.environment | {name: f"redis://127.0.0.1:{port}/0" for name, port in ports.items()}
        if self.database_url:
            port = self.links[f"{part}-database"].port
            user, name = urlsplit(self.database_url).username, urlsplit(self.database_url).path
            said["DATABASE_URL"] = f"postgres://{user}@127.0.0.1:{port}{name}"
        return said

    def prepare(self, *, stock: int, limit: int = 1, hold_seconds: int = 0) -> None:
        """Make the tables and a sale that is open, on record; the keeper puts it into the ledger."""
        code = _PREPARE.format(slug=SLUG, stock=stock, limit=limit, hold_seconds=hold_seconds)
        argv = [sys.executable, str(PROJECT / "manage.py"), "shell", "--verbosity", "0", "--command", code]
        subprocess.run(argv, env=self.environment | {"LOG_LEVEL": "warning"}, check=True)

    def start(self, part: str) -> None:
        """Start a part. A server answers when this returns; keeper and web are on their way."""
        if part in self._servers:
            self._processes[part] = embedded.start(server=self._servers[part]).process
            return
        words = {
            "keeper": [str(PROJECT / "manage.py"), "keeper"],
            "web": ["-m", "gunicorn", "--config", str(PROJECT / "flashsale_site" / "gunicorn_conf.py")],
        }[part]
        tied = tether.tied(argv=[sys.executable, *words])
        (self.folder / "log").mkdir(exist_ok=True)
        with (self.folder / "log" / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                tied.argv, env=self._environment_of(part), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, pass_fds=tied.pass_fds,
            )  # fmt: skip

    def pid(self, part: str) -> int | None:
        """Return the process that is this part now; None while it is down."""
        process = self._processes.get(part)
        return process.pid if process and process.poll() is None else None

    def kill(self, part: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a part with all its workers, and wait for its end."""
        if part in self._servers:
            self._processes[part].send_signal(how)
        else:
            self._tell_group(part, how)
        self._processes[part].wait(timeout=READY_SECONDS)

    def keep(self) -> None:
        """From now on bring back whatever dies, as the demo does."""
        self._keeping = threading.Thread(target=self._bring_back, name="keep")
        self._keeping.start()

    def _bring_back(self) -> None:
        while not self._over.wait(0.02):
            for part in PARTS:
                if self._processes[part].poll() is not None:
                    if part not in self._servers:
                        self._tell_group(part, signal.SIGTERM)  # workers that outlived their master
                    self._over.wait(KEPT_PAUSE_SECONDS)
                    with suppress(ServerDied, FolderInUse):  # killed again already
                        self.start(part)

    def stop_keeping(self) -> None:
        """From now on leave down what dies."""
        self._over.set()
        if self._keeping:
            self._keeping.join()
            self._keeping = None

    def stop(self) -> None:
        """Stop everything, the ledger last."""
        self.stop_keeping()
        for part in reversed([part for part in PARTS if part in self._processes]):
            if self.pid(part):
                self._processes[part].terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._processes[part].wait(timeout=15)
            if part not in self._servers:
                self._tell_group(part, signal.SIGKILL)
            self._processes[part].kill()
            self._processes[part].wait()

    def _tell_group(self, part: str, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._processes[part].pid, what)

    def until_ready(self) -> None:
        """Wait until the keeper has proven the ledger and the site says that shoppers may come."""
        until = time.monotonic() + READY_SECONDS
        said: Any = None
        while time.monotonic() < until:
            with suppress(OSError, json.JSONDecodeError):
                status, said = self.ask("/ready")
                if status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"It does not get ready: {said}\n{self.last_words()}")

    def last_words(self) -> str:
        """Return what keeper and web wrote last."""
        logs = (self.folder / "log" / f"{part}.log" for part in ("keeper", "web"))
        return "\n".join(embedded.log_tail(path=log) for log in logs)

    def heal(self) -> None:
        """Pass on everything, everywhere."""
        for link in self.links.values():
            link.heal()


def address_of(database_url: str) -> Path | tuple[str, int]:
    """Return where a PostgreSQL listens: its unix socket where the URL names a folder as host."""
    url = urlsplit(database_url)
    host = parse_qs(url.query).get("host", [url.hostname or "localhost"])[0]
    port = url.port or 5432
    return Path(host) / f".s.PGSQL.{port}" if host.startswith("/") else (host, port)


@contextmanager
def installed(folder: Path, *, database_url: str = "", **sale: int) -> Iterator[Installation]:
    """Start an installation with a sale that is open, wait until it is ready, and stop it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = Installation(folder, database_url=database_url)
    with ExitStack() as stack:
        for link in shop.links.values():
            stack.enter_context(link)
        stack.callback(shop.stop)
        shop.start("ledger")
        shop.start("cache")
        shop.prepare(**sale)
        shop.start("keeper")
        shop.start("web")
        shop.until_ready()
        yield shop

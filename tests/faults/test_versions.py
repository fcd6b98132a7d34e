"""Two versions of the site on one ledger, as in a deploy: real keepers and web processes, each with its own scripts."""

import http.client
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flashsale_site.environment import PROJECT
from sales.domain.states import SaleState
from sales.live import embedded, scripts
from sales.live.scripts import LEDGER_SCRIPTS, Script
from sales.models import DeadLetter, Order, Sale
from tests.conftest import MakeSale, Servers
from tests.faults.processes import wait_until
from tests.management.test_keeper import keeper_environment
from tests.running_demo import free_port
from tests.selling import raw

PATIENCE_SECONDS = 60.0
COMMENT = "\n-- the next version\n"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@dataclass
class Version:
    """The site as it stands in one folder, and the processes that were started from it."""

    folder: Path
    environment: dict[str, str]
    port: int
    scripts: list[Script]
    keeper: "subprocess.Popen[bytes] | None" = None
    web: "subprocess.Popen[bytes] | None" = None

    def start_keeper(self) -> None:
        self.keeper = self._start("manage.py", "keeper")

    def start_web(self) -> None:
        self.web = self._start("-m", "gunicorn", "--config", "flashsale_site/gunicorn_conf.py")
        wait_until(lambda: self.ask("GET", "/health")[0] == 200)

    def sells(self, shopper: str, sale: Sale) -> None:
        """Ask until the answer is yes; on a busy machine the first one may be that the ledger took too long."""
        wait_until(lambda: self.buy(shopper, sale) == 200)

    def buy(self, shopper: str, sale: Sale) -> int:
        """Ask once. A 503 says when to ask again."""
        wanted = json.dumps({"userId": shopper, "flashSaleId": sale.slug})
        status, later = self.ask("POST", "/api/flashsale/purchase", wanted, key=f"only-{shopper}")
        assert (status == 503) == bool(later)
        return status

    def ask(self, verb: str, path: str, body: str | None = None, *, key: str = "") -> tuple[int, str | None]:
        """Return the status (0: no answer) and when to come back."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with closing(line):
            try:
                headers = {"Host": "localhost", "Content-Type": "application/json"}
                line.request(verb, path, body, headers | ({"Idempotency-Key": key} if key else {}))
                answer = line.getresponse()
                answer.read()
            except OSError:
                return 0, None
            return answer.status, answer.headers["Retry-After"]

    def has_its_scripts(self) -> bool:
        return all(raw().script_exists(*(script.sha for script in self.scripts)))

    def _start(self, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=self.environment, stderr=subprocess.DEVNULL
        )


def stop(*processes: "subprocess.Popen[bytes] | None") -> None:
    for process in processes:
        if process:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE_SECONDS)


def next_version(folder: Path) -> list[Script]:
    """Copy the site, and change every script of it by a comment that all have in common."""
    for name in ("sales", "flashsale_site"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "manage.py", folder)  # no link: Python would look for the site where that leads
    for name in ("templates", "static", "locale"):
        (folder / name).symlink_to(PROJECT / name)
    with (folder / "sales" / "live" / "lua" / "prelude.lua").open("a", encoding="utf-8") as prelude:
        prelude.write(COMMENT)
    changed = scripts.prelude() + COMMENT
    return [Script(name, changed.join(scripts.header_and_body(name))) for name in LEDGER_SCRIPTS]


@pytest.fixture
def versions(own_servers: Servers, key_prefix: str, settings: Any, tmp_path: Path) -> Iterator[tuple[Version, Version]]:
    """The version that runs and the next one; none of their processes is started."""
    environment = keeper_environment(own_servers, key_prefix, settings) | {"WEB_WORKERS": "1", "LIMITS": "off"}
    folder = tmp_path / "next"
    folder.mkdir()
    both = tuple(
        Version(place, environment | {"BIND": f"127.0.0.1:{port}"}, port, texts)
        for place, port, texts in (
            (PROJECT, free_port(), list(LEDGER_SCRIPTS.values())), (folder, free_port(), next_version(folder))
        )
    )  # fmt: skip
    yield both[0], both[1]
    for version in both:
        stop(version.web, version.keeper)  # gunicorn takes its worker along only where it is asked to stop


class TestOldAndNewVersion:
    def test_both_sell_once_the_new_keeper_is_there_and_the_old_ones_may_go(
        self, versions: tuple[Version, Version], own_servers: Servers, make_sale: MakeSale
    ) -> None:
        old, new = versions
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1, stock=9)
        old.start_keeper()
        old.start_web()
        old.sells("first", sale)
        assert not {script.sha for script in old.scripts} & {script.sha for script in new.scripts}

        new.start_web()  # before its keeper, which is the wrong way round
        assert (new.has_its_scripts(), new.buy("second", sale)) == (False, 503)
        old.sells("third", sale)

        new.start_keeper()
        wait_until(new.has_its_scripts)
        new.sells("second", sale)
        old.sells("fourth", sale)

        raw().script_flush()
        wait_until(lambda: old.has_its_scripts() and new.has_its_scripts())
        new.sells("fifth", sale)
        old.sells("sixth", sale)

        stop(old.keeper)
        own_servers.ledger.kill()
        with embedded.start(server=own_servers.ledger.server):
            wait_until(new.has_its_scripts)
            assert old.buy("seventh", sale) == 503  # nobody is left who would load its scripts
            new.sells("seventh", sale)
            stop(old.web)
            new.sells("eighth", sale)
            wait_until(lambda: Order.objects.count() == 8)

        assert sorted(Order.objects.values_list("unit", flat=True)) == list(range(1, 9))
        assert Sale.objects.get().recorded == 8
        assert not DeadLetter.objects.exists()

"""`manage.py demo`: the whole system on this machine, with a sale that opens by itself, until Ctrl-C.

Lives here: the arguments, what is looked at before anything starts, the order of things, what the person is told. Not
here: what each process is (`demo_children`), keeping them running (`supervision`), and what is sold (`prepare_demo`).
"""

import argparse
import asyncio
import errno
import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sales import conf
from sales.conf import Conf, Site
from sales.live import embedded
from sales.live.embedded import NoServerBinary, ServerRole
from sales.live.folder_lock import FolderInUse, FolderLock
from sales.management import demo_children, demo_folder, demo_welcome, supervision
from sales.management.demo_children import Place
from sales.management.demo_folder import NotADemoFolder
from sales.management.supervision import ChildFailed, Supervisor
from sales.models.sales import MAX_HOLD_SECONDS, MAX_STOCK

FAILED, FOLDER_REFUSED, PORT_REFUSED, NO_SERVER, WRONG_SITE = 1, 3, 4, 5, 6
A_YEAR_SECONDS = 366 * 86_400
PROOF_SECONDS = 8.0

HELP = """\
Start the whole system on this machine: the ledger and cache servers, the keeper, the web server, and a sale that opens
by itself. Ctrl-C stops all of it; the data stay for the next time.
"""
EXIT_CODES = """\
exit codes: 0 stopped as asked; 1 something could not be started; 2 a wrong argument; 3 the data folder is in use or is
not a demo's; 4 the port is taken; 5 no server for this platform; 6 the settings are a real shop's
"""


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of arguments that are whole numbers in this range."""

    def read(written: str) -> int:
        if re.fullmatch(r"-?\d{1,12}", written, re.ASCII) and least <= int(written) <= most:
            return int(written)
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, not {written!r}")

    return read


class Command(BaseCommand):
    """The demo."""

    help = HELP
    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, epilog=EXIT_CODES, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
        add("--port", default=8000, type=whole_number(1, 65_535), help="port to listen on (%(default)s)")
        add("--data", help="folder with the demo's data (var/demo)")
        add("--workers", default=2, type=whole_number(1, 64), help="web processes (%(default)s)")
        add("--stock", default=100, type=whole_number(1, MAX_STOCK), help="units of the demo sale (%(default)s)")
        add(
            "--opens-in", default=60, type=whole_number(0, A_YEAR_SECONDS), metavar="SECONDS",
            help="seconds until a new demo sale opens (%(default)s)",
        )  # fmt: skip
        add(
            "--lasts", default=3540, type=whole_number(1, A_YEAR_SECONDS), metavar="SECONDS",
            help="seconds that it is open (%(default)s)",
        )  # fmt: skip
        add(
            "--hold-seconds", default=0, type=whole_number(0, MAX_HOLD_SECONDS), metavar="SECONDS",
            help="seconds that a unit is held for its shopper to confirm; 0: bought at once (%(default)s)",
        )  # fmt: skip
        add("--limits", choices=("on", "off"), help="how often one may ask (as the settings say: on)")
        add("--reset", action="store_true", help="delete the demo's data first")

    def handle(self, *_: Any, **options: Any) -> None:
        site = conf.current()
        if site.site is not Site.DEMO:
            raise CommandError(
                "The settings say SITE=production, and the demo lets anybody buy for anybody. Start it where SITE is"
                " not set, or with SITE=demo.",
                returncode=WRONG_SITE,
            )
        place = Place(host=options["host"], port=options["port"])
        folder = Path(options["data"]).absolute() if options["data"] else site.data_dir
        try:
            with ExitStack() as held:
                self._run(site=site, place=place, folder=folder, options=options, held=held)
        except (FolderInUse, NotADemoFolder) as refused:
            raise CommandError(f"{refused} {self._other_folder(refused)}".strip(), returncode=FOLDER_REFUSED) from None
        except NoServerBinary as missing:
            raise CommandError(str(missing), returncode=NO_SERVER) from None
        except ChildFailed as failed:
            raise CommandError(f"{failed}\nMore is in {folder / 'log'}.", returncode=FAILED) from None
        except KeyboardInterrupt:
            self.say("Stopped before anything was started.")

    def _run(self, *, site: Conf, place: Place, folder: Path, options: dict[str, Any], held: ExitStack) -> None:
        began = time.monotonic()
        roles = [role for role, own in _roles(site) if own]
        if roles:
            embedded.binary()  # asked for first: without it nothing else is worth beginning
        words = shlex.join(["manage.py", *sys.argv[1:]])
        lock = held.enter_context(demo_folder.claim(folder=folder, command=words, reset=options["reset"], say=self.say))
        _look_at_port(place)
        locks = {
            role: held.enter_context(embedded.lock(server=embedded.server(role=role, data_dir=folder), command=words))
            for role in roles
        }

        async def plan(supervisor: Supervisor) -> None:
            await self._start(supervisor, place=place, folder=folder, options=options, lock=lock, locks=locks)
            self.say(demo_welcome.text(place=place, folder=folder, seconds=time.monotonic() - began))

        self.say(f"Starting in {folder} ...")
        supervision.supervise(plan=plan, log_dir=folder / "log", say=self.say)
        self.say("Stopped.")

    async def _start(
        self,
        supervisor: Supervisor,
        *,
        place: Place,
        folder: Path,
        options: dict[str, Any],
        lock: FolderLock,
        locks: dict[ServerRole, FolderLock],
    ) -> None:
        """Start all in order; they are stopped the other way round, so that the ledger goes last."""
        env = environment(folder=folder, place=place, options=options)
        for role, own in locks.items():
            await supervisor.start(demo_children.server(role=role, folder=folder, lock=own, held=lock, env=env))
        what = [
            f"--{name}={options[name.replace('-', '_')]}" for name in ("stock", "opens-in", "lasts", "hold-seconds")
        ]
        await supervisor.step(demo_children.command("prepare_demo", *what, name="prepare", held=lock, env=env))
        await supervisor.start(
            demo_children.keeper(held=lock, env=env),
            demo_children.web(place=place, held=lock, env=env),
            demo_children.command("send_reminders", "--loop", name="reminders", held=lock, env=env),
        )
        await self._until_proven(place)

    async def _until_proven(self, place: Place) -> None:
        """Wait until the keeper has proven the ledger, so that what is announced can be bought."""
        until = time.monotonic() + PROOF_SECONDS
        while await asyncio.to_thread(demo_children.status_of, place=place, path="/ready") != HTTPStatus.OK:
            if time.monotonic() > until:
                self.say("The ledger is not proven yet, so nothing is sold for now: /ready says why.")
                return
            await asyncio.sleep(supervision.LOOK_EVERY_SECONDS)

    def say(self, line: str) -> None:
        """Write a line now: whoever waits for it may be reading from a pipe."""
        self.stdout.write(line)
        self.stdout.flush()

    def _other_folder(self, refused: Exception) -> str:
        return "Stop it, or name another folder with --data." if isinstance(refused, FolderInUse) else ""


def environment(*, folder: Path, place: Place, options: dict[str, Any]) -> dict[str, str]:
    """Return the environment of all children: this one's, and what the arguments say."""
    hosts = list(settings.ALLOWED_HOSTS)
    if place.asked_host != place.host:
        hosts = ["*"]  # all addresses of the machine, by whatever name they are reached
    elif place.host not in hosts:
        hosts.append(f"[{place.host}]" if ":" in place.host else place.host)
    env = dict(
        os.environ,
        SITE=Site.DEMO,
        DATA_DIR=str(folder),
        WEB_WORKERS=str(options["workers"]),
        ALLOWED_HOSTS=",".join(hosts),
        PYTHONUNBUFFERED="1",  # logs are for reading while it runs
    )
    return env | ({"LIMITS": options["limits"]} if options["limits"] else {})


def _roles(site: Conf) -> list[tuple[ServerRole, bool]]:
    return [(ServerRole.LEDGER, site.ledger_embedded), (ServerRole.CACHE, site.cache_embedded)]


def _look_at_port(place: Place) -> None:
    """Refuse before anything is started where the web server could not listen anyway."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as refused:
        where = f"{place.host} port {place.port}"
        sentences = {
            errno.EADDRINUSE: f"{where} is taken by another program. Stop that one, or name another port: "
            f"--port {place.port % 65_535 + 1} (make run PORT={place.port % 65_535 + 1}).",
            errno.EACCES: f"{where} needs rights that you do not have. Name a port from 1024 up with --port.",
            errno.EADDRNOTAVAIL: f"{place.host} is not an address of this machine. Name another with --host.",
        }
        sentence = f"Cannot listen on {where}: {refused.strerror}. Name another with --host and --port."
        raise CommandError(sentences.get(refused.errno or 0, sentence), returncode=PORT_REFUSED) from None

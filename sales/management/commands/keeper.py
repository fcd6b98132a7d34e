"""`manage.py keeper`: the process that proves the ledger, records its stream and ticks holds."""

import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, InternalError, OperationalError

from sales.live.line import LedgerRefused, LedgerUnavailable
from sales.management import database_deadline, priority
from sales.management.keeping import Keeper

NICE = 10
"""Where processors are short, a tenth of what a web worker gets: answers go first, and the record catches up."""


class Command(BaseCommand):
    """Keeps the ledger and the record together until it is told to stop."""

    help = (
        "Proves the ledger and loads its scripts, records every purchase in the database, and gives held units back."
        " Without it nothing is sold after the ledger has restarted, and nothing gets on record. Several may run."
    )

    requires_system_checks = ()  # it serves no pages, and must not wait for what only they need

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do all there is to do and exit; exit code 1 where something is wrong"
        )
        parser.add_argument(
            "--nice",
            type=int,
            choices=range(20),
            default=NICE,
            metavar="LEVEL",
            help=f"how far to step back for those that answer shoppers, 0 to 19 (default {NICE}); not with --once",
        )

    def handle(self, *, once: bool = False, nice: int = NICE, **_options: Any) -> None:
        keeper = Keeper()
        if once:
            self._once(keeper)
            return
        priority.step_back(to=nice)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            keeper.stop()

        before = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            with database_deadline.on_each_wait():
                keeper.run()
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _once(self, keeper: Keeper) -> None:
        try:
            wrong = keeper.once()
        except (LedgerUnavailable, LedgerRefused) as error:
            raise CommandError(f"Nothing was done. {error}") from error
        except (OperationalError, InterfaceError, InternalError) as error:
            raise CommandError(f"The database is in trouble: {error}") from error
        if wrong:
            raise CommandError("\n".join(wrong))
        self.stdout.write(f"{keeper.recorded} orders recorded; nothing is left to do.")

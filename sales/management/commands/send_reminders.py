"""`manage.py send_reminders`: the mails that shoppers asked for before an opening."""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseFault
from django.db import close_old_connections
from django.utils import timezone

from sales.management.sale_command import OperatorCommand
from sales.services import reminding
from sales.services.reminding import Sent

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0


class Command(OperatorCommand):
    """Sends what is due, once or until it is told to stop."""

    help = (
        "Send the reminders whose time has come (REMINDER_MINUTES before a sale opens). Run it every minute, or once"
        " with --loop. Several may run: each mail is sent by one of them."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until stopped")

    def handle(self, *, loop: bool = False, **_options: Any) -> None:
        if loop:
            self._loop()
            return
        done = reminding.send_due(now=timezone.now())
        self.stdout.write(f"{done.sent} sent.")
        if done.waiting or done.lost:
            raise CommandError(
                f"{done.waiting} wait, because the mail server took nothing: run this again."
                f" {done.lost} may not have gone and are not sent again: the log says why."
            )

    def _loop(self) -> None:
        stopped = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopped.set()

        before = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            logger.info("Reminders are looked after.")
            while not stopped.is_set():
                self._turn()
                stopped.wait(PAUSE_SECONDS)
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _turn(self) -> None:
        """Send what is due; a database that is away is said once in a while and asked again."""
        close_old_connections()
        try:
            done: Sent = reminding.send_due(now=timezone.now())
        except DatabaseFault as fault:
            logger.error("Reminders wait for the database: %s", fault)  # noqa: TRY400 - the traceback says no more
            return
        if done != Sent():
            logger.info("Reminders: %d sent, %d wait, %d lost.", done.sent, done.waiting, done.lost)

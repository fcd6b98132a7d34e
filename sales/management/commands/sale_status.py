"""How a sale stands, on a terminal: window, state, live numbers beside the recorded ones, and whether they agree."""

import json
import time
from typing import Any, override

from django.core.management.base import CommandError, CommandParser
from rich.live import Live as Screen

from sales.management import readings
from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, SaleCommand, unknown
from sales.queries import operations
from sales.queries.operations import Standing


class Command(SaleCommand):
    """sale_status SLUG [--json] [--watch]."""

    help = (
        "Show how a sale stands: window, state, left, held, sold and recorded. "
        "Exit code 0: it adds up; 1: it does not; 2: no such sale; 3: the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="Print JSON for scripts; with --watch one line each.")
        parser.add_argument("--watch", action="store_true", help="Show it anew each second, until Ctrl-C.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        slug: str = options["slug"]
        found = _standing(slug)
        if options["watch"]:
            try:
                self._watch(found, as_json=options["json"])
            except KeyboardInterrupt:
                self.stdout.write("")
            return
        if options["json"]:
            self.stdout.write(json.dumps(_values(found), indent=2))
        else:
            readings.console(self.stdout).print(_table(found))
        if found.is_live and found.live is None:
            raise CommandError("The ledger gave no numbers.", returncode=LEDGER_NOT_REACHED)
        if found.finding is not None:
            raise CommandError("Live and recorded numbers do not agree.", returncode=REFUSED)

    def _watch(self, found: Standing, *, as_json: bool) -> None:
        """Show the sale again and again. Ends by KeyboardInterrupt only."""
        if as_json:
            while True:
                self.stdout.write(json.dumps(_values(found)))
                self.stdout.flush()
                wait()
                found = _standing(found.slug)
        with Screen(_table(found), console=readings.console(self.stdout), auto_refresh=False) as screen:
            while True:
                screen.update(_table(found), refresh=True)
                wait()
                found = _standing(found.slug)


def wait() -> None:
    """Let a second pass between two looks."""
    time.sleep(1)


def _standing(slug: str) -> Standing:
    found = operations.standing(slug=slug)
    if found is None:
        raise unknown(slug)
    return found


def _values(found: Standing) -> dict[str, Any]:
    return {**readings.as_values(found), "record_lag_ms": operations.record_lag_ms(of=found)}


def _table(found: Standing) -> Any:
    return readings.about(found, lag_ms=operations.record_lag_ms(of=found))

"""Compare ledger and record of every running sale, entry by entry, from a terminal. What is compared: `comparing`."""

import json
from typing import Any, override

from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from sales.domain.states import LIVE_STATES
from sales.live.line import LedgerRefused, LedgerUnavailable, Line
from sales.management import readings
from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, OperatorCommand
from sales.models import Sale
from sales.services import comparing


class Command(OperatorCommand):
    """audit_sales [--json]."""

    help = (
        "Compare ledger and record of every published sale: each entry, each event, each order. Reads everything and "
        "changes nothing. Exit code 0: all agree; 1: something does not; 3: the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON for scripts.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        found: dict[str, list[str]] = {}
        try:
            with Line() as line:
                for sale in Sale.objects.filter(state__in=LIVE_STATES).order_by("slug"):
                    found[sale.slug] = self._differences(line, sale)
        except LedgerUnavailable as error:
            raise CommandError(str(error), returncode=LEDGER_NOT_REACHED) from error
        wrong = sum(bool(each) for each in found.values())
        if options["json"]:
            self.stdout.write(json.dumps({"sales": found, "ok": not wrong}, indent=2))
        else:
            self._print(found)
        if wrong:
            raise CommandError(f"{wrong} of {len(found)} sales do not agree.", returncode=REFUSED)

    def _differences(self, line: Line, sale: Sale) -> list[str]:
        try:
            return comparing.differences(line=line, sale=sale)
        except LedgerRefused as refusal:
            return [str(refusal)]

    def _print(self, found: dict[str, list[str]]) -> None:
        table = Table(box=None, pad_edge=False)
        table.add_column("sale", no_wrap=True)
        table.add_column("found")
        for slug, differences in found.items():
            table.add_row(slug, "\n".join(differences) or "All agree.", style="red" if differences else "green")
        readings.console(self.stdout).print(table if found else "No sale is published.")

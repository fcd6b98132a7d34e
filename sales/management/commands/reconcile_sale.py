"""Judge what the ledger has of a sale, and repair it, from a terminal. What may be done is `services.reconciling`'s."""

import json
from typing import Any, override

from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from sales.live.line import LedgerRefused, LedgerUnavailable, Line
from sales.management import readings
from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, USAGE, SaleCommand, sale_called
from sales.models import Sale
from sales.services import reconciling
from sales.services.judging import Worth
from sales.services.reconciling import Reconciled

_MEANS = {
    Worth.SOUND: "complete, and selling in this epoch",
    Worth.NEW: "never put into the ledger; the keeper does that",
    Worth.COMPLETE: "complete; the keeper opens it in the new epoch by itself",
    Worth.REBUILD: "every event is there; the rest can be made anew, and nothing is missing",
    Worth.QUIET: "everything sold is on record; it can be made anew, and nothing is missing",
    Worth.DEGRADED: "purchases may be missing; somebody must accept that",
}
_FINE = frozenset({Worth.SOUND, Worth.NEW})


class Command(SaleCommand):
    """reconcile_sale SLUG [--repair [--accept-loss]] [--json]."""

    help = (
        "Show what the ledger has of a sale and what that is worth; with --repair, make it good again. "
        "Exit code 0: the sale is sound; 1: it is not, or stays shut; 2: no such sale; 3: the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--repair", action="store_true", help="Repair it, as the keeper would by itself.")
        parser.add_argument(
            "--accept-loss",
            action="store_true",
            help="With --repair: open it although purchases of the last moments may be missing.",
        )
        parser.add_argument("--json", action="store_true", help="Print JSON for scripts.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["accept_loss"] and not options["repair"]:
            raise CommandError("--accept-loss goes with --repair.", returncode=USAGE)
        sale = sale_called(options["slug"])
        if not sale.is_live:
            raise CommandError(
                f"{sale.slug} is {sale.state}: the ledger does not answer for it, so there is nothing to compare.",
                returncode=REFUSED,
            )
        try:
            with Line() as line:
                found = self._repair(line, sale, options) if options["repair"] else self._look(line, sale)
        except (LedgerUnavailable, LedgerRefused) as error:
            raise CommandError(str(error), returncode=LEDGER_NOT_REACHED) from error
        self._say(sale, found, as_json=options["json"])
        if not found.ok:
            raise CommandError(f"{sale.slug}: {found.trouble}", returncode=REFUSED)

    def _look(self, line: Line, sale: Sale) -> Reconciled:
        found = reconciling.look(line=line, sale=sale)
        trouble = "" if found.worth in _FINE else "It is not as it should be; --repair does what can be done."
        return Reconciled(worth=found.worth, why=found.why, trouble=trouble)

    def _repair(self, line: Line, sale: Sale, options: dict[str, Any]) -> Reconciled:
        return reconciling.reconcile(
            line=line,
            sale_pk=sale.pk,
            by=self.actor,
            accept_loss=options["accept_loss"],
            whole=True,
        )

    def _say(self, sale: Sale, found: Reconciled, *, as_json: bool) -> None:
        if as_json:
            values = {
                "slug": sale.slug,
                "worth": found.worth,
                "means": _MEANS[found.worth],
                "why": found.why,
                "done": found.done,
                "ok": found.ok,
                "trouble": found.trouble,
            }
            self.stdout.write(json.dumps(values, indent=2))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        for name, value in (
            ("sale", sale.slug),
            ("ledger", f"{found.worth}: {_MEANS[found.worth]}"),
            ("why", found.why),
            ("done", found.done),
        ):
            if value:
                table.add_row(name, value)
        readings.console(self.stdout).print(table)

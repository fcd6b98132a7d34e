"""What the commands that change a sale's stock or window, or cancel an order, have in common: a reason, and a report.

Exit codes are those of `sale_command`; 3 means: asked on record, and done once the keeper reaches the ledger.
"""

import json
from abc import abstractmethod
from typing import Any, override

from django.core.management.base import CommandError, CommandParser

from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, SaleCommand, sale_called
from sales.models import Sale
from sales.services import lifecycle


class ChangeCommand(SaleCommand):
    """A command that changes one sale and takes a reason."""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_reason_and_json(parser)

    @abstractmethod
    def change(self, *, sale: Sale, **options: Any) -> lifecycle.Act:
        """Do it. Raises Refused."""

    @abstractmethod
    def done(self, act: lifecycle.Act) -> str:
        """Return the sentence that reports it."""

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        slug: str = options["slug"]
        try:
            act = self.change(sale=sale_called(slug), **options)
        except lifecycle.Refused as refusal:
            raise CommandError(f"{slug}: {refusal}", returncode=REFUSED) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(_values(act), indent=2))
        if not act.reached_ledger:
            raise CommandError(
                f"{slug}: asked, and on record; the ledger was not reached. It is done once the keeper reaches it.",
                returncode=LEDGER_NOT_REACHED,
            )
        if not options["json"]:
            self.stdout.write(self.style.SUCCESS(self.done(act)))


def add_reason_and_json(parser: CommandParser) -> None:
    """Add what every one of these commands takes."""
    parser.add_argument("--why", required=True, metavar="REASON", help="A sentence for the trail.")
    parser.add_argument("--json", action="store_true", help="Print JSON for scripts.")


def _values(act: lifecycle.Act) -> dict[str, Any]:
    """Return what a script may want to know: the sale as it now stands on record, and whether the ledger has it so."""
    sale = act.sale
    return {
        "slug": sale.slug,
        "state": sale.state,
        "stock": sale.stock,
        "recorded": sale.recorded,
        "opens_at": sale.opens_at.isoformat(),
        "closes_at": sale.closes_at.isoformat(),
        "time_zone": sale.time_zone,
        "done": act.reached_ledger,
    }

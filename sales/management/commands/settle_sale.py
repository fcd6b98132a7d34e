"""Settle a closed sale from a terminal. What stands in the way, and what is kept, is `sales.services.settling`'s."""

import json
from typing import Any, override

from django.core.management.base import CommandError, CommandParser

from sales.live.line import LedgerRefused, LedgerUnavailable, Line
from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, SaleCommand, sale_called
from sales.services import lifecycle, settling
from sales.services.leasing import LeaseLost


class Command(SaleCommand):
    """settle_sale SLUG [--why REASON] [--json]."""

    help = (
        "Take a closed sale out of the ledger for good, once everything is on record and nothing is held: its keys are "
        "kept in a file under DATA_DIR/archive and removed; every later question is answered from the record. "
        "Exit code 0: settled; 1: something stands in the way; 2: no such sale; 3: the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--why", default="", metavar="REASON", help="A sentence for the trail.")
        parser.add_argument("--json", action="store_true", help="Print JSON for scripts.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        slug: str = options["slug"]
        sale = sale_called(slug)
        try:
            with Line() as line:
                settled = settling.settle(sale_pk=sale.pk, line=line, by=self.actor, why=options["why"])
        except lifecycle.Refused as refusal:
            raise CommandError(f"{slug}: {refusal}", returncode=REFUSED) from refusal
        except LeaseLost as lost:
            raise CommandError(f"{slug}: {lost} Run it again.", returncode=REFUSED) from lost
        except (LedgerUnavailable, LedgerRefused) as error:
            raise CommandError(str(error), returncode=LEDGER_NOT_REACHED) from error
        if options["json"]:
            values = {"slug": slug, "recorded": settled.sale.recorded, "archive": settled.archive}
            self.stdout.write(json.dumps(values, indent=2, default=str))
            return
        kept = f" What the ledger held is in {settled.archive}." if settled.archive else " It was settled before."
        self.stdout.write(self.style.SUCCESS(f"{slug} is settled: {settled.sale.recorded} orders on record.{kept}"))

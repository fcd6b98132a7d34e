"""Raise or lower the stock of a sale from a terminal. What may be changed is `sales.services.changing`'s business."""

from typing import Any, override

from django.core.management.base import CommandParser

from sales.management.change_command import ChangeCommand
from sales.models import Sale
from sales.services import changing, lifecycle


class Command(ChangeCommand):
    """restock_sale SLUG --by ±N | --to N --why REASON."""

    help = (
        "Raise or lower the stock of a running sale; less than what is sold and held is refused. "
        "Exit code 0: done; 1: refused; 2: wrong usage or no such sale; 3: asked, but the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        amount = parser.add_mutually_exclusive_group(required=True)
        amount.add_argument("--by", type=int, metavar="±N", help="How many more, or fewer: --by 20, --by -5.")
        amount.add_argument("--to", type=int, metavar="N", help="How many there are to be in all.")

    @override
    def change(self, *, sale: Sale, **options: Any) -> lifecycle.Act:
        return changing.restock(
            sale_pk=sale.pk, by=options["by"], to=options["to"], actor=self.actor, why=options["why"]
        )

    @override
    def done(self, act: lifecycle.Act) -> str:
        return f"{act.sale.slug}: stock is {act.sale.stock} now."

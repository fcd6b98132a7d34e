"""List all sales on a terminal, live numbers beside the recorded ones."""

import json
from typing import Any, override

from django.core.management.base import CommandParser

from sales.domain.states import SaleState
from sales.management import readings
from sales.management.sale_command import OperatorCommand
from sales.queries import operations


class Command(OperatorCommand):
    """list_sales [--state STATE] [--json]."""

    help = "List the sales, the latest opening first, with live numbers beside the recorded ones."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--state",
            action="append",
            choices=[state.value for state in SaleState],
            help="Only sales in this state; may be given again for another one.",
        )
        parser.add_argument("--json", action="store_true", help="Print a JSON list for scripts.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        states = [SaleState(state) for state in options["state"] or ()]
        standings = operations.standings_in(states=states)
        if options["json"]:
            self.stdout.write(json.dumps([readings.as_values(each) for each in standings], indent=2))
        elif standings:
            readings.console(self.stdout).print(readings.all_of(standings))
        else:
            self.stdout.write("There is no sale in this state." if states else "There are no sales.")

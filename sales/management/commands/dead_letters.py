"""Purchases that the record refused, from a terminal: list, try again, end. What that means: `services.deciding`."""

import json
from typing import Any, override

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from rich.table import Table

from sales.management import readings
from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, OperatorCommand, sale_called
from sales.models import DeadLetter
from sales.services import deciding, lifecycle


class Command(OperatorCommand):
    """dead_letters list [SLUG] [--all] [--json] | retry ID | settle ID --why REASON."""

    help = (
        "List purchases that the record refused, with the reason; try one again, or end it. "
        "Exit code 0: done; 1: refused; 2: no such sale; 3: on record, but the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="Show those that nobody has decided on.")
        listing.add_argument("slug", nargs="?", default="", help="Only those of this sale.")
        listing.add_argument("--all", action="store_true", help="Also those that are decided.")
        listing.add_argument("--json", action="store_true", help="Print JSON for scripts.")
        retry = verbs.add_parser("retry", help="Put one on record, now that what stood in its way is gone.")
        retry.add_argument("id", type=int, help="Its number in the list.")
        retry.add_argument("--why", default="", metavar="REASON", help="A sentence for the trail.")
        settle = verbs.add_parser("settle", help="End one: the purchase is cancelled, and its unit is on sale again.")
        settle.add_argument("id", type=int, help="Its number in the list.")
        settle.add_argument("--why", required=True, metavar="REASON", help="A sentence for the trail.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            self._list(options["slug"], every=options["all"], as_json=options["json"])
            return
        act = deciding.retry if options["verb"] == "retry" else deciding.settle
        try:
            decided = act(letter_pk=options["id"], by=self.actor, why=options["why"])
        except lifecycle.Refused as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        done = "is an order now" if options["verb"] == "retry" else "is ended"
        sentence = f"Dead letter {options['id']} {done}."
        if not decided.reached_ledger:
            raise CommandError(
                f"{sentence} That is on record; the ledger was not reached. The keeper tells it.",
                returncode=LEDGER_NOT_REACHED,
            )
        self.stdout.write(self.style.SUCCESS(sentence))

    def _list(self, slug: str, *, every: bool, as_json: bool) -> None:
        letters = DeadLetter.objects.select_related("sale").order_by("pk")
        if slug:
            letters = letters.filter(sale=sale_called(slug))
        if not every:
            letters = letters.filter(ended_at=None)
        if as_json:
            self.stdout.write(json.dumps([_values(letter) for letter in letters], indent=2))
        elif letters:
            readings.console(self.stdout).print(_table(letters))
        else:
            self.stdout.write("There are no dead letters.")


def _values(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.pk,
        "sale": letter.sale.slug,
        "event": letter.seq,
        "since": letter.created_at.isoformat(timespec="seconds"),
        "shopper": letter.event.get("shopper", ""),
        "unit": letter.event.get("unit"),
        "reason": letter.reason,
        "decision": letter.decision,
    }


def _table(letters: QuerySet[DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("id", "sale", "event", "since (UTC)", "shopper", "unit", "decision", "reason"):
        table.add_column(head, justify="right" if head in ("id", "event", "unit") else "left")
    for letter in letters:
        values = _values(letter)
        table.add_row(
            str(letter.pk),
            values["sale"],
            str(letter.seq),
            f"{letter.created_at:%Y-%m-%d %H:%M:%S}",
            values["shopper"],
            str(values["unit"] or ""),
            letter.decision or "open",
            letter.reason,
        )
    return table

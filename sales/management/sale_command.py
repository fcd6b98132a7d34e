"""What the commands of an operator have in common: how a sale is named, who acts, and what exit codes mean.

0 done · 1 refused, or not so · 2 wrong usage, or no such sale · 3 on record, but the ledger was not reached.
"""

import difflib
import getpass
from collections.abc import Callable
from typing import Any, ClassVar, override

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError

from sales.models import Sale
from sales.queries import operations
from sales.services import lifecycle
from sales.services.acting import Actor

REFUSED = 1
USAGE = 2
LEDGER_NOT_REACHED = 3


class OperatorCommand(BaseCommand):
    """A command that needs the database, and says so in a sentence where there is none."""

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        _refuse_bytes(options)
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError, InternalError, ProgrammingError) as error:
            raise CommandError(
                f"The database does not answer as it should: {error}. Check DATABASE_URL and DATA_DIR, "
                "and run `manage.py migrate` if the database is older than the code (the demo does that itself).",
                returncode=REFUSED,
            ) from error

    @property
    def actor(self) -> Actor:
        """Who acts: this command, and the person at the keyboard, as far as the machine knows."""
        verb = type(self).__module__.rpartition(".")[2]
        try:
            return Actor(who=f"manage.py {verb} ({getpass.getuser()})"[:150])
        except (OSError, KeyError):  # a container without a name for its user
            return Actor(who=f"manage.py {verb}")


def _refuse_bytes(options: dict[str, Any]) -> None:
    """Refuse words that are no text: no database takes what a terminal of another encoding made of them."""
    for name, value in options.items():
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise CommandError(f"What was given as {name} is not UTF-8.", returncode=USAGE) from None


class SaleCommand(OperatorCommand):
    """A command about one sale, named by its slug."""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="The sale's name, as in its address; see list_sales.")


class ActCommand(SaleCommand):
    """A command that does one act of `lifecycle` to a sale."""

    act: ClassVar[Callable[..., lifecycle.Act]]
    done: ClassVar[str]  # {slug} is filled in
    needs_why: ClassVar[bool] = False

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--why", default="", required=self.needs_why, metavar="REASON", help="A sentence for the trail."
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        slug: str = options["slug"]
        try:
            result = type(self).act(sale_pk=sale_called(slug).pk, by=self.actor, why=options["why"])
        except lifecycle.Refused as refusal:
            raise CommandError(f"{slug}: {refusal}", returncode=REFUSED) from refusal
        sentence = self.done.format(slug=slug)
        if not result.reached_ledger:
            raise CommandError(
                f"{sentence} That is on record; the ledger was not reached. It follows once the keeper reaches it.",
                returncode=LEDGER_NOT_REACHED,
            )
        self.stdout.write(self.style.SUCCESS(sentence))


def sale_called(slug: str) -> Sale:
    """Return the sale of this name. Raises CommandError where there is none."""
    sale = Sale.objects.filter(slug=slug).first()
    if sale is None:
        raise unknown(slug)
    return sale


def unknown(slug: str) -> CommandError:
    """Return the error for a slug that no sale has, with those that look like it."""
    slugs = operations.slugs()
    near = difflib.get_close_matches(slug, slugs, n=3, cutoff=0.5)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif slugs:
        hint = "See list_sales for those there are."
    else:
        hint = "There are no sales at all: make one in the admin, or start the demo."
    return CommandError(f"There is no sale {slug}. {hint}", returncode=USAGE)

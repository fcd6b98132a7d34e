"""Move the opening or the end of a sale from a terminal. What may be moved is `sales.services.changing`'s business."""

from datetime import datetime
from typing import Any, override
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError, CommandParser

from sales.domain import wall_clocks
from sales.management.change_command import ChangeCommand
from sales.management.sale_command import USAGE
from sales.models import Sale
from sales.services import changing, lifecycle

_WRITTEN = "Write it like 2026-11-27T18:00 (by the clocks of the sale's zone) or 2026-11-27T18:00+01:00."


class Command(ChangeCommand):
    """move_sale SLUG [--opens TIME] [--closes TIME] --why REASON."""

    help = (
        "Move the opening of a sale that has not opened yet, or the end of a running sale. "
        "Exit code 0: done; 1: refused; 2: wrong usage or no such sale; 3: asked, but the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--opens", metavar="TIME", help=f"The new opening. {_WRITTEN}")
        parser.add_argument("--closes", metavar="TIME", help="The new end, written in the same way.")

    @override
    def change(self, *, sale: Sale, **options: Any) -> lifecycle.Act:
        if options["opens"] is None and options["closes"] is None:
            raise CommandError("Say what to move: --opens, --closes, or both.", returncode=USAGE)
        return changing.move(
            sale_pk=sale.pk,
            opens_at=_moment("--opens", options["opens"], sale.zone),
            closes_at=_moment("--closes", options["closes"], sale.zone),
            actor=self.actor,
            why=options["why"],
        )

    @override
    def done(self, act: lifecycle.Act) -> str:
        sale = act.sale
        opens, ends = (f"{each.astimezone(sale.zone):%Y-%m-%d %H:%M:%S}" for each in (sale.opens_at, sale.closes_at))
        return f"{sale.slug}: on from {opens} to {ends}, {sale.time_zone}."


def _read(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    if not 2000 <= moment.year < 2200:
        raise ValueError("This year is out of reach.")
    return moment


def _moment(option: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant that is written: with an offset as it stands, without one by the clocks of the zone."""
    if text is None:
        return None
    try:
        moment = _read(text)
        return moment if moment.tzinfo else wall_clocks.instant(wall=moment, zone=zone)
    except wall_clocks.NoSuchTime as none:
        why = (
            f"clocks in {zone.key} go forward over it. "
            f"Write {none.before:%H:%M} or {none.after:%H:%M}, or any other time that comes."
        )
    except wall_clocks.TimeComesTwice:
        why = f"it comes twice in {zone.key}: clocks go back over it. Add the offset that you mean, such as +02:00."
    except ValueError:
        why = f"this is no date and time between 2000 and 2199. {_WRITTEN}"
    raise CommandError(f"{option} {text}: {why}", returncode=USAGE)

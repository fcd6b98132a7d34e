"""How a sale stands, on a terminal: as a rich table for people, as plain values for --json."""

from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from sales.queries import verdicts
from sales.queries.operations import Standing

_WIDTH_OF_A_PIPE = 160  # nobody looks; wide enough that nothing is cut


def console(out: Any) -> Console:
    """Return rich's console on a command's output."""
    out.ending = ""  # rich ends its own lines
    stream: IO[str] = out
    return Console(file=stream, width=None if out.isatty() else _WIDTH_OF_A_PIPE)


def as_values(standing: Standing) -> dict[str, Any]:
    """Return what a script may want to know; None where nobody can tell."""
    live = standing.live
    return {
        "slug": standing.slug,
        "product": standing.product,
        "state": standing.state.value,
        "opens_at": standing.opens_at.isoformat(),
        "closes_at": standing.closes_at.isoformat(),
        "time_zone": standing.time_zone,
        "stock": standing.stock,
        "limit": standing.limit,
        "recorded": standing.recorded,
        "dead_letters": standing.dead_letters,
        "epoch": standing.epoch,
        "left": standing.left,
        "held": standing.held,
        "sold": standing.sold,
        "ledger": live
        and {
            "as_of": live.as_of.isoformat(timespec="milliseconds"),
            "state": live.state.value,
            "epoch": live.epoch,
            "stock": live.stock,
        },
        "why_no_ledger": standing.why_not_live,
        "backlog": standing.backlog,
        "adds_up": None if live is None else standing.finding is None,
        "verdict": verdicts.verdict(standing),
    }


def about(standing: Standing, *, lag_ms: int | None) -> Group:
    """Return one sale as a table of words and values, its verdict below."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    live = standing.live
    for name, value in (
        ("sale", f"{standing.slug} ({standing.product})"),
        ("state", standing.state.value),
        ("window", _window(standing)),
        ("left", standing.left),
        ("held", standing.held),
        ("sold", standing.sold),
        ("stock", standing.stock),
        ("on record", standing.recorded),
        ("backlog", _backlog(standing, lag_ms)),
        ("ledger", _ledger(standing)),
        ("as of", live and _clock(live.as_of, standing.zone)),
    ):
        table.add_row(name, "—" if value is None else str(value))
    return Group(table, "", Text(verdicts.verdict(standing), style=_style(standing)))


def all_of(standings: list[Standing]) -> Table:
    """Return a table with one line for each sale."""
    table = Table(box=None, pad_edge=False)
    for head in ("slug", "state", "opens", "ends", "zone"):
        table.add_column(head, no_wrap=head == "slug")
    for head in ("stock", "left", "held", "sold", "on record"):
        table.add_column(head, justify="right")
    table.add_column("ledger")
    for each in standings:
        table.add_row(
            each.slug,
            each.state.value,
            _clock(each.opens_at, each.zone),
            _clock(each.closes_at, each.zone),
            each.time_zone,
            str(each.stock),
            *("—" if number is None else str(number) for number in (each.left, each.held, each.sold)),
            str(each.recorded),
            _ledger(each) or "—",
        )
    return table


def _style(standing: Standing) -> str:
    if standing.live is None:
        return "yellow" if standing.is_live else "dim"
    return "bold red" if standing.finding else "green"


def _window(standing: Standing) -> str:
    opens, ends = (_clock(each, standing.zone) for each in (standing.opens_at, standing.closes_at))
    return f"{opens} to {ends}, {standing.time_zone}"


def _backlog(standing: Standing, lag_ms: int | None) -> str | None:
    if standing.backlog is None:
        return None
    age = f", the oldest {lag_ms} ms old" if standing.backlog and lag_ms is not None else ""
    return f"{standing.backlog} {'event' if standing.backlog == 1 else 'events'}{age}"


def _ledger(standing: Standing) -> str | None:
    if standing.live is not None:
        return f"{standing.live.state.value}, epoch {standing.live.epoch}"
    return f"no numbers ({standing.why_not_live})" if standing.is_live else None


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"

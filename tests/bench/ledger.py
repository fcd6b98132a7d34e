"""What one buyer costs the ledger: bytes of memory, and microseconds of the server, alone or in a command with others.

`python -m tests.bench.ledger [BUYERS]` starts a ledger server of its own with `appendfsync always`, as in production.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

import redis  # noqa: E402
from django.conf import settings  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402

from sales.live import connection, embedded, ledger  # noqa: E402
from sales.live.line import Line  # noqa: E402
from sales.live.results import Terms  # noqa: E402
from tests.together import run_together  # noqa: E402

TOGETHER = (1, 8, 64)
"""How many purchases one command has."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of buying."""

    name: str
    hold: bool = False
    key: bool = False
    sold_out: bool = False


KINDS = (
    Kind("at once"),
    Kind("at once, with an Idempotency-Key", key=True),
    Kind("held, then confirmed", hold=True),
    Kind("refused: sold out", sold_out=True),
)


def buy(kind: Kind, sale: int, numbers: tuple[int, ...]) -> None:
    """Let shoppers ask for one unit each, in one command."""
    shoppers = [f"x:shop:user{number}" if kind.key else f"u:{number}" for number in numbers]
    taken = run_together(
        [
            ledger.purchase(
                sale=sale, epoch=1, shopper=shopper, order_id=uuid4(), key_digest=f"{number:011d}" if kind.key else ""
            )
            for shopper, number in zip(shoppers, numbers, strict=True)
        ]
    )
    if kind.hold:
        connection.run_many(
            [
                ledger.confirm(sale=sale, epoch=1, shopper=shopper, order_id=won.entry.order_id)
                for shopper, won in zip(shoppers, taken, strict=True)
                if won.entry
            ]
        )


def processor_us(pid: int) -> float:
    """Return the processor time that a server has used, all its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text(encoding="utf-8").split()[0]) for task in tasks) / 1_000


def measure(running: embedded.RunningServer, kind: Kind, sale: int, buyers: int, together: int) -> tuple[float, float]:
    """Return bytes a buyer, and microseconds of the server's processor time."""
    client = redis.Redis(unix_socket_path=str(running.server.socket))
    now_ms = round(time.time() * 1_000)
    terms = Terms(
        stock=1 if kind.sold_out else buyers,
        limit=1,
        opens_ms=now_ms - 1,
        closes_ms=now_ms + 10**8,
        hold_ms=10**7 if kind.hold else 0,
    )
    connection.run(ledger.publish(sale=sale, epoch=1, terms=terms))
    if kind.sold_out:
        buy(kind, sale, (1,))
    before, used_before = int(client.info("memory")["used_memory"]), processor_us(running.pid)
    groups = list(batched(range(100_000, 100_000 + buyers), together))
    for numbers in track(groups, description=f"{kind.name}, {together} in a command", transient=True):
        buy(kind, sale, numbers)
    micros = processor_us(running.pid) - used_before
    return (int(client.info("memory")["used_memory"]) - before) / buyers, micros / buyers


def rows(running: embedded.RunningServer, buyers: int) -> Iterator[tuple[str, ...]]:
    """Measure every way of buying, each in sales of its own."""
    for place, kind in enumerate(KINDS, start=1):
        found = [measure(running, kind, 10 * place + n, buyers, together) for n, together in enumerate(TOGETHER)]
        yield kind.name, f"{found[0][0]:.0f}", *(f"{micros:.1f}" for _, micros in found)


def main(buyers: int) -> None:
    """Print the table."""
    server = embedded.server(role=embedded.ServerRole.LEDGER, data_dir=settings.SALES.data_dir)
    with embedded.start(server=server, command="tests.bench.ledger") as running, Line() as line:
        line.load_scripts()
        client = redis.Redis(unix_socket_path=str(running.server.socket))
        version = client.info("server").get("valkey_version", "?")
        table = Table("bought", "bytes a buyer", *(f"µs, {together} in a command" for together in TOGETHER))
        for row in rows(running, buyers):
            table.add_row(*row)
        console = Console()
        console.print(table)
        console.print(f"{buyers:,} buyers each; Valkey {version}, {platform.machine()}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)

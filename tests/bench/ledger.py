"""What one buyer costs the ledger: bytes of memory, and microseconds of the server for a purchase.

`python -m tests.bench.ledger [BUYERS]` starts a ledger server of its own with `appendfsync always`, as in production.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
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

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of buying."""

    name: str
    hold: bool = False
    key: bool = False


KINDS = (Kind("at once"), Kind("at once, with an Idempotency-Key", key=True), Kind("held, then confirmed", hold=True))


def buy(kind: Kind, sale: int, numbers: tuple[int, ...]) -> None:
    """Let a batch of shoppers buy one unit each."""
    shoppers = [f"x:shop:user{number}" if kind.key else f"u:{number}" for number in numbers]
    taken = connection.run_many(
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


def measure(client: "redis.Redis", kind: Kind, sale: int, buyers: int) -> tuple[float, float, float]:
    """Return bytes a buyer, and microseconds a purchase for the first and the last thousand buyers."""
    now_ms = round(time.time() * 1_000)
    terms = Terms(
        stock=buyers, limit=1, opens_ms=now_ms - 1, closes_ms=now_ms + 10**8, hold_ms=10**7 if kind.hold else 0
    )
    connection.run(ledger.publish(sale=sale, epoch=1, terms=terms))
    before = int(client.info("memory")["used_memory"])
    micros: list[float] = []
    for numbers in track(
        list(batched(range(100_000, 100_000 + buyers), AT_ONCE)), description=kind.name, transient=True
    ):
        client.config_resetstat()
        buy(kind, sale, numbers)
        micros.append(client.info("commandstats")["cmdstat_evalsha"]["usec"] / len(numbers))
    few = max(1_000 // AT_ONCE, 1)
    used = int(client.info("memory")["used_memory"]) - before
    return used / buyers, sum(micros[:few]) / few, sum(micros[-few:]) / few


def rows(client: "redis.Redis", buyers: int) -> Iterator[tuple[str, ...]]:
    """Measure every way of buying, each in a sale of its own."""
    for sale, kind in enumerate(KINDS, start=1):
        size, first, last = measure(client, kind, sale, buyers)
        yield kind.name, f"{size:.0f}", f"{first:.1f}", f"{last:.1f}"


def main(buyers: int) -> None:
    """Print the table."""
    server = embedded.server(role=embedded.ServerRole.LEDGER, data_dir=settings.SALES.data_dir)
    with embedded.start(server=server, command="tests.bench.ledger") as running, Line() as line:
        line.load_scripts()
        client = redis.Redis(unix_socket_path=str(running.server.socket))
        version = client.info("server").get("valkey_version", "?")
        table = Table("bought", "bytes a buyer", "µs, first 1,000", "µs, last 1,000")
        for row in rows(client, buyers):
            table.add_row(*row)
        console = Console()
        console.print(table)
        console.print(f"{buyers:,} buyers each; Valkey {version}, {platform.machine()}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)

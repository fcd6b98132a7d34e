"""What `outages` measures of one installation: draining, recovery, lag; and what it costs the ledger to be durable.

Import this only after `environment.settle()`: it reads settings. Every round of a drain has a sale of its own; recovery
is measured while the ledger holds the first one alone. After each, orders and sold units are held against each other.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

import redis

from sales.domain.outcomes import Outcome
from sales.live import connection, embedded, ledger
from sales.live.embedded import RunningServer, ServerRole
from sales.live.results import Terms
from sales.live.scripts import LEDGER_SCRIPTS
from sales.models import Order, Sale
from sales.services import fencing
from tests.bench import processes
from tests.bench import shop as installations
from tests.bench.shop import Shop

Values = dict[str, float]
PER_SECOND = 3_000
IN_FLIGHT = (32, 256)
AT_ONCE = 200
_PACK_SECONDS = 0.02
_FILL_SECONDS = 25.0
_LONGEST_SECONDS = 150.0
_MEMORY = ("--maxmemory", "6gb")


class Wrong(Exception):
    """Something was lost, doubled, or never came."""


def of_database(
    folder: Path, *, name: str, buyers: int, rounds: int, seconds: float
) -> Iterator[tuple[str, str, Values]]:
    """Yield what is measured (scenario, condition, values), round by round, for about so many seconds at the most."""
    until = time.monotonic() + seconds
    with installations.running(folder) as shop, ExitStack() as started:
        _until(lambda: fencing.epoch() > 0, "the keeper proves nothing")
        slug = shop.open()
        began = time.monotonic()
        bought, values = drain(shop, slug, buyers)
        yield "drain", f"{name}, {bought:,} orders", values
        round_took = time.monotonic() - began
        now = shop.ledger
        for _ in range(rounds):
            now, values = recover(shop, now, slug)
            started.callback(now.stop)
            yield "recovery", f"{name}, {bought:,} buyers", values
        shop.settle(slug)
        slug = shop.open()
        yield "lag", f"{name}, {PER_SECOND:,} purchases/s", lag(slug, seconds=2.0 if rounds == 1 else 8.0)
        shop.settle(slug)
        for _ in range(rounds - 1):
            if time.monotonic() + round_took > until:
                return
            slug = shop.open()
            bought, values = drain(shop, slug, bought)
            yield "drain", f"{name}, {bought:,} orders", values
            shop.settle(slug)


def drain(shop: Shop, slug: str, buyers: int) -> tuple[int, Values]:
    """Let a backlog pile up while nobody records, then see how fast it gets on record; return how long it was, too."""
    shop.rest_keeper(resting=True)
    try:
        began = time.monotonic()
        _fill(slug, buyers)
        filled = time.monotonic() - began
        buyers = shop.sold(slug)
    finally:
        shop.rest_keeper(resting=False)
    used, began = processes.cpu_seconds(shop.keeper.pid), time.monotonic()
    _until(lambda: _is_on_record(slug), "the backlog is not drained")
    took, used = time.monotonic() - began, processes.cpu_seconds(shop.keeper.pid) - used
    _compare(shop, slug, least=buyers)
    return buyers, {
        "per_second": buyers / took,
        "cpu_keeper_us": used / buyers * 1e6,
        "seconds": took,
        "sold_per_second": buyers / filled,
    }


def _fill(slug: str, buyers: int) -> None:
    """Let so many buy, straight in the ledger; on a busy machine fewer, and some are not answered in time."""
    sale, epoch, until = Sale.objects.get(slug=slug), fencing.epoch(), time.monotonic() + _FILL_SECONDS
    for first in range(0, buyers, AT_ONCE):
        if time.monotonic() > until:
            return
        connection.run_many(
            [
                ledger.purchase(sale=sale.pk, epoch=epoch, shopper=f"u:{number}", order_id=uuid4())
                for number in range(first, first + AT_ONCE)
            ]
        )


def recover(shop: Shop, running: RunningServer, slug: str) -> tuple[RunningServer, Values]:
    """Kill the ledger and start it again; see how long it reads its file, and how long then until it sells."""
    sale = Sale.objects.get(slug=slug)
    running.kill()
    began = time.monotonic()
    running = embedded.start(server=running.server, command="tests.bench.outages", extra=_MEMORY)
    up = time.monotonic()
    _until(lambda: _buy_one(sale.pk) is Outcome.BOUGHT, "the ledger does not sell again")
    sells = time.monotonic()
    _until(lambda: _is_on_record(slug), "not everything is on record")
    _compare(shop, slug, least=1)
    return running, {"reads_file_s": up - began, "sells_after_s": sells - up}


def lag(slug: str, *, seconds: float) -> Values:
    """Sell at an even rate, and see for each purchase how long it takes until it is on record."""
    sale, epoch = Sale.objects.get(slug=slug), fencing.epoch()
    seen: list[tuple[float, int]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.004):
            recorded = connection.run(ledger.snapshot(sale=sale.pk, epoch=None)).recorded_seq
            seen.append((time.monotonic(), recorded))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    sold: list[tuple[float, int]] = []
    began = due = time.monotonic()
    pack = round(PER_SECOND * _PACK_SECONDS)
    while due < began + seconds and time.monotonic() < began + 2 * seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        calls = [
            ledger.purchase(sale=sale.pk, epoch=epoch, shopper=f"u:{uuid4().int}", order_id=uuid4())
            for _ in range(pack)
        ]
        taken = connection.run_many(calls)
        if seqs := [each.entry.seq for each in taken if each.entry]:
            sold.append((time.monotonic(), max(seqs)))
        due += _PACK_SECONDS
    took = time.monotonic() - began
    _until(lambda: bool(seen) and seen[-1][1] >= sold[-1][1], "not everything is on record")
    stop.set()
    watching.join()
    # What was recorded before the answer arrived here took no time that anybody could have noticed.
    lags = [max(0.0, next(at for at, recorded in seen if recorded >= seq) - when) for when, seq in sold]
    cuts = quantiles(lags, n=100)
    return {"p50_ms": cuts[49] * 1e3, "p99_ms": cuts[98] * 1e3, "per_second": len(sold) * pack / took}


def durability(folder: Path, *, rounds: int, seconds: float) -> Iterator[tuple[str, str, Values]]:
    """Sell in a ledger that has each purchase on disk and in one that keeps nothing, in turn."""
    kinds: dict[str, tuple[str, ...]] = {"always": (), "none": ("--appendonly", "no")}
    with ExitStack() as started:
        lines = {}
        for kind, extra in kinds.items():
            server = embedded.server(role=ServerRole.LEDGER, data_dir=folder / kind)
            started.enter_context(
                embedded.start(server=server, command="tests.bench.outages", extra=(*_MEMORY, *extra))
            )
            client = redis.Redis(unix_socket_path=str(server.socket))
            for script in LEDGER_SCRIPTS.values():
                client.script_load(script.text)
            lines[kind] = client.connection_pool.make_connection()
        sale = 0
        for _ in range(rounds):
            for in_flight in IN_FLIGHT:
                sale += 1
                speed = {kind: _speed(line, sale, in_flight, seconds) for kind, line in lines.items()}
                cost = (1 - speed["always"] / speed["none"]) * 100
                yield "durability", f"{in_flight} in flight", {**speed, "cost_percent": cost}


def _speed(line: Any, sale: int, in_flight: int, seconds: float) -> float:
    """Return purchases a second, always so many sent at once; only sending and waiting is timed."""
    now_ms = round(time.time() * 1_000)
    terms = Terms(stock=9_999_999, limit=1, opens_ms=now_ms - 1, closes_ms=now_ms + 10**8, hold_ms=0)
    _send(line, [connection.command_of(ledger.publish(sale=sale, epoch=1, terms=terms))])
    spent, sold = 0.0, 0
    while spent < seconds:
        calls = [
            ledger.purchase(sale=sale, epoch=1, shopper=f"u:{number}", order_id=uuid4())
            for number in range(sold, sold + in_flight)
        ]
        commands = [connection.command_of(call) for call in calls]
        began = time.monotonic()
        replies = _send(line, commands)
        spent += time.monotonic() - began
        if any(call.read(reply).outcome is not Outcome.BOUGHT for call, reply in zip(calls, replies, strict=True)):
            raise Wrong("a purchase of the ledger alone was refused")
        sold += in_flight
    return sold / spent


def _send(line: Any, commands: list[Any]) -> list[Any]:
    line.send_packed_command(line.pack_commands(commands))
    return [line.read_response() for _ in commands]


def _buy_one(sale: int) -> Outcome:
    call = ledger.purchase(sale=sale, epoch=fencing.epoch(), shopper=f"u:{uuid4().int}", order_id=uuid4())
    return connection.run(call).outcome


def _is_on_record(slug: str) -> bool:
    seen = connection.run(ledger.snapshot(sale=Sale.objects.get(slug=slug).pk, epoch=None))
    return seen.recorded_seq >= seen.seq > 0


def _compare(shop: Shop, slug: str, *, least: int) -> None:
    sold, orders = shop.sold(slug), Order.objects.filter(sale__slug=slug).count()
    if sold < least or sold != orders:
        raise Wrong(f"{sold} units of {slug} are sold, at least {least} were bought, and {orders} are on record.")


def _until(true: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + _LONGEST_SECONDS
    while not true():
        if time.monotonic() > until:
            raise Wrong(otherwise)
        time.sleep(0.01)

"""One run: people buy on a running demo while a seed decides what is killed and what is frozen, and when.

`python -m tests.faults.run --seed 7 [--count 3] [--stock 600]` prints what happened. Where something happened that must
never happen it says what, prints the command that replays it, and ends with 1.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from tests.faults.history import History, Record, Told, findings
from tests.running_demo import SLUG, Demo, started

SHOPPERS_AT_ONCE = 12
PATIENCE_SECONDS = 45.0
HEAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a process of the demo: a signal, and for a frozen one how long."""

    what: str
    target: str
    signal: signal.Signals
    seconds: float = 0.0


def faults_of(seed: int, count: int) -> list[Fault]:
    """Choose what will happen. The first is always the ledger's death: that is what this is about."""
    chance = random.Random(seed)
    menu: list[Callable[[], Fault]] = [
        lambda: Fault("kill", "ledger", signal.SIGKILL),
        lambda: Fault("freeze", "ledger", signal.SIGSTOP, chance.uniform(0.3, 2.0)),
        lambda: Fault("kill", "keeper", signal.SIGKILL),
        lambda: Fault("freeze", "keeper", signal.SIGSTOP, chance.uniform(0.3, 2.0)),
        lambda: Fault("kill", "cache", signal.SIGKILL),
        lambda: Fault("freeze", "cache", signal.SIGSTOP, chance.uniform(0.3, 1.0)),
        lambda: Fault("kill", "web", signal.SIGKILL),
        lambda: Fault("end", "ledger", signal.SIGTERM),
    ]
    return [menu[0](), *(chance.choice(menu)() for _ in range(count - 1))]


class Crowd:
    """Shoppers, each with an Idempotency-Key, who ask again until they are told yes or no."""

    def __init__(self, demo: Demo, history: History) -> None:
        self._demo, self._history = demo, history
        self._over = threading.Event()
        self._numbers = iter(range(10**9))
        self._threads = [threading.Thread(target=self._shop) for _ in range(SHOPPERS_AT_ONCE)]

    def start(self) -> None:
        """Let them in."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let nobody else in, and wait for those who are still asking."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _shop(self) -> None:
        with httpx.Client(base_url=self._demo.url, timeout=4.0) as client:
            while not self._over.is_set():
                shopper = f"s{next(self._numbers)}"
                self._buy(client, shopper)
                time.sleep(0.02)

    def _buy(self, client: httpx.Client, shopper: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            told = self._ask(client, shopper)
            self._history.told.append(told)
            if told.status not in (0, 429, 503):
                return
            time.sleep(0.1)

    @staticmethod
    def _ask(client: httpx.Client, shopper: str) -> Told:
        try:
            answer = client.post(
                "/api/flashsale/purchase",
                json={"userId": shopper, "flashSaleId": SLUG},
                headers={"Idempotency-Key": f"only-{shopper}"},
            )
        except httpx.HTTPError as fault:
            return Told(shopper, 0, message=type(fault).__name__)
        try:
            said = answer.json()
        except json.JSONDecodeError:
            return Told(shopper, answer.status_code, message=answer.text[:80])
        return Told(
            shopper,
            answer.status_code,
            purchase_id=said.get("purchaseId", "") if answer.status_code == 200 else "",
            unit=said.get("unit", 0),
            message=str(said.get("message", said.get("error", ""))).lower(),
        )


def pid_of(demo: Demo, target: str) -> int | None:
    """Return the process that has this part now; None while it is being started again."""
    try:
        return demo.child_pid(target)
    except (AssertionError, ValueError):
        return None


def inflict(demo: Demo, fault: Fault) -> str:
    """Let it happen; return what did."""
    pid = pid_of(demo, fault.target)
    if pid is None:
        return f"{fault.target} is down already"
    os.kill(pid, fault.signal)
    if fault.seconds:
        time.sleep(fault.seconds)
        os.kill(pid, signal.SIGCONT)
        return f"{fault.target} frozen for {fault.seconds:.1f} s"
    return f"{fault.target}: {fault.what}"


def healed(demo: Demo) -> str:
    """Wait until the site is ready and everything is on record; return what is missing, or nothing."""
    until = time.monotonic() + HEAL_SECONDS
    missing = "not ready"
    while time.monotonic() < until:
        try:
            ready = httpx.get(f"{demo.url}/ready", timeout=2)
            missing = ready.text if ready.status_code != 200 else ""
            if not missing and not (missing := waiting(demo)):
                return ""
        except httpx.HTTPError as fault:
            missing = repr(fault)
        time.sleep(0.2)
    return f"After {HEAL_SECONDS:.0f} s it had not healed: {missing}"


def waiting(demo: Demo) -> str:
    """Return what is not as it should be yet: events that are not on record, numbers that do not add up."""
    said = demo.command_json("sale_status", SLUG)
    return "" if said["backlog"] == 0 and said["adds_up"] else str(said["verdict"])


def run(seed: int, *, count: int, stock: int, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Do one run; return what must never happen and did."""
    chance = random.Random(seed + 1)
    history = History()
    with started(folder, stock=stock, workers=2) as demo:
        crowd = Crowd(demo, history)
        crowd.start()
        try:
            for fault in faults_of(seed, count):
                time.sleep(chance.uniform(0.5, 1.5))
                say(inflict(demo, fault))
            time.sleep(1.0)
        finally:
            crowd.stop()
        unhealed = healed(demo)
        record = Record.read(folder, SLUG)
    say(f"answers by status: {history.statuses()}; told that they have one: {len(history.won())}")
    say(f"on record: {len(record.rows)}")
    return [*([unhealed] if unhealed else []), *findings(history, record)]


def main() -> int:
    """Read the words of the command line, run, and tell."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seed", type=int, default=random.randrange(10**6))
    words.add_argument("--runs", type=int, default=1, help="so many runs, with this seed and those after it")
    words.add_argument("--count", type=int, default=4, help="how many faults a run has")
    words.add_argument("--stock", type=int, default=100_000)
    asked = words.parse_args()
    console = Console()
    bad = 0
    for seed in range(asked.seed, asked.seed + asked.runs):
        console.print(f"seed {seed}")
        with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
            found = run(
                seed, count=asked.count, stock=asked.stock, folder=Path(folder) / "demo",
                say=lambda text: console.print(f"  {text}"),
            )  # fmt: skip
        for sentence in found:
            console.print(f"  [red]{sentence}[/red]")
        if found:
            bad += 1
            console.print(
                f"  replay: python -m tests.faults.run --seed {seed} --count {asked.count} --stock {asked.stock}"
            )
    console.print(f"{asked.runs - bad} of {asked.runs} runs without a finding")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

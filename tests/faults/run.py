"""One run: people buy while a seed decides what is killed, what is frozen, which connection fails how, and when.

At last everything is killed in an order that the seed decides, and started again in another one.
`python -m tests.faults.run --seed 7 [--count 3] [--stock 600]` prints what happened. Where something happened that must
never happen it says what, prints the command that replays it, and ends with 1.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from tests.faults.checks import findings
from tests.faults.crowd import ANSWER_SECONDS, Crowd, Shopper, now_ms
from tests.faults.history import History, Record
from tests.faults.installation import PARTS, Installation, installed
from tests.faults.proxy import PASS, Doing, Rule
from tests.running_demo import SLUG

HEAL_SECONDS = 60.0
LINKS = ("web-ledger", "keeper-ledger", "web-cache")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a process: a signal, and for a frozen one how long."""

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


@dataclass(frozen=True, slots=True)
class LinkFault:
    """Something that happens to a connection between two processes, in these directions."""

    link: str
    rule: Rule
    requests: bool
    replies: bool

    def __str__(self) -> str:
        """Say it in one line."""
        ways = " and ".join(way for way in ("requests", "replies") if getattr(self, way))
        return f"{self.link}: {self.rule.doing} {ways}"


def link_faults_of(seed: int, count: int) -> list[LinkFault]:
    """Choose what happens to connections. The first is always that the ledger's answers to the web are lost."""
    chance = random.Random(f"links {seed}")

    def some() -> LinkFault:
        link = chance.choice(LINKS)
        doing = chance.choice([doing for doing in Doing if doing is not Doing.PASS])
        requests, replies = chance.choice([(True, False), (False, True), (True, True)])
        rule = Rule(doing, chance.uniform(0.0, 0.6), chance.uniform(0.0, 0.6))
        return LinkFault(link, rule, requests, replies)

    first = LinkFault("web-ledger", Rule(Doing.SWALLOW), requests=False, replies=True)
    return [first, *(some() for _ in range(count - 1))]


def orders_of(seed: int) -> tuple[list[str], list[str]]:
    """Choose in which order all parts are killed, and in which they are started again."""
    chance = random.Random(f"orders {seed}")
    return chance.sample(PARTS, len(PARTS)), chance.sample(PARTS, len(PARTS))


def inflict(shop: Installation, fault: Fault) -> str:
    """Let it happen; return what did."""
    pid = shop.pid(fault.target)
    if pid is None:
        return f"{fault.target} is down already"
    os.kill(pid, fault.signal)
    if fault.seconds:
        time.sleep(fault.seconds)
        os.kill(pid, signal.SIGCONT)
        return f"{fault.target} frozen for {fault.seconds:.1f} s"
    return f"{fault.target}: {fault.what}"


def disturb(shop: Installation, fault: LinkFault, seconds: float) -> str:
    """Let it happen to a connection for so long, and heal it; return what did."""
    link = shop.links[fault.link]
    link.set(requests=fault.rule if fault.requests else PASS, replies=fault.rule if fault.replies else PASS)
    time.sleep(seconds)
    link.heal()
    return f"{fault} for {seconds:.1f} s"


def scatter(shop: Installation, seed: int) -> str:
    """Kill everything in one order and start it in another; return both."""
    chance = random.Random(f"pauses {seed}")
    killed, begun = orders_of(seed)
    shop.stop_keeping()
    for part in killed:
        shop.kill(part)
        time.sleep(chance.uniform(0, 0.3))
    for part in begun:
        shop.start(part)
        time.sleep(chance.uniform(0, 0.5))
    return f"killed {', '.join(killed)}; started {', '.join(begun)}"


def healed(shop: Installation) -> list[str]:
    """Wait until the site is ready and everything is on record; return what is missing, or does not agree."""
    until = time.monotonic() + HEAL_SECONDS
    missing = "not ready"
    while time.monotonic() < until:
        try:
            ready = httpx.get(f"{shop.url}/ready", timeout=2)
            missing = ready.text if ready.status_code != 200 else ""
            if not missing and not (missing := waiting(shop)):
                return audited(shop)
        except httpx.HTTPError as fault:
            missing = repr(fault)
        time.sleep(0.2)
    return [f"After {HEAL_SECONDS:.0f} s it had not healed: {missing}\n{shop.last_words()}"]


def waiting(shop: Installation) -> str:
    """Return what is not as it should be yet: events that are not on record, numbers that do not add up."""
    said = shop.command_json("sale_status", SLUG)
    return "" if said["backlog"] == 0 and said["adds_up"] else str(said["verdict"])


def audited(shop: Installation) -> list[str]:
    """Compare ledger and record, entry by entry; return what does not agree."""
    return [
        f"The ledger and the record: {difference}" for difference in shop.command_json("audit_sales")["sales"][SLUG]
    ]


def run(seed: int, *, count: int, stock: int, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Do one run; return what must never happen and did."""
    chance = random.Random(seed + 1)
    history = History()
    with installed(folder, stock=stock) as shop:
        shop.keep()
        crowd = Crowd(shop.url, history)
        crowd.start()
        try:
            for fault, link_fault in zip(faults_of(seed, count), link_faults_of(seed, count), strict=True):
                say(disturb(shop, link_fault, chance.uniform(0.5, 1.5)))
                say(inflict(shop, fault))
            time.sleep(1.0)
            say(scatter(shop, seed))
        finally:
            crowd.stop()
        try:
            shop.until_ready()
        except AssertionError as never:
            return [str(never)]
        buy_after(shop, history)
        wrong = healed(shop)
        record = Record.read(folder, SLUG)
    say(f"answers by status: {history.statuses()}; told that they have one: {len(history.bought())}")
    say(f"on record: {len(record.rows)}")
    return [*wrong, *findings(history, record)]


def buy_after(shop: Installation, history: History) -> None:
    """Buy as somebody who comes when everything is well again."""
    history.healed_ms = now_ms()
    with httpx.Client(base_url=shop.url, timeout=ANSWER_SECONDS) as client:
        late_shopper = Shopper(shop.url, history, "late", client)
        late_shopper.buy_until_told(seconds=10.0)
        late_shopper.look_up()


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

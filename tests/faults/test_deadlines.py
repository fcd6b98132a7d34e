"""A ledger that does not answer, over HTTP, with the whole system as it is started: every answer comes in time."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running_demo import SLUG, Demo, started

MOST_SECONDS = 2.5
FROZEN_SECONDS = 5.0
PURCHASE = "/api/flashsale/purchase"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with started(tmp_path / "data") as running:
        yield running


@pytest.mark.timeout(180)
class TestFrozenLedger:
    def test_is_answered_for_within_two_and_a_half_seconds_and_asking_again_settles_it(self, demo: Demo) -> None:
        assert demo.buy("before")[0] == 200
        answers: list[tuple[float, str, int, Any]] = []

        def ask(name: str) -> None:
            began = time.monotonic()
            status, body = demo.ask(PURCHASE, {"userId": name, "flashSaleId": SLUG})
            answers.append((time.monotonic() - began, name, status, body))

        pid = demo.child_pid("ledger")
        os.kill(pid, signal.SIGSTOP)
        try:
            threads: list[threading.Thread] = []
            until = time.monotonic() + FROZEN_SECONDS
            while time.monotonic() < until:
                threads.append(threading.Thread(target=ask, args=(f"frozen-{len(threads)}",)))
                threads[-1].start()
                time.sleep(0.5)
            for thread in threads:
                thread.join()
        finally:
            os.kill(pid, signal.SIGCONT)
        thawed = time.monotonic()
        assert demo.buy("after")[0] == 200
        recovered = time.monotonic() - thawed

        assert {status for _, _, status, _ in answers} == {503}
        assert max(seconds for seconds, *_ in answers) <= MOST_SECONDS
        assert recovered <= 2
        # What was unknown is known when asked again, and each has one unit.
        units = set()
        for _, name, _, _ in answers:
            status, body = demo.buy(name)
            assert status == 200 or body["code"] == "already", body
            again = demo.ask(f"/api/flashsale/user/{name}/purchase/{SLUG}")[1]
            assert again["hasPurchased"]
            units.add(again["purchase"]["unit"])
        assert len(units) == len(answers)

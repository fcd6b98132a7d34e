"""The lane as it is served, by gunicorn with uvicorn's worker: slow clients, idle ones, and a reload in mid-sale."""

import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPException

import pytest

from tests.running_demo import SLUG, Demo, started

MANY = 60
"""More than all threads that Django has."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A shop with one worker."""
    with started(tmp_path_factory.mktemp("lane"), workers=1, stock=5_000) as running:
        yield running


def opened(demo: Demo, *, receive_bytes: int = 0) -> socket.socket:
    line = socket.socket()
    if receive_bytes:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    line.connect(("127.0.0.1", demo.port))
    return line


def health(line: HTTPConnection) -> int:
    """Ask over a connection that stays."""
    line.request("GET", "/health", headers={"Host": "localhost"})
    answer = line.getresponse()
    answer.read()
    return answer.status


def script_of(demo: Demo) -> str:
    """Return the address of a file that is larger than what the reader's end takes."""
    with urllib.request.urlopen(f"{demo.url}/sales/{SLUG}/", timeout=20) as page:
        found = re.search(r'src="([^"]+htmx[^"]+)"', page.read().decode())
    assert found
    return found[1]


def page_seconds(demo: Demo) -> float:
    """Return how long a page that Django writes takes."""
    began = time.monotonic()
    with urllib.request.urlopen(f"{demo.url}/", timeout=20) as page:
        assert page.status == 200
        page.read()
    return time.monotonic() - began


def best_page_seconds(demo: Demo) -> float:
    """Return the best of three: what is measured is who waits for whom, not how busy the machine is."""
    return min(page_seconds(demo) for _ in range(3))


def purchase(demo: Demo, shopper: str) -> int:
    """Ask once, and wait for the answer as long as it takes."""
    line = HTTPConnection("127.0.0.1", demo.port, timeout=60)
    with closing(line):
        body = json.dumps({"userId": shopper, "flashSaleId": SLUG})
        line.request("POST", "/api/flashsale/purchase", body, {"Host": "localhost", "Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        return answer.status


class TestTheSite:
    def test_does_not_wait_for_slow_senders(self, demo: Demo) -> None:
        with ExitStack() as lines:
            for number in range(MANY):
                line = lines.enter_context(opened(demo))
                path = ("/accounts/login/", "/api/flashsale/purchase", f"/sales/{SLUG}/buy")[number % 3]
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n"
                line.sendall(head.encode() + b"userId=")

            took = best_page_seconds(demo)
            status, _ = demo.buy("beside-slow-senders")

        assert (took < 1.0, status) == (True, 200)

    def test_does_not_wait_for_slow_readers(self, demo: Demo) -> None:
        script = script_of(demo)
        with ExitStack() as lines:
            for _ in range(MANY):
                line = lines.enter_context(opened(demo, receive_bytes=1_024))
                line.sendall(f"GET {script} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 5)

            took = best_page_seconds(demo)
            status, _ = demo.buy("beside-slow-readers")

        assert (took < 1.0, status) == (True, 200)

    def test_holds_idle_connections_while_it_sells(self, demo: Demo) -> None:
        with ExitStack() as lines:
            idle = [lines.enter_context(closing(HTTPConnection("127.0.0.1", demo.port))) for _ in range(300)]

            before = [health(line) for line in idle]
            status, _ = demo.buy("beside-idle-ones")
            afterwards = [health(line) for line in idle]

        assert status == 200
        assert before == afterwards == [200] * 300

    def test_believes_nobody_about_addresses_and_schemes(self, demo: Demo) -> None:
        with opened(demo) as line:
            line.sendall(
                b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\nX_Forwarded_Host: evil\r\n"
                b"Connection: close\r\n\r\n"
            )
            said = b"".join(iter(lambda: line.recv(4_096), b""))

        assert said.startswith(b"HTTP/1.1 200")
        assert b"server:" not in said.lower()

    def test_leaves_nothing_that_it_has_read_unanswered_when_it_is_reloaded(self, demo: Demo) -> None:
        answered: dict[str, int] = {}
        unanswered: list[str] = []
        over = threading.Event()

        def buy_on(number: int) -> None:
            for turn in range(2_000):
                if over.is_set():
                    return
                shopper = f"reload-{number}-{turn}"
                try:
                    answered[shopper] = purchase(demo, shopper)
                except (OSError, HTTPException):
                    unanswered.append(shopper)

        threads = [threading.Thread(target=buy_on, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        os.kill(demo.child_pid("web"), signal.SIGHUP)
        until = time.monotonic() + 20
        while len(answered) < 200 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1.0)  # the old worker has gone by then
        over.set()
        for thread in threads:
            thread.join()

        assert set(answered.values()) == {200}
        found = {shopper: demo.ask(f"/api/flashsale/user/{shopper}/purchase/{SLUG}")[1] for shopper in unanswered}
        assert not any(each["hasPurchased"] for each in found.values())

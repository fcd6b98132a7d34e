"""The lane as it is served, by gunicorn with uvicorn's worker: slow clients, idle ones, and a reload in mid-sale."""

import json
import os
import re
import resource
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.running_demo import SLUG, Demo, started

MANY = 200
"""Many more than all threads that Django has."""
IDLE = 5_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A shop with one worker."""
    with started(tmp_path_factory.mktemp("lane"), workers=1, stock=50_000) as running:
        yield running


@pytest.fixture
def connections() -> Iterator[int]:
    """Return how many connections this process may hold open, 5,000 where the system lets it."""
    may, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 500
    most = wanted if at_most < 0 else min(at_most, wanted)
    if 0 <= may < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, at_most))
    yield min(IDLE, most - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (may, at_most))


def opened(demo: Demo, *, receive_bytes: int = 0) -> socket.socket:
    line = socket.socket()
    if receive_bytes:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    line.connect(("127.0.0.1", demo.port))
    return line


def health_of_all(lines: list[socket.socket]) -> int:
    """Ask on each of these connections, and return how many were answered well."""
    for line in lines:
        line.settimeout(30)
        line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return sum(line.recv(4_096).startswith(b"HTTP/1.1 200") for line in lines)


def script_of(demo: Demo) -> str:
    """Return the address of a file that is larger than what the reader's end takes."""
    with urllib.request.urlopen(f"{demo.url}/sales/{SLUG}/", timeout=20) as page:
        found = re.search(r'src="([^"]+htmx[^"]+)"', page.read().decode())
    assert found
    return found[1]


def page(demo: Demo) -> None:
    """Read a page that Django writes."""
    with urllib.request.urlopen(f"{demo.url}/", timeout=20) as answer:
        assert answer.status == 200
        answer.read()


def best_seconds(act: Callable[[], object]) -> float:
    """Return the best of three: what is measured is who waits for whom, not how busy the machine is."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        act()
        took.append(time.monotonic() - began)
    return min(took)


def purchase(demo: Demo, shopper: str, line: HTTPConnection | None = None) -> int:
    """Ask once, over a connection that stays or over a new one, and wait for the answer as long as it takes."""
    if line is None:
        with closing(HTTPConnection("127.0.0.1", demo.port, timeout=60)) as new:
            return purchase(demo, shopper, new)
    body = json.dumps({"userId": shopper, "flashSaleId": SLUG})
    line.request("POST", "/api/flashsale/purchase", body, {"Host": "localhost", "Content-Type": "application/json"})
    answer = line.getresponse()
    answer.read()
    return answer.status


def workers_of(pid: int) -> set[int]:
    """Return the processes below another that are not done."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.add(int(entry.parent.name))
    return found


class TestTheSite:
    def test_does_not_wait_for_slow_senders(self, demo: Demo) -> None:
        with ExitStack() as lines:
            for number in range(MANY):
                line = lines.enter_context(opened(demo))
                path = ("/accounts/login/", "/api/flashsale/purchase", f"/sales/{SLUG}/buy")[number % 3]
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n"
                line.sendall(head.encode() + b"userId=")

            took = best_seconds(lambda: page(demo))
            status, _ = demo.buy("beside-slow-senders")
            bought = best_seconds(lambda: purchase(demo, "beside-slow-senders"))

        assert (took < 1.0, bought < 1.0, status) == (True, True, 200)

    def test_does_not_wait_for_slow_readers(self, demo: Demo) -> None:
        script = script_of(demo)
        with ExitStack() as lines:
            for _ in range(MANY):
                line = lines.enter_context(opened(demo, receive_bytes=1_024))
                line.sendall(f"GET {script} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 5)

            took = best_seconds(lambda: page(demo))
            status, _ = demo.buy("beside-slow-readers")
            bought = best_seconds(lambda: purchase(demo, "beside-slow-readers"))

        assert (took < 1.0, bought < 1.0, status) == (True, True, 200)

    def test_holds_idle_connections_while_it_sells(self, demo: Demo, connections: int) -> None:
        with ExitStack() as lines:
            idle = [lines.enter_context(opened(demo)) for _ in range(connections)]

            before = health_of_all(idle)
            took = best_seconds(lambda: page(demo))
            status, _ = demo.buy("beside-idle-ones")
            bought = best_seconds(lambda: purchase(demo, "beside-idle-ones"))
            afterwards = health_of_all(idle)

        assert (took < 1.0, bought < 1.0, status) == (True, True, 200)
        assert before == afterwards == connections

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
        """Buyers keep their connections, as a proxy does; whoever's was ended unread asks again."""
        answered: dict[str, int] = {}
        unread: list[str] = []
        over = threading.Event()

        def buy_on(number: int) -> None:
            with closing(HTTPConnection("127.0.0.1", demo.port, timeout=60)) as line:
                for turn in range(5_000):
                    if over.is_set():
                        return
                    shopper = f"reload-{number}-{turn}"
                    try:
                        answered[shopper] = purchase(demo, shopper, line)
                    except (OSError, HTTPException):
                        line.close()
                        unread.append(shopper)

        threads = [threading.Thread(target=buy_on, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        old = demo.child_pid("web")
        workers = workers_of(old)
        os.kill(old, signal.SIGHUP)
        until = time.monotonic() + 60
        while workers & workers_of(old) and time.monotonic() < until:
            time.sleep(0.05)
        over.set()
        for thread in threads:
            thread.join()

        assert not workers & workers_of(old)
        assert set(answered.values()) == {200}
        for shopper in unread:
            assert not demo.ask(f"/api/flashsale/user/{shopper}/purchase/{SLUG}")[1]["hasPurchased"]
        assert [purchase(demo, shopper) for shopper in unread] == [200] * len(unread)
        assert len(unread) <= len(threads), (
            "a connection on which somebody asks all the time is left between two answers"
        )

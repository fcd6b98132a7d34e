"""The lane's worker beside its master: it ends when gunicorn was killed, and finishes first what it was asked."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from flashsale_site.environment import PROJECT
from tests.running_demo import clean_environment, free_port

SECONDS = 60.0
LONG_ENOUGH_SECONDS = 1.0  # for ten looks at the parent
type Message = MutableMapping[str, Any]


async def its_number(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer at once with the number of the process, but for the line's end: that follows when the request is whole."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    said = b"%d\n" % os.getpid()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said[:-1], "more_body": True})
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.body", "body": said[-1:]})


class Web:
    """gunicorn with one worker. Both hold the writing end of one pipe, which tells when both have ended."""

    def __init__(self, worker_class: str) -> None:
        self.port = free_port()
        self._both_ended, held_by_both = os.pipe()
        argv = [sys.executable, "-m", "gunicorn", "tests.site.test_workers:its_number", "--log-level", "error"]
        argv += ["--bind", f"127.0.0.1:{self.port}", "--worker-class", worker_class]
        environment = clean_environment() | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        self.master = subprocess.Popen(argv, cwd=PROJECT, env=environment, pass_fds=[held_by_both])
        os.close(held_by_both)
        self.worker = self._wait_for_its_number()

    def line(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def kill_master(self) -> None:
        self.master.kill()
        self.master.wait()

    def ends(self, within: float) -> bool:
        """Wait for the end of master and worker."""
        return bool(select.select([self._both_ended], [], [], within)[0])

    def clear_away(self) -> None:
        self.kill_master()
        if not self.ends(within=0):
            os.kill(self.worker, signal.SIGKILL)
        os.close(self._both_ended)

    def _wait_for_its_number(self) -> int:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.master.poll() is None:
            with suppress(OSError), closing(self.line()) as line:
                line.request("GET", "/")
                return int(line.getresponse().read())
            time.sleep(0.02)
        raise AssertionError("gunicorn does not answer")


@pytest.fixture
def web(request: pytest.FixtureRequest) -> Iterator[Web]:
    running = Web(request.param)
    yield running
    running.clear_away()


class TestAWorkerWhoseMasterWasKilled:
    @pytest.mark.parametrize("web", ["flashsale_site.workers.LaneWorker"], indirect=True)
    def test_answers_what_it_was_asked_and_ends(self, web: Web) -> None:
        with closing(web.line()) as idle, closing(web.line()) as asking:
            idle.connect()
            asking.putrequest("POST", "/")
            asking.putheader("Content-Length", "2")
            asking.endheaders(b"1")
            answer = asking.getresponse()
            web.kill_master()
            assert not web.ends(within=LONG_ENOUGH_SECONDS)
            asking.send(b"2")

            assert answer.read() == b"%d\n" % web.worker
            assert web.ends(within=SECONDS)

    @pytest.mark.parametrize("web", ["uvicorn_worker.UvicornWorker"], indirect=True)
    def test_that_does_not_look_lives_on_and_keeps_the_address(self, web: Web) -> None:
        web.kill_master()

        assert not web.ends(within=LONG_ENOUGH_SECONDS)
        with closing(web.line()) as line:
            line.request("GET", "/")
            assert line.getresponse().status == 200

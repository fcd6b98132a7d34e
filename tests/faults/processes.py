"""Processes of the site that tests start and let die, and waiting for what comes of them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flashsale_site.environment import PROJECT

SECONDS = 60.0
Process = subprocess.Popen[str]
Begin = Callable[..., Process]


@contextmanager
def commands(environment: Mapping[str, str]) -> Iterator[Begin]:
    """Give out a function that starts commands of `manage.py`; `point` is where one kills itself. All end with it."""
    begun: list[Process] = []

    def begin(*words: str, point: str = "", **more: str) -> Process:
        env = {**environment, "FAULT_POINT": point, **more}
        argv = [sys.executable, "manage.py", *words]
        begun.append(subprocess.Popen(argv, cwd=PROJECT, env=env, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def killed_itself(process: Process) -> bool:
    """Wait for its end, and return whether it was its own doing."""
    process.communicate(timeout=SECONDS)
    return process.returncode == -signal.SIGKILL


def wait_until(true: Callable[[], bool], by: Process | None = None, seconds: float = SECONDS) -> float:
    """Wait for it, as long as the process runs that is to do it; return how many seconds that took."""
    began = time.monotonic()
    while not true():
        assert by is None or by.poll() is None, by and by.communicate()[1]
        assert time.monotonic() - began < seconds, "it does not come true"
        time.sleep(0.02)
    return time.monotonic() - began

"""How a child process is made to end when the process that started it ends, even by `kill -9`.

Lives here: `tied()`, which wraps a command line, and the wrapper itself, which runs as a script in the child and then
becomes the wanted program (same pid, so signals and exit codes need no go-between). On Linux the kernel delivers
SIGTERM at the parent's death; elsewhere a small watcher process sees a pipe from the parent close. Not here: restarts,
readiness and order (`sales.management.supervision`). Standard library only: the wrapper starts without site-packages.

The kernel's signal comes when the *thread* that started the child ends: start children from the main thread.
"""

import os
import select
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_PARENT_IS_GONE = 1


class Tie(StrEnum):
    """What tells the child that its parent has ended."""

    KERNEL = "kernel"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """What to hand to `subprocess`: the wrapped command line, and the descriptors that it must inherit."""

    argv: tuple[str, ...]
    pass_fds: tuple[int, ...]


def tied(*, argv: Sequence[str], tie: Tie | None = None) -> Tied:
    """Wrap `argv` so that the program ends with the process that calls this."""
    tie = tie or (Tie.KERNEL if sys.platform == "linux" else Tie.PIPE)
    wrapper = (sys.executable, "-ISB", __file__, str(os.getpid()))
    if tie is Tie.KERNEL:
        return Tied(argv=(*wrapper, tie, *argv), pass_fds=())
    lifeline = _lifeline(os.getpid())
    return Tied(argv=(*wrapper, f"{tie}:{lifeline}", *argv), pass_fds=(lifeline,))


@cache
def _lifeline(_pid: int) -> int:
    """Return the reading end of a pipe whose writing end stays open, in this process alone, until it ends."""
    reading, _writing = os.pipe()
    return reading


def _become(*, parent: int, tie: str, argv: Sequence[str]) -> None:
    """Tie this process to `parent`, then turn into the wanted program. Does not return."""
    how, _, lifeline = tie.partition(":")
    if how == Tie.KERNEL:
        _ask_kernel()
    else:
        _leave_watcher(lifeline=int(lifeline))
    if os.getppid() != parent:  # it died before we were tied: nobody would ever tell us
        sys.exit(_PARENT_IS_GONE)
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 (no shell is the point)
    except OSError as broken:
        sys.exit(f"{argv[0]} cannot be started: {broken.strerror}.")


def _ask_kernel() -> None:
    import ctypes  # noqa: PLC0415 (only Linux needs it, and each child would pay for it)

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def _leave_watcher(*, lifeline: int) -> None:
    """Fork a watcher that ends this process's program once `lifeline` closes, and itself once the program is gone."""
    program = os.getpid()
    gone, alive = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:  # twice, so that the program is not left with a child it does not know of
            os.close(alive)
            os.setsid()
            _watch(program=program, lifeline=lifeline, gone=gone)
        os._exit(0)
    os.wait()
    os.close(gone)
    os.close(lifeline)
    os.set_inheritable(alive, True)  # noqa: FBT003 (the program holds it without knowing, and drops it by ending)


def _watch(*, program: int, lifeline: int, gone: int) -> None:
    ended, _, _ = select.select([lifeline, gone], [], [])
    if gone in ended:
        return
    os.kill(program, signal.SIGTERM)
    ended, _, _ = select.select([gone], [], [], GRACE_SECONDS)
    if not ended:
        os.kill(program, signal.SIGKILL)


if __name__ == "__main__":
    _become(parent=int(sys.argv[1]), tie=sys.argv[2], argv=sys.argv[3:])

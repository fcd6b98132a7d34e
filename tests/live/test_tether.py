"""A child ends with its parent, however the parent ends."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from sales.live import tether

SECONDS = 10.0
TIES = [tether.Tie.PIPE, *([tether.Tie.KERNEL] if sys.platform == "linux" else [])]

# Prints its child's pid, then waits to be killed.
PARENT = """
import subprocess, sys, time
from sales.live import tether
child = [sys.executable, "-c", sys.argv[2]]
tied = tether.tied(argv=child, tie=sys.argv[1] or None) if sys.argv[1] != "none" else None
process = subprocess.Popen(tied.argv if tied else child, pass_fds=tied.pass_fds if tied else (), stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""
CHILD = "import time; print('up', flush=True); time.sleep(600)"
DEAF_CHILD = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + CHILD


def ends(pid: int, *, seconds: float = SECONDS) -> bool:
    """Whether the process is gone within `seconds`; it need not be a child of ours."""
    if sys.platform == "darwin":
        leaving = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
        with suppress(ProcessLookupError):
            return bool(select.kqueue().control([leaving], 1, seconds))
        return True
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


class Family:
    """A parent to be killed, and the child that it started."""

    def __init__(self, *, tie: str, child: str) -> None:
        self.parent = subprocess.Popen([sys.executable, "-c", PARENT, tie, child], stdout=subprocess.PIPE)
        assert self.parent.stdout is not None
        self.child_pid = int(self.parent.stdout.readline())

    def kill_parent(self) -> None:
        self.parent.kill()
        self.parent.wait()
        assert self.parent.stdout is not None
        self.parent.stdout.close()


@pytest.fixture
def families() -> Iterator[list[Family]]:
    made: list[Family] = []

    yield made

    for family in made:
        family.kill_parent()
        with suppress(ProcessLookupError):
            os.kill(family.child_pid, signal.SIGKILL)


class TestTied:
    @pytest.mark.parametrize("tie", TIES)
    def test_ends_the_child_when_the_parent_is_killed(self, families: list[Family], tie: tether.Tie) -> None:
        family = Family(tie=tie, child=CHILD)
        families.append(family)

        family.kill_parent()

        assert ends(family.child_pid)

    def test_is_needed_for_that(self, families: list[Family]) -> None:
        """The broken twin: without it the child lives on."""
        family = Family(tie="none", child=CHILD)
        families.append(family)

        family.kill_parent()

        assert not ends(family.child_pid, seconds=0.5)

    @pytest.mark.parametrize("tie", TIES)
    def test_keeps_pid_and_exit_code(self, tie: tether.Tie) -> None:
        tied = tether.tied(argv=[sys.executable, "-c", "import os; print(os.getpid()); raise SystemExit(7)"], tie=tie)

        process = subprocess.Popen(tied.argv, pass_fds=tied.pass_fds, stdout=subprocess.PIPE)
        said, _ = process.communicate(timeout=SECONDS)

        assert int(said) == process.pid
        assert process.returncode == 7

    def test_leaves_no_watcher_behind_when_the_program_ends_first(self) -> None:
        tied = tether.tied(argv=["/bin/true"], tie=tether.Tie.PIPE)

        process = subprocess.Popen(tied.argv, pass_fds=tied.pass_fds, stdout=subprocess.PIPE)

        # The watcher inherits stdout: its end is the end of the pipe.
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0

    def test_ends_a_child_that_was_orphaned_before_it_was_tied(self) -> None:
        tied = tether.tied(argv=["/bin/echo", "ran"], tie=TIES[-1])
        of_another_parent = [word if word != str(os.getpid()) else "1" for word in tied.argv]

        done = subprocess.run(of_another_parent, pass_fds=tied.pass_fds, capture_output=True, check=False)

        assert (done.returncode, done.stdout) == (1, b"")

"""A whole supervisor as a process of its own: asked to stop, killed, failing, stopped while it starts."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live.test_tether import ends
from tests.management.test_supervision import SECONDS, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


# Supervises two children in the folder argv[1] until it is stopped; prints `up` and their pids.
WHOLE = """
import sys
from pathlib import Path
from sales.management import supervision
from tests.management.test_supervision import Stage
stage = Stage(Path(sys.argv[1]))
async def plan(supervisor):
    await supervisor.start(stage.steady("ledger"))
    if sys.argv[2:] == ["failing"]:
        await supervisor.start(stage.shell("web", "exit 3"))
    await supervisor.start(stage.steady("web"))
    print("up", flush=True)
try:
    supervision.supervise(plan=plan, log_dir=stage.folder, say=print)
except supervision.ChildFailed as failed:
    sys.exit(str(failed))
"""


class TestSupervise:
    def begin(self, stage: Stage, *more: str) -> "subprocess.Popen[str]":
        """Start the whole in a process group of its own, as a shell does."""
        return subprocess.Popen(
            [sys.executable, "-c", WHOLE, stage.folder, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def until_up(self, whole: "subprocess.Popen[str]") -> None:
        assert whole.stdout is not None
        assert whole.stdout.readline() == "up\n"

    @pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_stops_all_in_order_when_asked(self, stage: Stage, asking: signal.Signals) -> None:
        whole = self.begin(stage)
        self.until_up(whole)

        os.killpg(whole.pid, asking)  # as the terminal does: the whole group hears it, the children do not
        _, complaints = whole.communicate(timeout=SECONDS)

        assert (whole.returncode, complaints) == (0, "")
        assert stage.trace == ["ledger starts", "web starts", "web stops", "ledger stops"]

    def test_takes_all_along_when_it_is_killed(self, stage: Stage) -> None:
        whole = self.begin(stage)
        self.until_up(whole)

        whole.kill()
        whole.communicate(timeout=SECONDS)

        assert ends(stage.pid("web"))
        assert ends(stage.pid("ledger"))

    def test_stops_what_it_started_when_the_rest_fails(self, stage: Stage) -> None:
        whole = self.begin(stage, "failing")

        _, complaints = whole.communicate(timeout=SECONDS)

        assert (whole.returncode, complaints) == (1, "web ended with code 3.\n")
        assert stage.trace == ["ledger starts", "ledger stops"]

    def test_can_be_stopped_while_it_still_starts(self, stage: Stage) -> None:
        whole = self.begin(stage)
        until = time.monotonic() + SECONDS
        while not (stage.folder / "ledger.pid").exists() and time.monotonic() < until:
            time.sleep(0.005)

        whole.terminate()
        whole.communicate(timeout=SECONDS)

        assert whole.returncode == 0
        with suppress(FileNotFoundError):
            assert ends(stage.pid("web"))
        assert ends(stage.pid("ledger"))

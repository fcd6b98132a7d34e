"""Children are started in order, kept running, and stopped in reverse, whatever they and the supervisor go through."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sales.management import supervision
from sales.management.supervision import Child, ChildFailed, Pace, Supervisor
from tests.live.test_tether import ends

SECONDS = 10.0
QUICK = Pace(first_seconds=0.01, longest_seconds=0.04)


class Stage:
    """A folder in which children leave traces, and what the supervisor said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def shell(self, name: str, script: str, **more: object) -> Child:
        """A child that is ready once it has touched `<name>.up`."""
        return Child(
            name=name,
            argv=["/bin/sh", "-c", script],
            env=dict(os.environ, HERE=str(self.folder)),
            ready=lambda _: (self.folder / f"{name}.up").exists(),
            **more,  # type: ignore[arg-type]
        )

    def steady(self, name: str) -> Child:
        """A child that says when it begins and when it is told to end, and waits in between."""
        return self.shell(
            name,
            f"trap 'echo {name} stops >> $HERE/trace; exit 0' TERM; echo {name} starts >> $HERE/trace;"
            f"echo $$ > $HERE/{name}.pid; touch $HERE/{name}.up; while :; do sleep 600 & wait $!; done",
        )

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def run(self, plan: Callable[[Supervisor], Awaitable[None]], *, pace: Pace = QUICK) -> None:
        """Carry out a plan, then stop everything."""

        async def whole() -> None:
            supervisor = Supervisor(log_dir=self.folder, say=self.said.append, pace=pace)
            try:
                await plan(supervisor)
            finally:
                await supervisor.stop()

        asyncio.run(asyncio.wait_for(whole(), SECONDS))

    async def until_said(self, words: str) -> None:
        while not any(words in line for line in self.said):
            await asyncio.sleep(0.01)

    @property
    def trace(self) -> list[str]:
        return (self.folder / "trace").read_text().splitlines()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


class TestStart:
    def test_waits_for_each_and_stops_them_in_reverse(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.steady("ledger"))
            await supervisor.start(stage.steady("web"))

        stage.run(plan)

        assert stage.trace == ["ledger starts", "web starts", "web stops", "ledger stops"]

    def test_starts_several_at_once(self, stage: Stage) -> None:
        both = "touch $HERE/{name}.begun; until [ -e $HERE/{other}.begun ]; do sleep 0.01; done; {then}"
        then = "touch $HERE/{}.up; exec sleep 600"

        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(
                stage.shell("keeper", both.format(name="keeper", other="web", then=then.format("keeper"))),
                stage.shell("web", both.format(name="web", other="keeper", then=then.format("web"))),
            )

        stage.run(plan)

    def test_shows_the_last_lines_of_one_that_dies_before_it_is_ready(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.steady("ledger"))
            await supervisor.start(stage.shell("web", "echo cannot bind >&2; exit 3"))

        with pytest.raises(ChildFailed, match=r"^web ended with code 3\.\n  web \| cannot bind$"):
            stage.run(plan)

        assert stage.trace[-1] == "ledger stops"

    def test_gives_up_on_one_that_is_never_ready(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.shell("web", "exec sleep 600", ready_seconds=0.1))

        with pytest.raises(ChildFailed, match=r"web was not ready within 0\.1 s"):
            stage.run(plan)

    def test_says_that_a_program_is_missing(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(Child(name="web", argv=["/no/such/program"], ready=lambda _: False))

        with pytest.raises(ChildFailed, match=r"/no/such/program cannot be started: No such file"):
            stage.run(plan)


class TestRestart:
    def test_brings_back_who_was_killed_and_says_so(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.steady("ledger"))
            first = stage.pid("ledger")
            (stage.folder / "ledger.up").unlink()
            os.kill(first, signal.SIGKILL)
            await stage.until_said("ledger is back.")
            assert stage.pid("ledger") != first

        stage.run(plan)

        assert stage.said[0].startswith("ledger was killed by SIGKILL; starting it again in 0.01 s.")

    def test_shows_what_it_said_last(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.shell("keeper", "touch $HERE/keeper.up; sleep 0.2; echo lost it; exit 1"))
            await stage.until_said("starting it again")

        stage.run(plan)

        assert stage.said[0].endswith("\n  keeper | lost it")

    def test_pauses_longer_each_time_up_to_a_bound(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.shell("keeper", "touch $HERE/keeper.up; sleep 0.2"))
            while len([line for line in stage.said if "again" in line]) < 4:
                await asyncio.sleep(0.01)

        stage.run(plan)

        again = [line for line in stage.said if "again" in line]
        assert [line.split(" again in ")[1] for line in again[:4]] == ["0.01 s.", "0.02 s.", "0.04 s.", "0.04 s."]

    def test_ends_workers_that_outlived_their_master(self, stage: Stage) -> None:
        master = "sleep 600 & echo $! > $HERE/worker.pid; echo $$ > $HERE/web.pid; touch $HERE/web.up; wait"

        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.shell("web", master))
            worker = stage.pid("worker")
            os.kill(stage.pid("web"), signal.SIGKILL)
            assert await asyncio.to_thread(ends, worker)

        stage.run(plan)

    def test_goes_on_when_nobody_can_be_told(self, stage: Stage) -> None:
        def broken_terminal(line: str) -> None:
            stage.said.append(line)
            raise BrokenPipeError

        async def whole() -> None:
            supervisor = Supervisor(log_dir=stage.folder, say=broken_terminal, pace=QUICK)
            await supervisor.start(stage.steady("ledger"))
            os.kill(stage.pid("ledger"), signal.SIGKILL)
            await stage.until_said("ledger is back.")
            await supervisor.stop()

        asyncio.run(asyncio.wait_for(whole(), SECONDS))


class TestStep:
    def test_is_over_when_its_program_is(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.step(stage.shell("migrate", "echo migrate ran >> $HERE/trace"))

        stage.run(plan)

        assert stage.trace == ["migrate ran"]

    def test_fails_with_its_last_lines_alone(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.step(stage.shell("migrate", "echo of another day"))
            await supervisor.step(stage.shell("migrate", "echo no such table; exit 1"))

        with pytest.raises(ChildFailed, match=r"^migrate ended with code 1\.\n  migrate \| no such table$"):
            stage.run(plan)


class TestStop:
    DEAF = "trap '' TERM; echo $$ > $HERE/deaf.pid; touch $HERE/deaf.up; while :; do sleep 0.05; done"

    def test_kills_who_does_not_listen(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.shell("deaf", self.DEAF, grace_seconds=0.1))

        stage.run(plan)

        assert ends(stage.pid("deaf"), seconds=0)

    def test_kills_at_once_when_asked_twice(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(supervision, "ONE_PRESS_SECONDS", -1)

        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.shell("deaf", self.DEAF, grace_seconds=600))
            supervisor.ask_to_stop()
            supervisor.ask_to_stop()
            await supervisor.until_asked()

        stage.run(plan)

        assert ends(stage.pid("deaf"), seconds=0)

    def test_takes_one_key_press_that_comes_twice_for_one(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.steady("ledger"))
            supervisor.ask_to_stop()
            supervisor.ask_to_stop()

        stage.run(plan)

        assert stage.trace == ["ledger starts", "ledger stops"]

    def test_does_not_start_again_what_is_pausing(self, stage: Stage) -> None:
        async def plan(supervisor: Supervisor) -> None:
            await supervisor.start(stage.steady("ledger"))
            os.kill(stage.pid("ledger"), signal.SIGKILL)
            await stage.until_said("starting it again")

        stage.run(plan, pace=Pace(first_seconds=600))

        assert stage.trace == ["ledger starts"]


class TestLog:
    def test_begins_anew_when_it_has_grown_large(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(supervision, "LOG_BYTES", 10)
        (stage.folder / "migrate.log").write_text("of another day\n")

        async def plan(supervisor: Supervisor) -> None:
            await supervisor.step(stage.shell("migrate", "echo today"))

        stage.run(plan)

        assert (stage.folder / "migrate.log.1").read_text() == "of another day\n"
        assert (stage.folder / "migrate.log").read_text().endswith("\ntoday\n")

"""Keeping child processes running, and stopping them in order: generic, knows nothing of sales.

Lives here: starting children and waiting until they are ready, starting those again that die, steps that run to their
end, stopping everything on a signal. Not here: which children there are (`commands.demo`), and how a child notices that
this very process was killed (`sales.live.tether`).

A child writes straight into its own log file. Were its output piped through here, a terminal that has stopped would
stop the children too, and a killed supervisor would break their pipes while they still have work to finish.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sales.live import tether

LOG_BYTES = 5_000_000
TAIL_LINES = 12
LOOK_EVERY_SECONDS = 0.05
STEADY_SECONDS = 10.0  # who ran this long before dying is started again at once, as after a first death
_BY_OTHERS = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 0}
ONE_PRESS_SECONDS = 0.5  # a wrapper such as make may pass on the same Ctrl-C again; only a later one is a second one


class ChildFailed(Exception):
    """A child or a step failed while everything was being started; the message ends with its last lines."""


def _always(_pid: int) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program to keep running.

    `ready` gets its process id and is asked often, in a thread, so it may wait a bit; it answers, and never raises.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ready: Callable[[int], bool] = _always
    ready_seconds: float = 20.0
    grace_seconds: float = 10.0
    cwd: Path | None = None
    pass_fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to pause before a child is started again: doubling from the first to the longest."""

    first_seconds: float = 0.1
    longest_seconds: float = 5.0


class Supervisor:
    """The children of this process. Make it and use it inside one event loop, in the main thread."""

    def __init__(self, *, log_dir: Path, say: Callable[[str], None], pace: Pace = Pace()) -> None:
        """Logs go to `log_dir`/<name>.log; what a person should know, in single lines, to `say`."""
        self._log_dir, self._say, self._pace = log_dir, say, pace
        self._kept: list[_Kept] = []
        self._asked, self._hurry = asyncio.Event(), asyncio.Event()
        self._asked_at = 0.0
        log_dir.mkdir(parents=True, exist_ok=True)

    async def step(self, child: Child) -> None:
        """Run a program to its end. Raises ChildFailed unless it ends with 0."""
        run = _Run(child=child, log_dir=self._log_dir, hurry=self._hurry)
        await run.start()
        await run.ended()
        if run.code != 0:
            raise ChildFailed(f"{child.name} {run.how_it_ended()}.{run.last_lines()}")

    async def start(self, *children: Child) -> None:
        """Start these at once and return when all are ready. Raises ChildFailed if one dies before, or takes too long.

        They are stopped before whatever was started earlier.
        """
        started = [_Kept(child=child, supervisor=self) for child in children]
        self._kept += started
        await asyncio.gather(*(kept.first_ready() for kept in started))

    async def until_asked(self) -> None:
        """Return once somebody asked to stop."""
        await self._asked.wait()

    def ask_to_stop(self) -> None:
        """Begin to stop; asked a second time, kill what has not stopped yet."""
        now = time.monotonic()
        if not self._asked.is_set():
            self._asked_at = now
            self._asked.set()
            self.say("Stopping. Once more to hurry.")
        elif now - self._asked_at > ONE_PRESS_SECONDS:
            self._hurry.set()

    async def stop(self) -> None:
        """Stop all children, the last started first, each before the next."""
        while self._kept:
            await self._kept.pop().stop()

    def say(self, line: str) -> None:
        """Tell the person at the terminal, if there still is one: a closed terminal is no reason to stop."""
        with suppress(OSError):
            self._say(line)

    def run_of(self, child: Child) -> "_Run":
        """Return a run of `child`, not yet started."""
        return _Run(child=child, log_dir=self._log_dir, hurry=self._hurry)

    @property
    def pace(self) -> Pace:
        """How long to pause before starting again."""
        return self._pace


def supervise(*, plan: Callable[[Supervisor], Awaitable[None]], log_dir: Path, say: Callable[[str], None]) -> None:
    """Carry out `plan`, which starts children, then keep them running until SIGINT, SIGTERM or SIGHUP; stop them all.

    Raises whatever the plan raises, after everything has been stopped.
    """
    asyncio.run(_supervise(plan=plan, log_dir=log_dir, say=say))


async def _supervise(
    *, plan: Callable[[Supervisor], Awaitable[None]], log_dir: Path, say: Callable[[str], None]
) -> None:
    supervisor = Supervisor(log_dir=log_dir, say=say)
    for asking in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(asking, supervisor.ask_to_stop)
    starting = asyncio.ensure_future(plan(supervisor))
    asked = asyncio.create_task(supervisor.until_asked())
    try:
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asked
    finally:
        starting.cancel()
        asked.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await supervisor.stop()


class _Run:
    """One process of a child, from its start to its end."""

    def __init__(self, *, child: Child, log_dir: Path, hurry: asyncio.Event) -> None:
        self.child = child
        self._log = log_dir / f"{child.name}.log"
        self._hurry = hurry
        self._process: Process | None = None
        self._log_from = 0
        self.began = 0.0

    @property
    def code(self) -> int | None:
        return self._process.returncode if self._process else None

    @property
    def pid(self) -> int:
        assert self._process is not None  # noqa: S101 (only asked after start)
        return self._process.pid

    async def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone, which knows the order."""
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        tied = tether.tied(argv=self.child.argv)
        with self._log.open("ab") as log:
            log.write(f"--- {datetime.now(tz=UTC).isoformat(sep=' ', timespec='seconds')} start\n".encode())
            log.flush()
            self._log_from = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *tied.argv,
                env=self.child.env,
                cwd=self.child.cwd,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(*self.child.pass_fds, *tied.pass_fds),
            )
        self.began = time.monotonic()

    async def ended(self) -> None:
        """Wait for its end. Cancelled, end it: SIGTERM, the grace, SIGKILL."""
        assert self._process is not None  # noqa: S101 (only waited for after start)
        try:
            await self._process.wait()
        except asyncio.CancelledError:
            await self._end(self._process)
            raise
        finally:
            self._tell_group(signal.SIGTERM)  # workers that outlived their master

    async def _end(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        gone, hurry = asyncio.create_task(process.wait()), asyncio.create_task(self._hurry.wait())
        await asyncio.wait({gone, hurry}, timeout=self.child.grace_seconds, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not gone.done():
            self._tell_group(signal.SIGKILL)
        await gone

    def _tell_group(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, what)

    def how_it_ended(self) -> str:
        """Return the rest of a sentence that begins with the child's name."""
        if self.code is not None and self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with code {self.code}"

    @property
    def was_ended_by_others(self) -> bool:
        """Whether somebody else ended it, so that what it said last tells nothing."""
        return self.code in _BY_OTHERS

    def last_lines(self) -> str:
        """Return what this run wrote last, each line with the child's name, beginning on a line of its own."""
        with suppress(OSError), self._log.open("rb") as log:
            log.seek(max(self._log_from, log.seek(0, os.SEEK_END) - 16_384))
            lines = log.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
            return "".join(f"\n  {self.child.name} | {line}" for line in lines)
        return ""


class _Kept:
    """A child that is started again whenever it dies."""

    def __init__(self, *, child: Child, supervisor: Supervisor) -> None:
        self._child, self._supervisor = child, supervisor
        self._was_ready = asyncio.Event()
        self._run: _Run | None = None
        self._keeping = asyncio.create_task(self._keep())

    async def first_ready(self) -> None:
        ready = asyncio.create_task(self._was_ready.wait())
        await asyncio.wait(
            {ready, self._keeping}, timeout=self._child.ready_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        ready.cancel()
        if self._keeping.done():
            await self._keeping
        if not self._was_ready.is_set():
            said = self._run.last_lines() if self._run else ""
            raise ChildFailed(f"{self._child.name} was not ready within {self._child.ready_seconds:g} s.{said}")

    async def stop(self) -> None:
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)

    async def _keep(self) -> None:
        pace = self._supervisor.pace
        pause = pace.first_seconds
        while True:
            run = self._run = self._supervisor.run_of(self._child)
            await run.start()
            looking = asyncio.create_task(self._look_until_ready(run.pid))
            try:
                await run.ended()
            finally:
                looking.cancel()
            if not self._was_ready.is_set():
                raise ChildFailed(f"{self._child.name} {run.how_it_ended()}.{run.last_lines()}")
            if time.monotonic() - run.began > STEADY_SECONDS:
                pause = pace.first_seconds
            why = "" if run.was_ended_by_others else run.last_lines()
            self._supervisor.say(f"{self._child.name} {run.how_it_ended()}; starting it again in {pause:g} s.{why}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, pace.longest_seconds)

    async def _look_until_ready(self, pid: int) -> None:
        while not await asyncio.to_thread(self._child.ready, pid):
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        if self._was_ready.is_set():
            self._supervisor.say(f"{self._child.name} is back.")
        self._was_ready.set()

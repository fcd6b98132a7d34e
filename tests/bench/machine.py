"""What was measured on: the machine, the versions, the commit, and whether anything else was going on."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flashsale_site.environment import PROJECT
from sales.live import embedded
from tests import postgres

QUIET_LOAD = 0.5
_PACKAGES = ("django", "gunicorn", "uvicorn", "uvicorn-worker", "uvloop", "httptools", "a2wsgi", "redis", "hiredis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The circumstances of a run, in words."""

    began_at: str
    processor: str
    cores: int
    memory_gib: float
    system: str
    disk: str
    versions: dict[str, str]
    commit: str
    load: float  # mean of the last minute, before anything was started
    cores_busy: float  # by others, in the second before

    @property
    def is_quiet(self) -> bool:
        """Whether hardly anything else was running."""
        return self.load < QUIET_LOAD and self.cores_busy < QUIET_LOAD / 2


def look(*, folder: Path, cores_busy: float) -> Machine:
    """Return the circumstances; `folder` is where the ledger will write."""
    return Machine(
        began_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        disk=_said("stat", "-f", "-c", "%T", str(folder)),
        versions=_versions(),
        commit=_commit(),
        load=round(os.getloadavg()[0], 2),
        cores_busy=round(cores_busy, 2),
    )


def cpu_seconds_of_all() -> float:
    """Return the processor time that everything on the machine has used."""
    user, nice, system, _idle, _wait, irq, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["Valkey"] = _word(_said(str(embedded.binary()), "--version"), after="v=")
    found["wrk"] = _said("wrk", "-v").partition("[")[0].removeprefix("wrk ").strip()
    if shutil.which("node"):
        found["Node"] = _said("node", "--version").lstrip("v")
    if binaries := postgres.binaries():
        found["PostgreSQL"] = _said(str(binaries / "postgres"), "--version").split()[2]
    return found


def _commit() -> str:
    commit = _said("git", "-C", str(PROJECT), "rev-parse", "--short=12", "HEAD") or "unknown"
    changed = _said("git", "-C", str(PROJECT), "status", "--porcelain", "--", "sales", "flashsale_site", "templates")
    return f"{commit}, with changes that are not committed" if changed else commit


def _word(text: str, *, after: str) -> str:
    return text.partition(after)[2].split(" ")[0]


def _said(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return ""
    said = (done.stdout or done.stderr).strip()
    return said.splitlines()[0] if said else ""

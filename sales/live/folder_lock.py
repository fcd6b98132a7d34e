"""One folder, one user of it: a lock that says who holds it.

Lives here: taking the lock, telling who has it, handing it on to a child process. The lock belongs to the open file,
not to a process: whoever inherits the descriptor (`FolderLock.fd`) holds it too, and it is free once the last one has
ended, however it ended. Not here: what is in the folder.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

LOCK_NAME = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who took a lock: process id, since when (UTC), and its command in words a person recognises."""

    pid: int
    since: str
    command: str

    @property
    def alive(self) -> bool:
        """Whether that process still runs; what it started can outlive it for a moment, and holds the lock as well."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


class FolderInUse(Exception):
    """Somebody else holds the folder; `holder` is None in the instant before they have written who they are."""

    def __init__(self, *, folder: Path, holder: Holder | None) -> None:
        """Keep both for callers, and say them in a sentence."""
        self.folder, self.holder = folder, holder
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        if self.holder is None:
            return f"{self.folder} is in use by another process, which has just started."
        who = f"process {self.holder.pid} ({self.holder.command}), since {self.holder.since}"
        if self.holder.alive:
            return f"{self.folder} is in use by {who}."
        return f"{self.folder} was in use by {who}. That one has ended, but what it started is still running."


class FolderLock:
    """A folder that is ours. `fd` may be passed on to a child, which then holds the folder as well."""

    def __init__(self, *, folder: Path, fd: int) -> None:
        """Wrap a descriptor that already has the lock; use `take()`."""
        self.folder, self.fd = folder, fd

    def name_holder(self, *, pid: int, command: str) -> None:
        """Write who is to be named when somebody else asks for the folder."""
        since = f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
        text = json.dumps(asdict(Holder(pid=pid, since=since, command=command))).encode()
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, text, 0)

    def release(self) -> None:
        """Let go of our share; it stays locked while a child still has the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        """Hold it for the length of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it, whatever happened."""
        self.release()


def take(*, folder: Path, command: str) -> FolderLock:
    """Lock `folder` (made if missing, for its owner alone). Raises FolderInUse if somebody holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _read(fd)
        os.close(fd)
        raise FolderInUse(folder=folder, holder=holder) from None
    lock = FolderLock(folder=folder, fd=fd)
    lock.name_holder(pid=os.getpid(), command=command)
    return lock


def _read(fd: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(fd, 4096, 0)))
    except (ValueError, TypeError):
        return None

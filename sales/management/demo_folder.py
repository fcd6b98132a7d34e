"""The folder in which a demo keeps its data: whose it is, who is using it, how it is emptied.

Not here: what is in it, which is the site's settings' business.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from sales.live import folder_lock
from sales.live.folder_lock import FolderInUse, FolderLock

MARKER = "demo-folder"
WAIT_SECONDS = 20.0
_LOOK_EVERY_SECONDS = 0.1
# What the settings and the lock put there before anybody could look.
_ALWAYS_THERE = {folder_lock.LOCK_NAME, "secret_key"}


class NotADemoFolder(Exception):
    """The folder holds something else; the message says what to do."""


def claim(*, folder: Path, command: str, reset: bool, say: Callable[[str], None]) -> FolderLock:
    """Lock the folder, made if missing, and empty it if `reset`. Raises NotADemoFolder or FolderInUse.

    Where a demo was killed and what it started is just stopping, waits for that.
    """
    _look_whose(folder)
    lock = _take(folder=folder, command=command, say=say)
    folder.chmod(0o700)  # who bought what is nobody else's business on this machine
    if reset:
        _empty(folder)
    (folder / MARKER).write_text("The data of `manage.py demo`. `demo --reset` deletes what is in this folder.\n")
    return lock


def _look_whose(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise NotADemoFolder(f"{folder} is a file. Name a folder with --data.")
    there = {path.name for path in folder.iterdir()}
    if there - _ALWAYS_THERE and MARKER not in there:
        raise NotADemoFolder(
            f"{folder} holds something that is not a demo's. Name a new or an empty folder with --data."
        )


def _take(*, folder: Path, command: str, say: Callable[[str], None]) -> FolderLock:
    until = time.monotonic() + WAIT_SECONDS
    said = False
    while True:
        try:
            return folder_lock.take(folder=folder, command=command)
        except FolderInUse as taken:
            if taken.holder is None or taken.holder.alive or time.monotonic() > until:
                raise
        if not said:
            say("The demo that ran here was killed. Waiting until what it started has stopped.")
            said = True
        time.sleep(_LOOK_EVERY_SECONDS)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == folder_lock.LOCK_NAME:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

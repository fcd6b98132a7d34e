"""Who is connected to the tests' database on PostgreSQL, seen from beside it."""

import time
from types import TracebackType
from typing import Self

import psycopg
from django.db import connection

PATIENCE_SECONDS = 5.0
# Before the tests' database is made, the settings name the one from which this asks.
_OTHERS = (
    "SELECT query FROM pg_stat_activity"
    " WHERE datname = %s AND datname <> current_database() AND pid <> %s AND backend_type = 'client backend'"
)


class Backends:
    """Finds connections that nobody has ended."""

    def __init__(self, url: str) -> None:
        self._beside = psycopg.connect(url, autocommit=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._beside.close()

    def left(self, *, patience: float = PATIENCE_SECONDS) -> list[str]:
        """Return what was last said over each connection but this thread's own, once they had time to end."""
        ours = connection.connection
        own = ours.info.backend_pid if ours and not ours.closed else 0
        until = time.monotonic() + patience
        while True:
            rows = self._beside.execute(_OTHERS, [connection.settings_dict["NAME"], own]).fetchall()
            if not rows or time.monotonic() > until:
                return [query for (query,) in rows]
            time.sleep(0.01)

"""A deadline for each answer of PostgreSQL: a connection that stays open and silent is given up, and another is made.

The server's own time limits do not help where a pooler in between hangs, nor does the kernel's: every byte that is sent
is taken. Whether a commit arrived nobody knows then; who comes next reads on record how far it is. Only for the keeper:
whoever runs commands that take minutes must wait. SQLite has its own limit, for its lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

SECONDS = 15.0
"""Longer than any statement of the keeper takes, and shorter than a lease lasts."""


@contextmanager
def on_each_wait(*, seconds: float = SECONDS) -> Iterator[None]:
    """Within the block every statement, commit and rollback of this process raises OperationalError after so long."""
    wait = psycopg.Connection.wait

    def wait_so_long(self: "psycopg.Connection[Any]", gen: Any, *args: Any, **options: Any) -> Any:
        try:
            return wait(self, gen, *args, **({"timeout": seconds} | options))
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()  # the answer, should it still come, belongs to nobody
            raise psycopg.OperationalError(f"no answer within {seconds:g} s; the connection is given up") from error

    psycopg.Connection.wait = wait_so_long  # type: ignore[method-assign] # Django makes the connections by itself
    try:
        yield
    finally:
        psycopg.Connection.wait = wait  # type: ignore[method-assign]

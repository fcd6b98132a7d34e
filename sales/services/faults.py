"""Named points at which a process kills itself, so that tests can see what a crash there leaves behind.

`FAULT_POINT=name:nth` lets the process die, as by a power cut, when it passes the point for the nth time. In production
the setting is refused; without it a point costs a comparison.
"""

import os
import signal
from collections import Counter

from sales import conf

_passed: Counter[str] = Counter()

POINTS = frozenset(
    {
        "keeper_after_read",
        "keeper_before_insert",
        "keeper_in_transaction",
        "keeper_after_commit",
        "reconciler_between_sides",
        "change_between_sides",
        "cancel_between_sides",
        "settler_between_sides",
    }
)


def reach(name: str) -> None:
    """Pass a point, or die at it."""
    wanted, _, nth = conf.current().fault_point.partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)

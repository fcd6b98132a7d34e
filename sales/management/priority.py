"""How a process steps back for those that answer shoppers: it waits longer for a processor than they, never for good.

Where Linux groups processes by session, as it does on desktops and on many servers, a nice level counts only within the
session. So the leader of a session of its own, as the demo starts each child, steps back with its whole session.
"""

import os
from contextlib import suppress
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")


def step_back(*, to: int) -> None:
    """Go to this nice level (0 to 19), unless the process is nicer already. Where that is forbidden, do nothing."""
    with suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) < to:
            os.setpriority(os.PRIO_PROCESS, 0, to)
        if os.getsid(0) == os.getpid() and _AUTOGROUP.exists():
            _AUTOGROUP.write_text(str(to))

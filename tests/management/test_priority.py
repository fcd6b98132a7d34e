"""Stepping back: in a process of its own each time, because nobody may step forward again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flashsale_site.environment import PROJECT

GROUP = Path("/proc/self/autogroup")


def said_by(*, before: int, to: int, leads: bool = False) -> list[str]:
    """Step back in a new process that has the nice level `before`; return its level, and what its session's is."""
    code = (
        f"import os; from pathlib import Path; os.nice({before}); from sales.management import priority\n"
        f"priority.step_back(to={to}); print(os.getpriority(os.PRIO_PROCESS, 0)); group = Path({str(GROUP)!r})\n"
        "print(group.read_text() if group.exists() else '')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, start_new_session=leads, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


class TestStepBack:
    def test_goes_to_the_level(self) -> None:
        ours = os.getpriority(os.PRIO_PROCESS, 0)

        assert int(said_by(before=0, to=19)[0]) == 19 > ours

    def test_never_steps_forward(self) -> None:
        ours = os.getpriority(os.PRIO_PROCESS, 0)

        assert int(said_by(before=2, to=0)[0]) == min(ours + 2, 19)

    @pytest.mark.parametrize("leads", [True, False])
    def test_takes_its_session_along_where_it_leads_one(self, *, leads: bool) -> None:
        *_, group = said_by(before=0, to=7, leads=leads)

        assert (group == "7") is (leads and os.access(GROUP, os.W_OK))

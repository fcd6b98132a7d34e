"""Stepping back: in a process of its own each time, because nobody may step forward again."""

import json
import os
import subprocess
import sys

from flashsale_site.environment import PROJECT
from sales.management import priority

STEP = """
import json, os, sys
from sales.management import priority

before, to = map(int, sys.argv[1:])
group = priority._AUTOGROUP
told = lambda: group.read_text().strip() if group.exists() else ""
os.nice(before)
session = told()
priority.step_back(to=to)
print(json.dumps([os.getpriority(os.PRIO_PROCESS, 0), session, told()]))
"""


def stepped(*, before: int, to: int, leads: bool = False) -> tuple[int, str, str]:
    """Step back in a new process that has the nice level `before`.

    Return its level, and what its session's scheduling group said before and after: nothing where Linux has none for
    it, as for processes that were started outside a session.
    """
    command = [sys.executable, "-c", STEP, str(before), str(to)]
    done = subprocess.run(command, cwd=PROJECT, start_new_session=leads, capture_output=True, text=True, check=True)
    level, session, stepped_session = json.loads(done.stdout)
    return level, session, stepped_session


class TestStepBack:
    def test_goes_to_the_level(self) -> None:
        ours = os.getpriority(os.PRIO_PROCESS, 0)

        assert stepped(before=0, to=19)[0] == 19 > ours

    def test_never_steps_forward(self) -> None:
        ours = os.getpriority(os.PRIO_PROCESS, 0)

        assert stepped(before=2, to=0)[0] == min(ours + 2, 19)

    def test_takes_the_session_along_that_it_leads(self) -> None:
        _, session, after = stepped(before=0, to=7, leads=True)

        assert after == (session.replace(" nice 0", " nice 7") if os.access(priority._AUTOGROUP, os.W_OK) else session)

    def test_leaves_the_session_of_others_alone(self) -> None:
        _, session, after = stepped(before=0, to=7)

        assert after == session

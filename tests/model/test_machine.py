"""The real scripts beside the reference: thousands of random steps, every answer compared."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Servers
from tests.model.machine import LedgerMachine

STEPS = int(os.environ.get("MODEL_STEPS", "5000"))
STEPS_A_RUN = 50
MOST_SECONDS = 600 + STEPS // 20  # a run that hangs ends, and one on a busy machine does not
PHASES = (Phase.generate,) if "MUTANT" in os.environ else tuple(Phase)  # what a mistake looks like does not matter


@pytest.mark.timeout(MOST_SECONDS)
def test_the_scripts_do_what_the_rules_say(live: Servers) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=max(STEPS // STEPS_A_RUN, 1),
            stateful_step_count=STEPS_A_RUN,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            phases=PHASES,
            report_multiple_bugs=False,
            database=None,
        ),
    )

"""Make every mistake of the list, one at a time, and print which test killed it.

`python -m tests.mutants.run [NAME …]` ends with 0 when every mistake was noticed.
"""

import os
import re
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from tests.mutants.mistake import Mutant
from tests.mutants.registry import MUTANTS

STEPS = "20000"
"""How many random steps may be taken until one notices: more than in everyday runs, so that luck has no part in it."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def killer_of(mutant: Mutant) -> str | None:
    """Run the tests that have to notice, one after the other; return the first that did, or None where none did."""
    return next(filter(None, (_killer_in(path, mutant) for path in mutant.tests)), None)


def _killer_in(path: str, mutant: Mutant) -> str | None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", path],
        env={**os.environ, "MUTANT": mutant.name, "MODEL_STEPS": STEPS},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0:
        return None
    found = _FAILED.search(run.stdout)
    if not found or run.returncode != 1:
        raise SystemExit(f"{mutant.name}: the tests did not run.\n{run.stdout[-3_000:]}\n{run.stderr[-1_000:]}")
    return found[1]


def main(names: list[str]) -> int:
    """Print the table; return the exit code."""
    table = Table("mutant", "mistake", "killed by", "s", title="Every mistake must turn a test red")
    survivors = 0
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        began = time.monotonic()
        killer = killer_of(mutant)
        survivors += killer is None
        table.add_row(mutant.name, mutant.what, killer or "[red]NOBODY[/red]", f"{time.monotonic() - began:.1f}")
    Console(width=160).print(table)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

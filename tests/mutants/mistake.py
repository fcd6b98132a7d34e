"""What a mistake on purpose is. The list of them is `registry`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `tests` are the paths whose run must fail once `make` has been called."""

    name: str
    what: str
    tests: tuple[str, ...]
    make: Callable[[], None]

"""A read that a pure answer needs from outside. Not a call of a script: that is `sales.live.calls`."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Read[R]:
    """Something to be fetched by whoever drives the answer: it may block, so a driver with an event loop uses a thread.

    `run` never raises for a fault of a server; it returns a result that says so.
    """

    run: Callable[[], R] = field(repr=False)

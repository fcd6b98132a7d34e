"""A read that a pure answer needs from outside. Not a call of a script: that is `sales.live.calls`."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Read[R]:
    """Something to be fetched by whoever drives the answer: it may block, so a driver with an event loop uses a thread.

    `run` never raises for a fault of a server; it returns a result that says so. Reads of one `key` bring the same, so
    that however many ask in one moment, one of them reads.
    """

    run: Callable[[], R] = field(repr=False)
    key: Hashable = None

"""A copy in memory of something that is read elsewhere: how old it may be, and who reads it anew.

One thread reads, however many ask. Which things are copied, and from where, is the other modules' business.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger(__name__)

RECORD_PATIENCE_SECONDS = 0.5
"""For what is on record: a database that is silent must not hold up an answer, and the list from before will do."""


class Unavailable(Exception):
    """There is no copy yet, and what it is made from cannot be reached."""


@dataclass(frozen=True, slots=True)
class Kept[T]:
    """A value, and when reading it began and was done (monotonic seconds): it was true at an instant between."""

    value: T
    began_at: float
    done_at: float


class Copy[T]:
    """Keeps what `load` returned for at most `max_age_ms`, counted from when reading it began.

    Where `load` fails with one of `faults`, the value before stays in use: a database that is away must not stop the
    sale. A value can be a failure, too (`is_failure`). After either, the next try waits as long as a value would be
    kept, and while it is under way nobody waits for it: a server that is away holds up one thread, not all.
    """

    PATIENCE_SECONDS = 2.0  # how long a reading may take before others do without it

    def __init__(
        self,
        load: Callable[[], T],
        *,
        max_age_ms: Callable[[], int],
        faults: tuple[type[Exception], ...] = (),
        is_failure: Callable[[T], bool] = lambda _value: False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`patience_seconds`: how long others wait for a reading where there is a value before it."""
        self._load = load
        self._max_age_ms = max_age_ms
        self._faults = faults
        self._is_failure = is_failure
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        self._reading_since: float | None = None
        self._began_at: float | None = None  # the latest reading, whether it failed or not
        self._done_at: float | None = None
        self._failed_at: float | None = None  # None again as soon as a reading succeeds
        self._kept: Kept[T] | None = None

    def peek(self) -> T | None:
        """Return the value if it is young enough, without reading anything; else None."""
        kept = self.peek_kept()
        return kept.value if kept else None

    def peek_kept(self) -> Kept[T] | None:
        """Return the value with its times; as `peek`."""
        return self._kept if self._kept and self._is_young() else None

    def get(self) -> T:
        """Return the value, read anew where it is too old. Raises Unavailable where there is none to be had."""
        return self.kept().value

    def kept(self) -> Kept[T]:
        """Return the value with its times; as `get`."""
        if not self._is_young():
            asked_at = time.monotonic()
            self._read_unless(lambda: self._is_young() or _is_since(self._done_at, asked_at))
        return self._last()

    def refresh(self) -> T:
        """Return a value whose reading began after this call did. Raises Unavailable where there has never been one."""
        asked_at = time.monotonic()
        self._read_unless(lambda: _is_since(self._began_at, asked_at))
        return self._last().value

    def forget(self) -> None:
        """Forget the value, as a new process would not have it."""
        with self._turn:
            self._began_at = self._done_at = self._failed_at = self._kept = None

    def _is_young(self) -> bool:
        oldest = time.monotonic() - self._max_age_ms() / 1_000
        kept = self._kept
        return (kept is not None and kept.began_at > oldest) or _is_since(self._failed_at, oldest)

    def _read_unless(self, done: Callable[[], bool]) -> None:
        """Read, in turn with others, unless one of them has done it meanwhile."""
        if not self._turn.acquire(timeout=self._patience()):
            return  # whoever reads hangs; what there is must do
        try:
            if not done():
                self._reading_since = time.monotonic()
                self._read()
        finally:
            self._reading_since = None
            self._turn.release()

    def _read(self) -> None:
        self._began_at = began_at = time.monotonic()
        try:
            value = self._load()
        except self._faults as fault:
            logger.warning("Could not read anew, going on with what was read before: %s", fault)
            self._done_at = self._failed_at = time.monotonic()
        else:
            self._done_at = time.monotonic()
            self._kept = Kept(value, began_at, self._done_at)
            self._failed_at = self._done_at if self._is_failure(value) else None

    def _patience(self) -> float:
        """Seconds to wait for another thread's reading: none after a failure, nor once it has taken too long."""
        since = self._reading_since
        if self._failed_at is not None:
            return 0.0
        most = self.PATIENCE_SECONDS if self._kept is None else min(self.PATIENCE_SECONDS, self._patience_seconds)
        return max(0.0, most - (time.monotonic() - since)) if since else most

    def _last(self) -> Kept[T]:
        kept = self._kept
        if kept is None:
            raise Unavailable
        return kept


def _is_since(moment: float | None, earliest: float) -> bool:
    return moment is not None and moment >= earliest

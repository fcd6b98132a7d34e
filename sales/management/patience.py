"""Which sales could not be repaired, and when each is tried again: soon at first, then less and less often."""

from dataclasses import dataclass

from sales.services.incidents import Trouble

FIRST_SECONDS = 2.0
MOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Wait:
    until: float
    seconds: float
    trouble: Trouble


class Patience:
    """Remembers troubles, so that what cannot be helped now is not tried each second."""

    def __init__(self) -> None:
        self._waits: dict[int, _Wait] = {}

    def early(self, sale_pk: int, *, now: float) -> Trouble | None:
        """Return what is wrong with the sale where it is too early to try again."""
        wait = self._waits.get(sale_pk)
        return wait.trouble if wait and wait.until > now else None

    def failed(self, sale_pk: int, trouble: Trouble, *, now: float) -> None:
        """Try this sale again later, and later still the next time."""
        before = self._waits.get(sale_pk)
        seconds = min(before.seconds * 2, MOST_SECONDS) if before else FIRST_SECONDS
        self._waits[sale_pk] = _Wait(now + seconds, seconds, trouble)

    def over(self, sale_pk: int) -> None:
        """Nothing is wrong with the sale any more."""
        self._waits.pop(sale_pk, None)

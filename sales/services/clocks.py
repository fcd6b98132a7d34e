"""The ledger server's clock against this machine's own: a jump pauses the sales that are on: there, time decides.

Only jumps are looked at, not which of the two clocks is right. Who sets the clock of a sale back is `reconciling`.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from django.utils import timezone

from sales.domain.states import SaleState
from sales.live import drafting
from sales.live.line import Line
from sales.models import Sale
from sales.services import lifecycle
from sales.services.acting import KEEPER
from sales.services.incidents import IncidentKind, Trouble

MOST_MS = 5_000


class LedgerClock:
    """Remembers how far the two clocks were apart. The trouble lasts until what it paused is resumed."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._apart_ms: float | None = None
        self._trouble: Trouble | None = None
        self._paused: dict[int, int] = {}  # sale -> number of its pause

    def look(self, line: Line) -> Trouble | None:
        """Compare the clocks; after a jump pause what is on. Returns the trouble for as long as it lasts."""
        apart_ms = drafting.now_ms(line) - self._monotonic() * 1_000
        before_ms, self._apart_ms = self._apart_ms, apart_ms
        if before_ms is not None and abs(apart_ms - before_ms) > MOST_MS:
            self._stop((apart_ms - before_ms) / 1_000)
        if self._trouble and not self._still_paused():
            self._trouble = None
        return self._trouble

    def _stop(self, seconds: float) -> None:
        text = f"The ledger server's clock jumped by {seconds:+.0f} s."
        for sale in Sale.objects.filter(state=SaleState.PUBLISHED, closes_at__gt=timezone.now()):
            with suppress(lifecycle.Refused):
                self._paused[sale.pk] = lifecycle.pause(sale_pk=sale.pk, by=KEEPER, why=text).sale.state_number
        text = f"{text} {len(self._paused)} sales are paused; set the clock right, then resume them."
        self._trouble = Trouble(kind=IncidentKind.LEDGER_CLOCK, text=text)

    def _still_paused(self) -> bool:
        numbers = dict(Sale.objects.filter(pk__in=self._paused).values_list("pk", "state_number"))
        self._paused = {pk: number for pk, number in self._paused.items() if numbers.get(pk) == number}
        return bool(self._paused)

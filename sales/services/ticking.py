"""Frees holds that are due and stores the server's clock.

Giving back does not depend on it: every script that takes a unit finds due holds by itself. The tick keeps pages,
numbers and the clock's floor fresh.
"""

from dataclasses import dataclass

from sales.domain.outcomes import Outcome
from sales.live import connection, ledger

MOST = 500  # one script may not stop the server for long
_ROUNDS = 20  # then other sales have their turn; this one goes on in the next second


@dataclass(frozen=True, slots=True, kw_only=True)
class TickedSale:
    """What ticking a sale did: the last outcome, the server's clock, holds freed, and whether others are due still."""

    outcome: Outcome
    now_ms: int
    freed: int
    more: bool


def tick_sale(*, sale_pk: int, epoch: int) -> TickedSale:
    """Free the holds of a sale that are due, at most 500 a script."""
    ticked = connection.run(ledger.tick(sale=sale_pk, epoch=epoch, most=MOST))
    freed, rounds = ticked.freed, 1
    while ticked.outcome is Outcome.DONE and ticked.more and rounds < _ROUNDS:
        ticked = connection.run(ledger.tick(sale=sale_pk, epoch=epoch, most=MOST))
        freed, rounds = freed + ticked.freed, rounds + 1
    return TickedSale(outcome=ticked.outcome, now_ms=ticked.now_ms, freed=freed, more=ticked.more)

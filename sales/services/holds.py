"""Holds after an outage: whoever had time left when it began gets the lost time back.

The outage began at the clock that the sale last stored; the keeper stores it each second. Not here: holds that run out
(`ticking`), and holds that are dropped because their ledger was lost (`reconciling`).
"""

from uuid import uuid4

from sales.live import drafting, ledger
from sales.live.line import LedgerRefused, Line
from sales.live.rebuilding import in_slices


def move_on(*, line: Line, sale_pk: int, epoch: int) -> str:
    """Give the holds of a sale that is shut their new deadlines; return the name of the draft that holds the index.

    Nothing depends on how far an earlier attempt got: all is worked out from the old index, which stays as it is until
    the sale is stamped with the draft. Raises LedgerRefused where a hold cannot be read.
    """
    drafting.remove_drafts(line, sale_pk)
    began_ms = drafting.shape_of(line, sale_pk).clock_ms or 0
    lost_ms = max(0, drafting.now_ms(line) - began_ms)
    draft = uuid4().hex
    for holds in in_slices(drafting.deadlines_of(line, sale_pk)):
        moved = [(holder, at_ms + lost_ms if at_ms > began_ms else at_ms) for holder, at_ms in holds]
        done = line.run(ledger.move_holds(sale=sale_pk, epoch=epoch, draft=draft, holds=moved))
        if not done.ok:
            raise LedgerRefused(f"The ledger answers {done.outcome} to new deadlines of holds.")
    return draft

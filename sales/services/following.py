"""The ledger follows the record: bring one sale in the live ledger to the state that the record says.

Called after each act of a person, and by the keeper for acts that found the ledger away. Safe to repeat and to run
twice at once: publishing something that is there, and a state change that is not the newest, change nothing. Not here:
a sale that the ledger once had and has no more; nobody puts such a sale back without proof (`fencing`).
"""

from datetime import datetime

from sales.domain.states import IN_LEDGER, SaleState
from sales.live import connection, ledger
from sales.live.results import Done, Terms
from sales.models import Sale
from sales.services import fencing


def follow(*, sale: Sale, epoch: int | None = None) -> bool:
    """Tell the ledger what the record says of this sale. False where it could not be told or has lost the sale."""
    if not sale.is_live:
        return True
    epoch = fencing.epoch() if epoch is None else epoch
    if epoch == 0:
        return False  # no ledger was ever proven
    if sale.is_new_to_ledger and not _put(sale=sale, epoch=epoch):
        return False
    return _say_state(sale=sale, epoch=epoch).ok


def terms(sale: Sale) -> Terms:
    """Return what the sale is published with, in the state that it has on record by now."""
    return Terms(
        stock=sale.stock,
        limit=sale.limit,
        opens_ms=in_ms(sale.opens_at),
        closes_ms=in_ms(sale.closes_at),
        hold_ms=sale.hold_seconds * 1000,
        hold_extension_ms=sale.hold_extension_seconds * 1000,
        cancelled_counts=sale.cancelled_counts,
        state=IN_LEDGER[SaleState(sale.state)],
        state_number=sale.state_number,
    )


def in_ms(moment: datetime) -> int:
    """Return the moment in the ledger's unit, whole milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def _put(*, sale: Sale, epoch: int) -> bool:
    done = connection.run(ledger.publish(sale=sale.pk, epoch=epoch, terms=terms(sale)))
    if done.ok:
        # Only ever from 0: a keeper that was slow must not undo what a newer proof wrote.
        Sale.objects.filter(pk=sale.pk, ledger_epoch=0).update(ledger_epoch=epoch)
        sale.ledger_epoch = epoch
    return done.ok


def _say_state(*, sale: Sale, epoch: int) -> Done:
    state = IN_LEDGER[SaleState(sale.state)]
    return connection.run(ledger.set_state(sale=sale.pk, epoch=epoch, state=state, number=sale.state_number))

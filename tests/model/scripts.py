"""The ledger server running a script, in one instant. Its rules are those of `reference`; here epochs are compared."""

from functools import lru_cache
from uuid import UUID

from sales.domain.outcomes import Outcome
from tests.model.reference import Reference
from tests.model.slots import Said
from tests.model.world import Call, Loose, Scope, World


def run(scope: Scope, world: World, call: Call) -> tuple[World, Said]:
    """Let the ledger run a script. It answers only once its disk has what was written."""
    server = world.server
    if not server.scripts:
        return world, Said(Outcome.NO_SCRIPT)
    if server.sale is None:
        return world, Said(Outcome.NO_LEDGER)
    if server.epoch != call.epoch and Loose.NO_EPOCH_CHECK not in scope.loose:
        return world, Said(Outcome.STALE_EPOCH)
    after, said = _run(server.sale, call, Loose.KNOWN_BY_NUMBER in scope.loose)
    if after is None:
        return world, said
    synced = Loose.FSYNC_LATER not in scope.loose
    return world._replace(server=server.with_sale(after, synced=synced)), said


@lru_cache(maxsize=200_000)
def _run(sale: Reference, call: Call, by_number: bool) -> tuple[Reference | None, Said]:
    """The sale afterwards, or None where nothing was written."""
    after, said = _verb(sale, call, by_number)
    return None if after == sale else after, said


def _verb(sale: Reference, call: Call, by_number: bool) -> tuple[Reference, Said]:
    order = call.order or UUID(int=0)
    match call.verb:
        case "purchase":
            return sale.purchase(call.shopper, call.slot, order, "")
        case "confirm":
            return sale.confirm(call.shopper, order)
        case "release":
            return sale.release(call.shopper, order)
        case "cancel":
            after, outcome = sale.cancel(call.shopper, call.slot, order, call.number)
        case _ if by_number and call.number == sale.change_number:
            after, outcome = sale, Outcome.SAME
        case _:
            after, outcome = sale.change(call.number, call.stock)
    return after, Said(outcome)

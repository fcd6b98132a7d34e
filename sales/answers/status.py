"""GET /api/flashsale/status/:id and /api/flashsale/sales: how sales stand, for everybody.

Made from snapshots that are at most a moment old, so that any number of programs may poll.
"""

from functools import partial

from sales.answers import steps, wire
from sales.answers.ask import Answer, Ask, Steps, result_of
from sales.answers.wire import Body
from sales.domain.outcomes import Outcome
from sales.domain.reads import Read
from sales.domain.states import LedgerState
from sales.live.results import Snapshot
from sales.queries import snapshots
from sales.queries.catalogue import SaleEntry


def one(_ask: Ask, *, sale_id: str) -> Steps:
    """Answer with one sale."""
    known = yield from steps.catalogue_now()
    if known is None:
        return wire.unavailable()
    sale = known.sales.get(sale_id)
    if sale is None:
        return wire.error(404, wire.NOT_FOUND)
    snapshot = yield from steps.numbers(sale)
    if snapshot.outcome is not Outcome.FOUND:
        return wire.unavailable()
    told = _told.get(sale.pk)
    if told is None or told[0] is not sale or told[1] is not snapshot:
        told = _told[sale.pk] = sale, snapshot, wire.reply(200, described(sale, snapshot))
    return told[2]


_told: dict[int, tuple[SaleEntry, Snapshot, Answer]] = {}
"""What was last said of each sale, and of which numbers: all who ask in one millisecond are told the same."""


def every(_ask: Ask) -> Steps:
    """Answer with all public sales, newest opening first. One that cannot be told of is not left out: 503."""
    known = yield from steps.catalogue_now()
    if known is None:
        return wire.unavailable()
    sales = tuple(known.sales.values())
    found = yield from result_of(Read(partial(snapshots.many, sales)))
    if any(snapshot.outcome is not Outcome.FOUND for snapshot in found):
        return wire.unavailable()
    return wire.reply(200, [described(sale, snapshot) for sale, snapshot in zip(sales, found, strict=True)])


def described(sale: SaleEntry, snapshot: Snapshot) -> Body:
    """Return a sale as the contract shows it."""
    status = status_of(snapshot)
    body: Body = {
        "id": sale.slug,
        "status": status,
        "productName": sale.name,
        "remainingStock": snapshot.left,
        "totalStock": snapshot.stock,
        "startTime": wire.instant(snapshot.opens_ms),
        "endTime": wire.instant(snapshot.closes_ms),
    }
    if status == "upcoming":
        body["timeUntilStart"] = max(snapshot.opens_ms - snapshot.now_ms, 0)
    if status == "active":
        body["timeUntilEnd"] = max(snapshot.closes_ms - snapshot.now_ms, 0)
    if snapshot.state is LedgerState.PAUSED and status != "ended":
        body["paused"] = True
    return body | {"serverTime": wire.instant(snapshot.now_ms)}


def status_of(snapshot: Snapshot) -> str:
    """Return the contract's word: nothing left comes first, then the window."""
    if snapshot.left == 0:
        return "sold_out"
    if snapshot.now_ms >= snapshot.closes_ms or snapshot.state is LedgerState.CLOSED:
        return "ended"
    return "upcoming" if snapshot.now_ms < snapshot.opens_ms else "active"

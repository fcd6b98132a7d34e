"""The numbers of each sale, not older than a moment: what pages, panels and the status of the API are made from.

However many ask, the ledger is asked once per sale and moment. A settled sale's numbers come from the record. What
cannot be known is a snapshot whose outcome says so, never an old number.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from sales import conf
from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.live.results import Snapshot
from sales.queries import catalogue
from sales.queries.catalogue import SaleEntry
from sales.queries.copies import Copy, Kept, Unavailable

_AWAY = frozenset({Outcome.UNREACHABLE, Outcome.UNKNOWN})

# A thread that has its snapshot may wait this long for the processor before it looks at the age.
_SCHEDULING_MS = 250

_copies: dict[int, Copy[Snapshot]] = {}
_last: dict[int, Snapshot] = {}  # of each sale, the last one that had numbers
_shown: dict[int, tuple[Kept[Snapshot], int, Snapshot]] = {}  # a reading, its age in ms, and how it is shown then
_making = threading.Lock()


def of(sale: SaleEntry) -> Snapshot:
    """Return the sale's numbers, at most `snapshot_max_age_ms` old; `now_ms` is this instant by the ledger's clock.

    The outcome is FOUND, or one of UNDECIDED, and then there are no numbers.
    """
    if not sale.is_live:
        return _on_record(sale)
    try:
        kept = _copy_of(sale.pk).kept()
    except Unavailable:  # another thread has been asking for too long
        return Snapshot.failed(Outcome.UNREACHABLE)
    age_ms = int((time.monotonic() - kept.done_at) * 1_000)
    if kept.value.outcome is Outcome.FOUND and age_ms > conf.current().snapshot_max_age_ms + _SCHEDULING_MS:
        return Snapshot.failed(Outcome.UNREACHABLE)
    return _moved(kept.value, age_ms)


def peek(sale: SaleEntry) -> Snapshot | None:
    """Return what `of` would, if that needs no asking; else None. In one millisecond, all get the same object."""
    if not sale.is_live:
        return _on_record(sale)
    kept = reading(sale)
    if kept is None:
        return None
    age_ms = int((time.monotonic() - kept.done_at) * 1_000)
    shown = _shown.get(sale.pk)
    if shown is None or shown[0] is not kept or shown[1] != age_ms:
        shown = _shown[sale.pk] = kept, age_ms, _moved(kept.value, age_ms)
    return shown[2]


def reading(sale: SaleEntry) -> Kept[Snapshot] | None:
    """Return the reading that `peek` tells of: as long as it is the same one, so are the numbers."""
    copy = _copies.get(sale.pk) if sale.is_live else None
    return copy.peek_kept() if copy else None


def many(sales: Sequence[SaleEntry]) -> list[Snapshot]:
    """Return the numbers of several sales, in their order.

    Once the server does not answer for one, the other live ones are not asked any more: each would wait as long.
    """
    away: Outcome | None = None
    found: list[Snapshot] = []
    for sale in sales:
        snapshot = Snapshot.failed(away) if away and sale.is_live else of(sale)
        if snapshot.outcome in _AWAY:
            away = snapshot.outcome
        found.append(snapshot)
    return found


def last(sale_pk: int) -> Snapshot | None:
    """Return the last numbers that this process had; `now_ms` says of when. For saying so, never for deciding."""
    return _last.get(sale_pk)


def forget() -> None:
    """Forget all copies, as a new process would not have them."""
    with _making:
        _copies.clear()
        _last.clear()
        _shown.clear()


def _copy_of(sale_pk: int) -> Copy[Snapshot]:
    copy = _copies.get(sale_pk)
    if copy is None:
        with _making:
            copy = _copies.setdefault(
                sale_pk,
                Copy(
                    lambda: _ask(sale_pk),
                    max_age_ms=lambda: conf.current().snapshot_max_age_ms,
                    is_failure=lambda snapshot: snapshot.outcome is not Outcome.FOUND,
                ),
            )
    return copy


def _ask(sale_pk: int) -> Snapshot:
    """Ask the ledger; once more where the epoch has just changed."""
    known = catalogue.current()
    if known is None:
        return Snapshot.failed(Outcome.UNREACHABLE)
    snapshot = connection.run(ledger.snapshot(sale=sale_pk, epoch=known.epoch))
    if snapshot.outcome is Outcome.STALE_EPOCH:
        newer = catalogue.refresh()
        if newer and newer.epoch != known.epoch:
            snapshot = connection.run(ledger.snapshot(sale=sale_pk, epoch=newer.epoch))
    if snapshot.outcome is Outcome.FOUND:
        _last[sale_pk] = snapshot
    return snapshot


def _moved(snapshot: Snapshot, age_ms: int) -> Snapshot:
    """Return the snapshot with its clock moved on by its age."""
    return replace(snapshot, now_ms=snapshot.now_ms + age_ms) if snapshot.now_ms else snapshot


def _on_record(sale: SaleEntry) -> Snapshot:
    """Return the numbers of a settled sale. Its clock is this machine's: nothing is decided by it any more."""
    return Snapshot(
        outcome=Outcome.FOUND,
        now_ms=int(time.time() * 1_000),
        sound=True,
        state=LedgerState.CLOSED,
        stock=sale.stock,
        sold=sale.recorded,
        opens_ms=round(sale.opens_at.timestamp() * 1_000),
        closes_ms=round(sale.closes_at.timestamp() * 1_000),
        limit=sale.limit,
        hold_ms=sale.hold_seconds * 1_000,
        hold_extension_ms=sale.hold_extension_seconds * 1_000,
    )

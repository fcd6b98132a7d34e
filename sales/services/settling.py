"""Settling: a closed sale of which everything is on record leaves the ledger for good; the record answers from then on.

What the ledger held is kept in a file first, then the sale is settled on record, then, once no web process can believe
otherwise any more, its keys are removed. Done again, it finishes what a crash left.
"""

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from sales import conf
from sales.domain.outcomes import Outcome
from sales.domain.states import ChangeState, SaleState
from sales.live import drafting, ledger
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.live.results import Snapshot
from sales.models import DeadLetter, Order, Sale, StockChange
from sales.services import acting, comparing, faults, fencing, leasing
from sales.services.acting import Actor
from sales.services.leasing import Held
from sales.services.lifecycle import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The sale as it stands, and where what the ledger held is kept (None where it was removed before)."""

    sale: Sale
    archive: Path | None


def settle(
    *, sale_pk: int, line: Line, by: Actor, why: str = "", pause: Callable[[float], None] = time.sleep
) -> Settled:
    """Settle a closed sale. Raises Refused with what stands in the way, LedgerUnavailable, LeaseLost.

    `pause` waits (seconds) until web processes have learned that the ledger does not answer for this sale any more.
    """
    with leasing.held(name=leasing.of_sale(sale_pk), owner=by.who) as lease:
        if lease is None:
            raise Refused(gettext("Somebody else is working on this sale right now."))
        sale = Sale.objects.select_related("product").get(pk=sale_pk)
        archive = None
        if sale.state != SaleState.SETTLED:
            seen = line.run(ledger.snapshot(sale=sale.pk, epoch=fencing.epoch()))
            _check(sale, seen, line)
            archive = _archive(sale, line, lease)
            _put_on_record(sale, seen, lease=lease, by=by, why=why.strip(), archive=archive)
        faults.reach("settler_between_sides")
        pause(conf.current().catalogue_max_age_ms / 1_000 + 0.1)
        lease.keep()
        line.ask("UNLINK", *SaleKeys.of(sale.pk).named("meta", "shoppers", "keys", "returned", "deadlines", "events"))
        sale.refresh_from_db()
        return Settled(sale=sale, archive=archive)


def _check(sale: Sale, seen: Snapshot, line: Line) -> None:
    if sale.state != SaleState.CLOSED:
        raise Refused(gettext("Only a closed sale can be settled; this one is %(state)s.") % {"state": sale.state})
    if seen.outcome is not Outcome.FOUND:
        raise Refused(gettext("The ledger answers %(why)s for this sale.") % {"why": seen.outcome})
    if seen.state_number < sale.state_number:
        raise Refused(gettext("The ledger does not know yet that the sale is closed. The keeper tells it."))
    if held := seen.held + seen.due:
        raise Refused(gettext("%(count)d units are held. Wait until they are bought or given back.") % {"count": held})
    if waiting := seen.seq - sale.stream_offset:
        raise Refused(gettext("%(count)d events are not on record yet. The keeper records them.") % {"count": waiting})
    if letters := DeadLetter.objects.filter(sale=sale, ended_at=None).count():
        raise Refused(gettext("%(count)d dead letters are open. Retry or settle them.") % {"count": letters})
    if _is_asked(sale):
        raise Refused(gettext("The ledger has yet to be told of a change or a cancellation. The keeper does that."))
    if found := comparing.differences(line=line, sale=sale):
        raise Refused(gettext("Ledger and record do not agree: %(what)s") % {"what": " ".join(found)})


def _is_asked(sale: Sale) -> bool:
    return (
        StockChange.objects.filter(sale=sale, state=ChangeState.ASKED).exists()
        or Order.objects.filter(sale=sale, ledger_state=ChangeState.ASKED).exists()
        or DeadLetter.objects.filter(sale=sale, ledger_asked=True).exists()
    )


def _put_on_record(sale: Sale, seen: Snapshot, *, lease: Held, by: Actor, why: str, archive: Path) -> None:
    # The end that was told is the true one: a sale that was closed early ended then.
    closes_at = min(sale.closes_at, _EPOCH + timedelta(milliseconds=seen.closes_ms))
    with transaction.atomic(durable=True):
        lease.keep()
        changed = Sale.objects.filter(
            pk=sale.pk, state=SaleState.CLOSED, state_number=sale.state_number, stream_offset=seen.seq
        ).update(
            state=SaleState.SETTLED,
            state_number=sale.state_number + 1,
            settled_at=timezone.now(),
            closes_at=closes_at if closes_at > sale.opens_at else sale.closes_at,
        )
        if not changed:
            raise Refused(gettext("Somebody else has just changed this sale. Look at it again."))
        acting.write_trail(
            by=by,
            act="settle",
            sale=sale,
            before={"state": sale.state, "closes_at": sale.closes_at.isoformat()},
            after={"state": SaleState.SETTLED, "closes_at": closes_at.isoformat(), "archive": archive.name},
            why=why[: acting.WHY_LENGTH],
        )


def _archive(sale: Sale, line: Line, lease: Held) -> Path:
    """Write all that the ledger holds of a sale into one file, one JSON object a line; on disk when this returns."""
    folder = conf.current().data_dir / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sale.slug}-{timezone.now():%Y%m%dT%H%M%SZ}.jsonl.gz"
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        with gzip.open(file, "wt", encoding="utf-8") as text:
            for number, row in enumerate(_rows(sale, line)):
                if number % drafting.SLICE == 0:
                    lease.keep()
                text.write(json.dumps(row, default=str) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return path


def _rows(sale: Sale, line: Line) -> Iterator[dict[str, Any]]:
    yield {"sale": sale.slug, "pk": sale.pk, "meta": drafting.numbers_of(line, sale.pk, key="meta")}
    for event in drafting.events_of(line, sale.pk):
        yield {"event": event._asdict()}
    for field, text in drafting.fields_of(line, sale.pk, key="shoppers"):
        yield {"entry": field, "text": text}
    for digest, place in drafting.fields_of(line, sale.pk, key="keys"):
        yield {"key": digest, "of": place}
    yield {"returned": sorted(drafting.returned_of(line, sale.pk))}

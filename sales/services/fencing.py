"""The fence: which run of the ledger server is proven, in which epoch it sells, and the proof itself.

A restarted server has no scripts, so it cannot sell; only here are they loaded, after what it holds was compared with
the record. All of it goes over one line that never reconnects: if it breaks, the proof starts over. The epoch is raised
in the database first, where web processes read it; a sale not proven keeps its old one and answers STALE_EPOCH.
Not here: making anything good that was lost.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sales import conf
from sales.conf import LedgerRisk
from sales.domain.outcomes import Outcome
from sales.domain.states import LIVE_STATES
from sales.live import drafting, ledger
from sales.live.drafting import Shape
from sales.live.line import LedgerRefused, Line, Lineage
from sales.live.results import Snapshot
from sales.models import LedgerServer, Sale
from sales.services import holds, recording
from sales.services.incidents import IncidentKind, Trouble

logger = logging.getLogger(__name__)

NEEDED_SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}
"""What the ledger server must be told, or it forgets purchases that were accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of a proof: whether the server sells now, under which epoch, and what is wrong."""

    loaded: bool
    run_id: str = ""
    epoch: int = 0
    troubles: tuple[Trouble, ...] = field(default=())


def epoch() -> int:
    """Return the epoch that sells, as the database has it; 0 where no ledger was ever proven."""
    row = LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER).values_list("epoch", flat=True).first()
    return row or 0


def stands(*, line: Line, proof: Proof) -> bool:
    """Whether a proof made over this very line still stands: nobody proved another run, and the scripts are there."""
    return (
        proof.loaded
        and LedgerServer.objects.filter(
            name=LedgerServer.THE_LEDGER,
            run_id=proof.run_id,
            epoch=proof.epoch,
            proven_at__isnull=False,
            replication_id__in=("", line.lineage().replication_id),
        ).exists()
        and line.has_scripts()
        and not why_unfit(line)
    )


def prove_and_load(*, line: Line, pause: Callable[[float], None] = time.sleep) -> Proof:
    """Prove what the server holds, then load the scripts. Raises LedgerUnavailable: then nothing is proven.

    `pause` waits (seconds) until web processes have learned of the new epoch, where a sale is not proven.
    """
    if unfit := why_unfit(line):
        if line.has_scripts():
            line.drop_scripts()  # then nobody sells, whatever they were told before
        return Proof(loaded=False, troubles=(Trouble(kind=IncidentKind.LEDGER_UNFIT, text=unfit),))
    run_id, lineage = line.run_id(), line.lineage()
    LedgerServer.objects.get_or_create(name=LedgerServer.THE_LEDGER)
    troubles: tuple[Trouble, ...] = ()
    if not _is_proven(run_id, lineage):
        _raise_epoch(run_id, lineage)
        troubles = _prove_sales(line=line, epoch=epoch())
        if troubles:
            # Until then a web process may still ask with the old epoch, which is that of the sales not proven.
            pause(conf.current().catalogue_max_age_ms / 1000 + 0.1)
    line.load_scripts()
    LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER, run_id=run_id, proven_at=None).update(
        proven_at=timezone.now()
    )
    row = LedgerServer.objects.get(name=LedgerServer.THE_LEDGER)
    logger.info("The ledger server (run %s) is proven and sells in epoch %d.", run_id[:8], row.epoch)
    return Proof(loaded=row.run_id == run_id, run_id=run_id, epoch=row.epoch, troubles=troubles)


def prove_sale(*, line: Line, sale: Sale, epoch: int) -> str:
    """Prove one sale and move it into the epoch. Returns a sentence that says why not, or nothing where it is proven.

    Complete is: the numbers add up, and the stream has every event from the record's offset to the ledger's last one.
    What of it is not on record yet is recorded here. Holds that were open when the outage began get its length added.
    """
    seen = line.run(ledger.snapshot(sale=sale.pk, epoch=None))
    if seen.outcome is Outcome.NO_LEDGER and sale.is_new_to_ledger:
        return ""  # whoever follows the record puts it there
    if seen.outcome is Outcome.FOUND and seen.epoch == epoch:
        return ""
    why_not = why_incomplete(line=line, sale=sale, seen=seen, epoch=epoch)
    if not why_not:
        moved = holds.move_on(line=line, sale_pk=sale.pk, epoch=seen.epoch) if seen.held + seen.due else ""
        stamped = line.run(ledger.stamp(sale=sale.pk, old_epoch=seen.epoch, new_epoch=epoch, moved=moved))
        if stamped.ok:
            Sale.objects.filter(pk=sale.pk, ledger_epoch__lt=epoch).update(ledger_epoch=epoch)
            return ""
        why_not = f"the ledger answers {stamped.outcome} to the new epoch."
    return why_not


def why_incomplete(*, line: Line, sale: Sale, seen: Snapshot, epoch: int) -> str:
    """Return a sentence that says why what the ledger has of a sale is not complete, or nothing. Records the tail."""
    return (
        _why_unsound(seen, epoch=epoch)
        or why_misshapen(drafting.shape_of(line, sale.pk))
        or _record_tail(line=line, sale=sale, seq=seen.seq)
        or _why_promoted(sale, now_ms=seen.now_ms)
    )


def may_lack_the_end(sale: Sale) -> bool:
    """Whether a replica has become the primary since this sale was proven: what came last may not have reached it."""
    return LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER, promoted_epoch__gt=sale.ledger_epoch).exists()


def _why_promoted(sale: Sale, *, now_ms: int) -> str:
    if sale.is_quiet or now_ms < sale.opens_at.timestamp() * 1_000 or not may_lack_the_end(sale):
        return ""
    return "this server was a replica before; the end of what was sold may not have reached it."


def why_misshapen(shape: Shape) -> str:
    """Return a sentence where keys that the sale's numbers do not count are gone or of another type."""
    wrong = [name for name in ("shoppers", "keys") if shape.kinds[name] not in ("none", "hash")]
    if wrong:
        return f"its key {wrong[0]} is of another type."
    if shape.entries == 0 and (shape.sold or shape.held):
        return "its entries are gone."
    if shape.bindings != shape.keyed:
        return f"{shape.keyed} keys should be bound, and {shape.bindings} are."
    return ""


def _why_unsound(seen: Snapshot, *, epoch: int) -> str:
    if seen.outcome is not Outcome.FOUND:
        return f"the ledger answers {seen.outcome}."
    if seen.epoch > epoch:
        return f"the ledger is of epoch {seen.epoch}, the database only of {epoch}."
    return "" if seen.sound else "the ledger's numbers contradict each other."


def why_unfit(line: Line) -> str:
    """Return a sentence that says why this server must not sell, or nothing."""
    if line.role() != "master":
        return "The ledger server is a replica. Point REDIS_URL at its primary."
    said = line.settings(*NEEDED_SETTINGS)
    wrong = [
        f"{name} is {said.get(name, 'not to be read')} and must be {' or '.join(fit)}"
        for name, fit in _fit_settings().items()
        if said.get(name) not in fit
    ]
    if not wrong:
        return ""
    return f"The ledger server would forget purchases: {'; '.join(wrong)}. Sales stay shut until that is changed."


def _fit_settings() -> dict[str, tuple[str, ...]]:
    """Return what each setting may be. Who accepts to lose a second may save the ledger to disk once a second."""
    fit: dict[str, tuple[str, ...]] = {name: (needed,) for name, needed in NEEDED_SETTINGS.items()}
    if conf.current().ledger_risk == LedgerRisk.ACCEPT_1S:
        fit["appendfsync"] = ("always", "everysec")
    return fit


def why_full(line: Line) -> str:
    """Return a sentence where the server refuses writes, or nothing."""
    said = line.health()
    if said.get("aof_last_write_status", "ok") != "ok":
        return "The ledger server cannot write to its disk; nothing is sold until it can."
    used, most = int(said.get("used_memory", 0)), int(said.get("maxmemory", 0))
    if 0 < most <= used:
        return f"The ledger server's memory is full ({used} of {most} bytes); nothing is sold until it has more."
    return ""


def _is_proven(run_id: str, lineage: Lineage) -> bool:
    """Whether this very run was proven, and has been nobody's replica since."""
    return LedgerServer.objects.filter(
        name=LedgerServer.THE_LEDGER,
        run_id=run_id,
        replication_id__in=("", lineage.replication_id),
        proven_at__isnull=False,
    ).exists()


def _raise_epoch(run_id: str, lineage: Lineage) -> None:
    """Begin a new epoch for this run, once: of two keepers at the same proof, the second finds the run in the row."""
    raised = (
        LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER)
        .exclude(run_id=run_id, replication_id__in=("", lineage.replication_id))
        .update(
            run_id=run_id,
            replication_id=lineage.replication_id,
            epoch=F("epoch") + 1,
            promoted_epoch=F("epoch") + 1 if lineage.was_promoted else F("promoted_epoch"),
            proven_at=None,
        )
    )
    if raised:
        logger.info("The ledger server was started anew (run %s); comparing it with the record.", run_id[:8])


def raise_for_repair(*, line: Line, epoch: int, but: int, above: int = 0) -> int:
    """Begin a new epoch on the run that sells, and take every sound sale over but one; return the new epoch.

    Whoever was about to write in the old epoch is refused from then on. Of two at once, one raises it. `above` is an
    epoch that a ledger was seen in, as where the database was set back to a time before it.
    """
    LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER, epoch=epoch).update(epoch=max(epoch, above) + 1)
    newer = LedgerServer.objects.values_list("epoch", flat=True).get(name=LedgerServer.THE_LEDGER)
    for sale in Sale.objects.filter(state__in=LIVE_STATES, ledger_epoch=epoch).exclude(pk=but):
        if line.run(ledger.stamp(sale=sale.pk, old_epoch=epoch, new_epoch=newer)).ok:
            Sale.objects.filter(pk=sale.pk, ledger_epoch__lt=newer).update(ledger_epoch=newer)
    return newer


def _prove_sales(*, line: Line, epoch: int) -> tuple[Trouble, ...]:
    troubles = []
    for sale in Sale.objects.filter(state__in=LIVE_STATES).order_by("pk"):
        if why_not := prove_sale(line=line, sale=sale, epoch=epoch):
            # Some web process may not reach the database and ask with the old epoch for as long as that lasts.
            line.run(ledger.fence(sale=sale.pk, below=epoch - 1))
            troubles.append(
                Trouble(kind=IncidentKind.SALE_UNPROVEN, sale_pk=sale.pk, text=f"Sale {sale.slug}: {why_not}")
            )
    return tuple(troubles)


def _record_tail(*, line: Line, sale: Sale, seq: int) -> str:
    """Record what the stream has behind the record's offset; a sentence where it does not reach the ledger's number."""
    # Behind the lock, for a keeper that wrote in the epoch before; now that this one has begun, none does any more.
    with transaction.atomic():
        offset = Sale.objects.select_for_update(of=("self",)).values_list("stream_offset", flat=True).get(pk=sale.pk)
    if seq < offset:
        return f"the ledger is at event {seq}, the record at {offset} already."
    try:
        recorded = recording.drain(sale_pk=sale.pk, line=line, epoch=None)
    except LedgerRefused as refusal:
        return f"its stream cannot be read: {refusal}"
    if recorded.gap:
        return recorded.gap
    if recorded.offset < seq and not recorded.lost:
        return f"its stream ends at event {recorded.offset}, the ledger is at {seq}."
    return ""

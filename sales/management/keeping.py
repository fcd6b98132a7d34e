"""The keeper's loop: when to prove, record and tend. What each of them does is in `sales.services`.

Several keepers may run at once. Each event is recorded once, because the offset moves once; who comes second leaves the
sale alone for a while. A ledger or a database that is away is said once in the log and tried again until it is back.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from django.db import Error as DatabaseFault
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections
from django.db import connection as database
from django.utils import timezone

from sales import conf
from sales.domain.outcomes import Outcome
from sales.domain.states import LIVE_STATES
from sales.live import connection, ledger
from sales.live.line import LedgerRefused, LedgerUnavailable, Line, Unreadable
from sales.live.results import Snapshot
from sales.live.stream import Event
from sales.management.absence import Absence
from sales.management.patience import Patience
from sales.models import LedgerServer, Sale
from sales.services import auditing, fencing, incidents, lifecycle, recording, tending
from sales.services.acting import KEEPER
from sales.services.auditing import Auditor
from sales.services.clocks import LedgerClock
from sales.services.fencing import Proof
from sales.services.incidents import IncidentKind, Trouble
from sales.services.tending import Tended

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_BEAT_EVERY_SECONDS = 2.0
_RETRY_SECONDS = 0.25
_ASIDE_SECONDS = 2.0  # a sale that another keeper records, or that cannot be recorded now

_AWAY = (LedgerUnavailable, LedgerRefused, OperationalError, InterfaceError, InternalError)
"""A server is in trouble (also a database that can only be read), and nothing but waiting helps."""

_WATCHED = (
    IncidentKind.LEDGER_UNFIT,
    IncidentKind.LEDGER_FULL,
    IncidentKind.LEDGER_CLOCK,
    IncidentKind.SALE_DEGRADED,
    IncidentKind.SALE_UNPROVEN,
    IncidentKind.SALE_DISAGREES,
    IncidentKind.STREAM_UNREADABLE,
    IncidentKind.CHANGE_STUCK,
    IncidentKind.KEEPER_FAILED,
)
"""Incidents that end by themselves; a dead letter's ends when a person has decided on it."""


class Keeper:
    """One keeper. `run()` until `stop()`, or `once()`."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.recorded = 0  # orders written so far
        self._clock, self._sleep = clock, sleep
        self._stopping = False
        self._line: Line | None = None
        self._proof = Proof(loaded=False)
        self._slugs: dict[int, str] = {}  # of the sales of the last look, to speak of them
        self._offsets: dict[int, int] = {}  # of the sales whose streams are watched closely
        self._aside: dict[int, float] = {}  # sales to leave alone until then
        self._stream_troubles: dict[int, Trouble] = {}
        self._doubted: set[int] = set()  # sales that the next look must not believe
        self._traced: set[str] = set()  # errors whose traceback is in the log already
        self._auditor = Auditor()
        self._findings: dict[int, Trouble] = {}  # of the last audit
        self._watch = incidents.Watch(_WATCHED)
        self._patience = Patience()
        self._ledger_clock = LedgerClock()
        self._marked: set[int] = set()  # sales whose dead letters this keeper has told the ledger of
        self._absence = Absence()
        self._away = ""  # what was last said of a server in trouble
        self._next_look = self._next_beat = self._next_audit = clock()

    def stop(self) -> None:
        """Let the batch in hand be the last. May be called from a signal's handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until told to stop."""
        logger.info("The keeper is at work.")
        while not self._stopping:
            close_old_connections()  # one that broke in the last turn, or is past its age
            seconds = self.turn()
            if not self._stopping:
                self._sleep(seconds)
        self._hang_up()
        logger.info("The keeper has stopped; %d orders recorded.", self.recorded)

    def once(self) -> list[str]:
        """Prove, record all there is, tick, and return what is wrong. Raises what a server in trouble raises."""
        try:
            self._beat()
            self._look()
            while self._record():
                pass
            return self._look()
        finally:
            self._hang_up()

    def turn(self) -> float:
        """Do what is due now; return how many seconds to wait before the next turn."""
        try:
            if self._clock() >= self._next_beat:
                self._beat()
            if self._clock() >= self._next_look:
                self._look()
            more = self._record()
        except (*_AWAY, DatabaseFault) as trouble:  # also a database without its tables
            self._wait_for(trouble)
            return _RETRY_SECONDS
        if self._away:
            logger.info("Ledger and database are back.")
            self._away = ""
        return 0 if more else conf.current().keeper_idle_ms / 1000  # each batch was followed by a breath already

    def _wait_for(self, trouble: Exception) -> None:
        is_ledger = isinstance(trouble, LedgerUnavailable | LedgerRefused)
        who = "ledger" if is_ledger else "database"
        if who != self._away:
            logger.error("The keeper waits for the %s: %s", who, trouble)
            self._away = who
        if is_ledger:
            self._hang_up()
            self._absence.go_on(now=self._clock())

    def _hang_up(self) -> None:
        """End the line, and with it all that was proven over it."""
        if self._line:
            self._line.close()
        self._line, self._proof, self._offsets = None, Proof(loaded=False), {}
        self._marked.clear()
        self._next_look = self._clock()

    def _beat(self) -> None:
        """Say on record that a keeper is at work."""
        row = LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER)
        if not row.update(keeper_seen_at=timezone.now()):
            LedgerServer.objects.get_or_create(
                name=LedgerServer.THE_LEDGER, defaults={"keeper_seen_at": timezone.now()}
            )
        self._next_beat = self._clock() + _BEAT_EVERY_SECONDS

    def _look(self) -> list[str]:
        """Prove what must be proven, tend every running sale, note what is wrong; return that."""
        self._line = self._line or Line()
        if not fencing.stands(line=self._line, proof=self._proof):
            self._proof = fencing.prove_and_load(line=self._line, pause=self._sleep)
        troubles = self._tend_all(self._line) if self._proof.loaded else [*self._proof.troubles]
        self._absence.end()
        self._watch.see(troubles)
        self._next_look = self._clock() + _LOOK_EVERY_SECONDS
        return [trouble.text for trouble in troubles]

    def _tend_all(self, line: Line) -> list[Trouble]:
        sales = list(Sale.objects.filter(state__in=LIVE_STATES).order_by("opens_at", "pk"))
        self._slugs = {sale.pk: sale.slug for sale in sales}
        seen = connection.run_many([ledger.snapshot(sale=sale.pk, epoch=self._proof.epoch) for sale in sales])
        troubles: list[Trouble] = []
        offsets = {}
        if self._clock() >= self._next_audit:
            self._audit(line, sales, seen)
        for sale, snapshot in zip(sales, seen, strict=True):
            tended = self._tend(line, sale, snapshot)
            if tended.trouble:
                troubles.append(tended.trouble)
            if tended.awake:
                offsets[sale.pk] = sale.stream_offset
        self._offsets = offsets
        self._stream_troubles = {pk: trouble for pk, trouble in self._stream_troubles.items() if pk in offsets}
        return [*troubles, *self._stream_troubles.values(), *self._findings.values(), *self._about_server(line)]

    def _audit(self, line: Line, sales: Sequence[Sale], seen: Sequence[Snapshot]) -> None:
        """Recompute what must always be true; pause what is not as it must be."""
        self._findings = {}
        for sale, snapshot in zip(sales, seen, strict=True):
            audited = self._auditor.audit(line=line, sale=sale, seen=snapshot)
            if audited.doubted:
                self._doubted.add(sale.pk)
            if audited.findings:
                self._findings[sale.pk] = auditing.stop(sale=sale, findings=audited.findings)
        self._next_audit = self._clock() + auditing.EVERY_SECONDS

    def _about_server(self, line: Line) -> list[Trouble]:
        """Say what is wrong with the server itself, though it is proven."""
        full = fencing.why_full(line)
        troubles = [Trouble(kind=IncidentKind.LEDGER_FULL, text=full)] if full else []
        jump = self._ledger_clock.look(line)
        return [*troubles, jump] if jump else troubles

    def _tend(self, line: Line, sale: Sale, seen: Snapshot) -> Tended:
        """Tend one sale, unless it is in a trouble that it is too early to look at again."""
        doubted = sale.pk in self._doubted
        is_well = seen.outcome is Outcome.FOUND and seen.sound and not doubted
        if not is_well and (known := self._patience.early(sale.pk, now=self._clock())):
            return Tended(trouble=known)
        try:
            tended = tending.tend(sale=sale, seen=seen, epoch=self._proof.epoch, line=line, doubted=doubted)
        except _AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (one sale's trouble must not stop the others)
            return Tended(trouble=self._failed(sale.pk, error))
        if is_well and sale.pk not in self._marked:
            # Whoever kept this sale before may have died before the ledger knew of its dead letters.
            recording.mark(sale_pk=sale.pk, epoch=self._proof.epoch, offset=sale.stream_offset)
            self._marked.add(sale.pk)
        if tended.trouble and not is_well:
            self._patience.failed(sale.pk, tended.trouble, now=self._clock())
        else:
            self._patience.over(sale.pk)
        self._doubted.discard(sale.pk)  # it is repaired by now, or shut until it is
        if tended.repaired:
            self._auditor.forget(sale.pk)
            # The sales behind it in this round were read in the epoch before.
            self._proof = replace(self._proof, epoch=fencing.epoch())
        return tended

    def _record(self) -> bool:
        """Record what is new. Returns whether more is waiting."""
        if self._line is None or not self._proof.loaded:
            return False
        now = self._clock()
        after = {pk: offset for pk, offset in self._offsets.items() if self._aside.get(pk, now) <= now}
        news = self._read(self._line, after)
        for sale_pk in after.keys() - news.keys():
            self._stream_troubles.pop(sale_pk, None)  # it was read, and there is nothing that could be wrong
        more = False
        for sale_pk, events in news.items():
            if self._stopping:
                break
            if events:
                more |= self._record_batch(sale_pk, after=after[sale_pk], events=events)
        return more

    def _read(self, line: Line, after: Mapping[int, int]) -> dict[int, list[Event | Unreadable]]:
        """Read what is new in these streams; a sale whose stream cannot be read is answered with nothing to record."""
        count = conf.current().keeper_batch
        try:
            return line.read_events(after, count=count)
        except LedgerRefused as refusal:
            if len(after) == 1:
                (sale_pk,) = after
                self._set_aside(sale_pk, self._unreadable(sale_pk, str(refusal)))
                return {sale_pk: []}
        # One stream of the wrong type spoils the answer for all; asked alone, it spoils only its own.
        found: dict[int, list[Event | Unreadable]] = {}
        for sale_pk, offset in after.items():
            found |= self._read(line, {sale_pk: offset})
        return found

    def _record_batch(self, sale_pk: int, *, after: int, events: Sequence[Event | Unreadable]) -> bool:
        """Record one batch. Returns whether more of this sale is waiting."""
        try:
            recorded = recording.record(sale_pk=sale_pk, after=after, events=events, epoch=self._proof.epoch)
        except _AWAY:
            raise
        except Exception as error:  # noqa: BLE001 (one sale's trouble must not stop the others)
            self._set_aside(sale_pk, self._failed(sale_pk, error))
            return False
        self.recorded += recorded.orders
        self._auditor.saw(sale_pk, events)
        self._offsets[sale_pk] = recorded.offset
        if recorded.gap:
            self._stop_sale(sale_pk, recorded.gap)
        elif recorded.stranger:
            self._stream_troubles[sale_pk] = self._unreadable(sale_pk, recorded.stranger)
        else:
            self._stream_troubles.pop(sale_pk, None)
        if recorded.lost:
            self._set_aside(sale_pk)
        if recorded.orders:
            logger.debug(
                "Sale %s: %d orders recorded, %d ms after.", self._slugs[sale_pk], recorded.orders, recorded.lag_ms
            )
        self._sleep(self._breath())
        return len(events) >= conf.current().keeper_batch and not recorded.gap and not recorded.lost

    def _stop_sale(self, sale_pk: int, gap: str) -> None:
        """Sell no further on a ledger of which a part is missing; the next look judges what is left of it."""
        if sale_pk not in self._doubted:
            with suppress(lifecycle.Refused):
                lifecycle.pause(sale_pk=sale_pk, by=KEEPER, why=gap)
        self._doubted.add(sale_pk)
        self._set_aside(sale_pk)

    def _set_aside(self, sale_pk: int, trouble: Trouble | None = None) -> None:
        self._aside[sale_pk] = self._clock() + _ASIDE_SECONDS
        if trouble:
            self._stream_troubles[sale_pk] = trouble

    def _unreadable(self, sale_pk: int, why: str) -> Trouble:
        text = f"Sale {self._slugs[sale_pk]}: its stream cannot be read. {why}"
        return Trouble(kind=IncidentKind.STREAM_UNREADABLE, sale_pk=sale_pk, text=text)

    def _failed(self, sale_pk: int, error: Exception) -> Trouble:
        text = f"Sale {self._slugs[sale_pk]}: the keeper failed with {error!r}; it tries again."
        if text not in self._traced:
            self._traced.add(text)
            logger.error("Sale %s: an error that nobody foresaw.", self._slugs[sale_pk], exc_info=error)
        return Trouble(kind=IncidentKind.KEEPER_FAILED, sale_pk=sale_pk, text=text)

    def _breath(self) -> float:
        """Seconds between two batches: SQLite has one writer, and pages write, too."""
        return conf.current().keeper_pause_ms / 1000 if database.vendor == "sqlite" else 0

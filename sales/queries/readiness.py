"""Whether shoppers may be sent here: is the ledger proven, the record in reach, a keeper at work, the cache in reach.

Looked at anew each time. Nothing is repaired here, and nothing secret is said: anybody may ask.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import Error as DatabaseFault
from django.db.models import Q
from django.utils import timezone

from sales import conf
from sales.conf import LedgerRisk, WithoutCache
from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.calls import Server
from sales.models import Incident, LedgerServer
from sales.queries import catalogue, snapshots

KEEPER_RECENT = timedelta(seconds=10)
_PROVEN = {
    LedgerRisk.NONE: "Proven.",
    LedgerRisk.ACCEPT_1S: "Proven. A fall of its machine may lose the purchases of the last second.",
}
_AWAY = "The ledger does not answer. Its server's log says why: one that cannot write to its disk ends itself."
NO_SALE = 0  # no sale has this number; the scripts say so, if they are there

_ABOUT_LEDGER = (Q(kind__startswith="ledger_") | Q(kind__startswith="sale_") | Q(kind__startswith="stream_")) & ~Q(
    kind="ledger_away"
)  # that is one keeper's view, and here the ledger itself is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. Where it is not `needed`, the site goes on without it."""

    name: str
    ok: bool
    says: str
    needed: bool = True


def look() -> tuple[Check, ...]:
    """Look at everything, and return the checks in the order in which they matter."""
    try:
        server = LedgerServer.objects.filter(name=LedgerServer.THE_LEDGER).first()
        incident = Incident.objects.filter(_ABOUT_LEDGER, ended_at=None).first()
    except DatabaseFault:
        database = Check(name="database", ok=False, says="The database does not answer.")
        keeper = Check(name="keeper", ok=False, says="Nobody can tell while the database does not answer.")
        return (_ledger_alone(), database, keeper, _cache())
    database = Check(name="database", ok=True, says="In reach.")
    return (_ledger(server, incident), database, _keeper(server), _cache())


def _ledger(server: LedgerServer | None, incident: Incident | None) -> Check:
    if server is None or server.proven_at is None:
        return _not_proven("The ledger has not been proven yet; a keeper does that.")
    if incident is not None:
        return _not_proven(incident.text)
    return _ledger_alone()


def _ledger_alone() -> Check:
    """Ask the ledger itself: are the scripts there, and does every sale answer in this epoch with sound numbers."""
    outcome = connection.run(ledger.snapshot(sale=NO_SALE, epoch=None)).outcome
    if outcome is Outcome.NO_SCRIPT:
        return _not_proven("The ledger server has not been proven since it was started; a keeper does that.")
    if outcome is not Outcome.NO_LEDGER:
        return _not_proven(_AWAY)
    known = catalogue.current()
    live = tuple(sale for sale in known.sales.values() if sale.is_live) if known else ()
    for sale, snapshot in zip(live, snapshots.many(live), strict=True):
        if snapshot.outcome is not Outcome.FOUND:
            return _not_proven(f"Sale {sale.slug}: the ledger answers {snapshot.outcome}.")
        if not snapshot.sound:
            return _not_proven(f"Sale {sale.slug}: the ledger's numbers contradict each other.")
    return Check(name="ledger", ok=True, says=_PROVEN[conf.current().ledger_risk])


def _not_proven(says: str) -> Check:
    return Check(name="ledger", ok=False, says=says)


def _keeper(server: LedgerServer | None) -> Check:
    seen_at = server.keeper_seen_at if server else None
    if seen_at is None:
        return Check(name="keeper", ok=False, says="No keeper has been seen yet.")
    if timezone.now() - seen_at > KEEPER_RECENT:
        return Check(name="keeper", ok=False, says=f"The keeper was last seen at {seen_at:%Y-%m-%d %H:%M:%S} UTC.")
    return Check(name="keeper", ok=True, says="At work.")


def _cache() -> Check:
    ok = connection.answers(Server.CACHE)
    says = "In reach." if ok else "The cache server does not answer; requests are not counted."
    needed = conf.current().limits.without_cache is WithoutCache.REFUSE
    return Check(name="cache", ok=ok, says=says, needed=needed)

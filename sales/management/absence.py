"""The ledger is away: after some seconds that is an incident, and it ends with the next look that succeeds.

Not here: waiting for it (the keeper), and what it is worth when it is back (`fencing`). The record is where it always
is, so an operator who was not looking finds there later when the shop sold nothing.
"""

from contextlib import suppress

from django.db import Error as DatabaseFault

from sales.services import incidents
from sales.services.incidents import IncidentKind, Trouble

AFTER_SECONDS = 3.0
"""A restart is no incident, and a server that comes and goes within this time begins none."""

# Whoever asks /admin reads the text; where the server is, stands in the keeper's log alone.
_TEXT = "The ledger server does not answer the keeper, so nothing is sold. Its own log says why."


class Absence:
    """How long the ledger has been away, as one keeper sees it."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._may_stand = True  # an earlier process may have left one open

    def go_on(self, *, now: float) -> None:
        """The ledger did not answer. `now` is of any clock that only goes forward, in seconds."""
        if self._since is None:
            self._since = now
        if now - self._since >= AFTER_SECONDS:
            with suppress(DatabaseFault):  # both are away; it is said again in the next turn
                incidents.begin(Trouble(kind=IncidentKind.LEDGER_AWAY, text=_TEXT))
                self._may_stand = True

    def end(self) -> None:
        """The ledger answered. Raises what a database in trouble raises, and is safe to repeat."""
        self._since = None
        if self._may_stand:
            incidents.end(sale_pk=None, kind=IncidentKind.LEDGER_AWAY)
            self._may_stand = False

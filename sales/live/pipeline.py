"""Talking to one of the two servers from an event loop: many calls at once over one connection of our own.

Calls that wait go out together, as one write; while their replies are on the way, the next batch forms. So a worker's
purchases share the ledger's fsync. Neighbours whose script takes several at once go out as one command, which is read,
decided and stored for far less than as many would be; each of them is answered by itself all the same.

The connection itself is `wire`. What a fault means is the same as for `sales.live.connection`: a result, never an
exception; a ledger call that got no answer is sent once more.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import hiredis

from sales import conf
from sales.domain.outcomes import Outcome
from sales.live.calls import Call, Server
from sales.live.connection import MAY_HAVE_RUN, outcome_of_code
from sales.live.wire import Wire, of_arguments, open_wire, packed_arguments

logger = logging.getLogger(__name__)

MOST_WAITING = 4_096
"""More than this many calls in line are answered at once that there is no answer: those in line would be too late."""
MOST_AT_ONCE = 256
MOST_TOGETHER = 64
"""So many calls share a command at most: then a script takes about a millisecond, and more together gain nothing."""
PATIENCE_SECONDS = 1.0
"""How long a call may stand in line without having been sent, and until when, counted from when the answer was begun
that it is for, it is worth sending once more."""
CACHE_AWAY_SECONDS = 1.0
"""After a fault nobody waits for the cache server for so long: buying goes on without it."""


type Then[R] = Callable[[R | None, Exception | None], None]
"""Hears what came of a call: its result, or the mistake in reading it."""


class _Waiter:
    """A call in line, and who waits for it."""

    __slots__ = ("args", "asked_at", "began_at", "call", "first_fault", "keys", "then", "urgent", "with_text")

    def __init__(self, call: Call[Any], then: Then[Any], asked_at: float, began_at: float, urgent: bool) -> None:  # noqa: FBT001 - for each call
        self.call = call
        self.keys = packed_arguments(call.keys)  # now, so that what cannot be packed is a fault of this call alone
        self.args = packed_arguments(call.args)
        self.then = then
        self.asked_at = asked_at
        self.began_at = began_at
        self.urgent = urgent
        self.with_text = False
        self.first_fault: Outcome | None = None

    def tell(self, result: Any, mistake: Exception | None = None) -> None:
        """Say what came of the call. What whoever hears it does wrong is said here: others wait for theirs."""
        try:
            self.then(result, mistake)
        except Exception:
            logger.exception("What a server answered could not be passed on")

    def settle(self, outcome: Outcome) -> None:
        """Say that there is no answer, and why."""
        self.tell(self.call.failed(outcome))


type _Group = list[_Waiter]
"""Those who wait for the reply to one command."""


class Pipeline:
    """The line to one server. Belongs to the event loop in which it was made; `close` ends it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._urgent: deque[_Waiter] = deque()
        self._waiting: deque[_Waiter] = deque()
        self._in_flight: deque[_Group] = deque()
        self._wire: Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False  # something is in flight, or about to be
        self._away_until = 0.0
        self._connecting: asyncio.Task[None] | None = None

    def ask[R](self, call: Call[R], then: Then[R], *, urgent: bool = False, began_at: float | None = None) -> None:
        """Put a call into the line; `then` hears of it, in a later turn of the loop. `urgent` ones go first.

        `began_at` is when the answer was begun that this call is for, by the loop's clock; left out: now.
        """
        now = self._loop.time()
        if len(self._waiting) + len(self._urgent) >= MOST_WAITING or now < self._away_until:
            self._loop.call_soon(then, call.failed(Outcome.UNREACHABLE), None)
            return
        waiter = _Waiter(call, then, now, now if began_at is None else began_at, urgent)
        (self._urgent if urgent else self._waiting).append(waiter)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._send)  # whoever asks in this turn of the loop goes with it

    def close(self) -> None:
        """End the connection. Whoever still waits is told that there is no answer."""
        if self._connecting:
            self._connecting.cancel()
        if self._timer:
            self._timer.cancel()
        if self._wire:
            self._wire.end()
            self._wire = None
        for waiter in chain.from_iterable(self._in_flight):
            waiter.settle(Outcome.UNKNOWN)
        for waiter in (*self._urgent, *self._waiting):
            waiter.settle(Outcome.UNREACHABLE)
        self._in_flight.clear()
        self._urgent.clear()
        self._waiting.clear()

    def _send(self) -> None:
        """Send what waits, if a connection is there; otherwise open one first."""
        if self._in_flight:
            return  # the next batch goes when the replies to this one are there
        if self._wire is None:
            if self._connecting is None:
                self._connecting = self._loop.create_task(self._connect())
            return
        batch = self._next_batch()
        if not batch:
            self._busy = False
            return
        self._in_flight = deque(_grouped(batch))
        self._timer = self._loop.call_later(conf.current().ledger_answer_timeout_ms / 1_000, self._overdue)
        self._wire.write(b"".join(map(_command_of, self._in_flight)))

    def _next_batch(self) -> list[_Waiter]:
        """Take the next ones from the line; those who waited too long are told so now."""
        batch: list[_Waiter] = []
        oldest = self._loop.time() - PATIENCE_SECONDS
        for line in (self._urgent, self._waiting):
            while line and len(batch) < MOST_AT_ONCE:
                waiter = line.popleft()
                if waiter.asked_at < oldest and waiter.first_fault is None:
                    waiter.settle(Outcome.UNREACHABLE)
                else:
                    batch.append(waiter)
        return batch

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(conf.current().ledger_connect_timeout_ms / 1_000):
                self._wire = await open_wire(self._server, self)
        except (OSError, TimeoutError) as fault:  # an SSL error is an OSError
            logger.warning("The %s server cannot be reached: %s", self._server.name.lower(), fault)
        except Exception:
            logger.exception("The connection to the %s server cannot be made", self._server.name.lower())
        if self._wire is None:
            self._connecting = None
            lines = (*self._urgent, *self._waiting)
            self._urgent.clear()
            self._waiting.clear()
            self._failed(lines, Outcome.UNREACHABLE)
            return
        self._connecting = None
        self._send()

    def received(self, replies: Iterable[Any]) -> None:
        """Give each reply to those who wait for it; when all are there, the next batch goes, before anything else."""
        answered: list[tuple[_Group, Any]] = []
        for reply in replies:
            if not self._in_flight:
                self._lost_wire()  # a reply that nobody asked for: nothing on this connection can be trusted
                break
            group = self._in_flight.popleft()
            if isinstance(reply, hiredis.ReplyError):
                self._refused(group, reply)
            else:
                answered.append((group, reply))
        if not self._in_flight and self._timer:
            self._timer.cancel()
            self._timer = None
            self._send()
        for group, reply in answered:
            _tell(group, reply)

    def _refused(self, group: _Group, reply: hiredis.ReplyError) -> None:
        code, _, text = str(reply).partition(" ")
        outcome = outcome_of_code(code, text, group[0].call)
        if outcome is Outcome.NO_SCRIPT and self._server is Server.CACHE and not group[0].with_text:
            # Nothing to prove on the cache server: whoever misses a script there brings it.
            for waiter in group:
                waiter.with_text = True
            self._urgent.extend(group)
        elif outcome in MAY_HAVE_RUN:
            self._failed(group, outcome)
        else:
            for waiter in group:
                waiter.settle(outcome)

    def _overdue(self) -> None:
        """Give up the connection: a reply that comes after all must not be taken for another call's."""
        self._timer = None
        logger.warning("The %s server did not answer in time", self._server.name.lower())
        self._lost_wire()

    def lost(self, wire: Wire) -> None:
        """Hear that a connection is gone; of one that was given up already, nothing follows."""
        if wire is self._wire:
            self._lost_wire()

    def _lost_wire(self) -> None:
        wire, self._wire = self._wire, None
        if wire:
            wire.end()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        lost, self._in_flight = self._in_flight, deque()
        self._failed(chain.from_iterable(lost), Outcome.UNKNOWN)

    def _failed(self, waiters: Iterable[_Waiter], outcome: Outcome) -> None:
        """Settle each of these by itself: once more with the same order id, and then by what is known of it."""
        latest = self._loop.time() - PATIENCE_SECONDS  # by when the answer began: the other server took its time, too
        again = []
        for waiter in waiters:
            if self._server is Server.LEDGER and waiter.first_fault is None and waiter.began_at > latest:
                waiter.first_fault = outcome
                again.append(waiter)
            elif outcome is Outcome.UNREACHABLE and waiter.first_fault is Outcome.UNKNOWN:
                waiter.settle(Outcome.UNKNOWN)  # not sent this time, but the first time it may have been
            else:
                waiter.settle(outcome)
        for waiter in reversed(again):
            (self._urgent if waiter.urgent else self._waiting).appendleft(waiter)
        if self._server is Server.CACHE:
            self._away_until = self._loop.time() + CACHE_AWAY_SECONDS
            for line in (self._urgent, self._waiting):
                while line:  # nobody waits for it now, those in line neither
                    line.popleft().settle(Outcome.UNREACHABLE)
        if not self._in_flight:
            self._busy = bool(self._urgent or self._waiting)
            if self._busy:
                self._loop.call_soon(self._send)


def _grouped(batch: list[_Waiter]) -> list[_Group]:
    """Put neighbours whose calls go together into one group, in the order of the batch."""
    groups: list[_Group] = []
    last: _Group = []
    for waiter in batch:
        together = last and waiter.call.goes_with(last[0].call) and waiter.with_text == last[0].with_text
        if together and len(last) < MOST_TOGETHER:
            last.append(waiter)
        else:
            last = [waiter]
            groups.append(last)
    return groups


def _command_of(group: _Group) -> bytes:
    """Return the one command of a group: what they share, and what is each one's own, keys before arguments."""
    first = group[0].call
    keys = len(first.shared_keys) + sum([len(each.call.keys) for each in group])
    args = len(first.shared_args) + sum([len(each.call.args) for each in group])
    script = ("EVAL", first.script.text) if group[0].with_text else ("EVALSHA", first.script.sha)
    return of_arguments(
        3 + keys + args,
        packed_arguments((*script, keys, *first.shared_keys)),
        *[each.keys for each in group],
        packed_arguments(first.shared_args),
        *[each.args for each in group],
    )


def _tell(group: _Group, reply: Any) -> None:
    """Read the reply to one command, for each who waits for it."""
    for place, waiter in enumerate(group):
        try:
            result = waiter.call.read_from(reply, place)
        except Exception as mistake:  # noqa: BLE001 - theirs alone: the others' replies are sound
            waiter.tell(None, mistake)
        else:
            waiter.tell(result)

"""Drives pure answers in an event loop: calls wait in the line of their server, reads in a thread.

The same as `sales.services.purchasing.run` for synchronous code. However many answers need the same read in one moment,
one thread reads.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, cast

from django.db import close_old_connections

from sales.answers.ask import Asking
from sales.domain.reads import Read
from sales.live.calls import Call, Server
from sales.live.pipeline import Pipeline, Then

THREADS = 4
SLOW_SECONDS = 0.5
"""How long a read may take before those who wait for it ask for themselves."""
URGENT = frozenset({"confirm", "release", "extend"})
"""What concerns a unit that is somebody's already goes before new purchases."""


class Driver:
    """The lines to both servers and the threads of one worker. Belongs to the event loop in which it is used."""

    def __init__(self) -> None:
        self._pipelines: dict[Server, Pipeline] = {}
        self._threads: Executor = ThreadPoolExecutor(THREADS, thread_name_prefix="lane")
        self._reading: dict[Hashable, asyncio.Future[Any]] = {}

    async def run[A](self, steps: Asking[A]) -> A:
        """Drive `steps` to its end and return what it returned. A server's fault is a result, never an exception."""
        made: asyncio.Future[A] = asyncio.get_running_loop().create_future()

        def then(answer: A | None, mistake: Exception | None) -> None:
            if made.done():
                return  # whoever waited was cancelled
            if mistake:
                made.set_exception(mistake)
            else:
                made.set_result(cast("A", answer))

        self.drive(steps, then)
        return await made

    def drive[A](self, steps: Asking[A], then: Then[A]) -> None:
        """The same without a task: `then` is called with what was returned or raised, at once if nobody is asked."""
        _Drive(self, steps, then).go_on(None)

    async def read[R](self, read: Read[R]) -> R:
        """Return a read's result; one under way with the same key is everybody's.

        Where that takes too long, ask again beside it: it may hang with a silent server, and who asks then gets what
        was read before.
        """
        if read.key is None:
            return await self._in_thread(read.run)
        under_way: asyncio.Future[R] | None = self._reading.get(read.key)
        if under_way is None:
            under_way = self._reading[read.key] = self._in_thread(read.run)
            under_way.add_done_callback(partial(self._has_read, read.key))
        done, _ = await asyncio.wait({under_way}, timeout=SLOW_SECONDS)
        if not done:
            self._has_read(read.key, under_way)
            return await self._in_thread(read.run)
        return under_way.result()

    def _has_read(self, key: Hashable, under_way: "asyncio.Future[Any]") -> None:
        if self._reading.get(key) is under_way:
            del self._reading[key]

    async def close(self) -> None:
        """End both lines and the threads, once nobody asks any more."""
        for pipeline in self._pipelines.values():
            pipeline.close()
        self._pipelines.clear()
        self._threads.shutdown()

    def ask[R](self, call: Call[R], then: Then[R], began_at: float) -> None:
        """Put a call into the line of its server, for an answer that was begun then (by the loop's clock)."""
        pipeline = self._pipelines.get(call.server)
        if pipeline is None:
            pipeline = self._pipelines[call.server] = Pipeline(call.server)
        pipeline.ask(call, then, urgent=call.script.name in URGENT, began_at=began_at)

    def _in_thread[R](self, run: Callable[[], R]) -> "asyncio.Future[R]":
        return asyncio.get_running_loop().run_in_executor(self._threads, _with_fresh_connections, run)


class _Drive[A]:
    """One answer on its way. It goes on in the context in which it was begun: of its request, as in a task."""

    __slots__ = ("_began_at", "_context", "_driver", "_steps", "_then")

    def __init__(self, driver: Driver, steps: Asking[A], then: Then[A]) -> None:
        self._driver = driver
        self._steps = steps
        self._then = then
        self._began_at = asyncio.get_running_loop().time()
        self._context = copy_context()

    def go_on(self, result: Any) -> None:
        """Send the answer what it asked for, and hear what it asks for next."""
        try:
            step = self._steps.send(result)
            if isinstance(step, Read):
                asyncio.ensure_future(self._driver.read(step)).add_done_callback(self._has_read)
            else:
                self._driver.ask(step, self._has_asked, self._began_at)
        except StopIteration as done:
            self._then(done.value, None)
        except Exception as mistake:  # noqa: BLE001 - theirs to say
            self._then(None, mistake)

    def _has_asked(self, result: Any, mistake: Exception | None) -> None:
        if mistake:
            self._context.run(self._then, None, mistake)
        else:
            self._context.run(self.go_on, result)

    def _has_read(self, reading: "asyncio.Future[Any]") -> None:
        if reading.cancelled():
            return  # the loop ends
        mistake = reading.exception()
        self._has_asked(None if mistake else reading.result(), cast("Exception | None", mistake))


def _with_fresh_connections[R](run: Callable[[], R]) -> R:
    """Run something that may ask the database; a connection that broke or is too old does not stay with the thread."""
    close_old_connections()
    try:
        return run()
    finally:
        close_old_connections()

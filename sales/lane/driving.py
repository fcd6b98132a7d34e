"""Drives pure answers in an event loop: calls wait in the line of their server, reads in a thread.

The same as `sales.services.purchasing.run` for synchronous code. However many answers need the same read in one moment,
one thread reads.
"""

import asyncio
from collections.abc import Callable, Generator, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import close_old_connections

from sales.domain.reads import Read
from sales.live.calls import Call, Server
from sales.live.pipeline import Pipeline

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

    async def run[A](self, steps: Generator[Call[Any] | Read[Any], Any, A]) -> A:
        """Drive `steps` to its end and return what it returned. A server's fault is a result, never an exception."""
        result: Any = None
        began_at = asyncio.get_running_loop().time()
        try:
            while True:
                step = steps.send(result)
                result = await (self.read(step) if isinstance(step, Read) else self._ask(step, began_at))
        except StopIteration as done:
            answer: A = done.value
            return answer

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

    def _ask[R](self, call: Call[R], began_at: float) -> "asyncio.Future[R]":
        pipeline = self._pipelines.get(call.server)
        if pipeline is None:
            pipeline = self._pipelines[call.server] = Pipeline(call.server)
        return pipeline.ask(call, urgent=call.script.name in URGENT, began_at=began_at)

    def _in_thread[R](self, run: Callable[[], R]) -> "asyncio.Future[R]":
        return asyncio.get_running_loop().run_in_executor(self._threads, _with_fresh_connections, run)


def _with_fresh_connections[R](run: Callable[[], R]) -> R:
    """Run something that may ask the database; a connection that broke or is too old does not stay with the thread."""
    close_old_connections()
    try:
        return run()
    finally:
        close_old_connections()

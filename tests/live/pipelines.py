"""A pipeline for one test, and what is asked over it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast
from uuid import UUID, uuid4

from sales.live import ledger
from sales.live.calls import Call, Server
from sales.live.pipeline import Pipeline
from sales.live.results import Taken
from tests.live.conftest import EPOCH, LiveSale


def purchase(sale: LiveSale, shopper: str, order_id: UUID | None = None) -> Call[Taken]:
    return ledger.purchase(sale=sale.pk, epoch=EPOCH, shopper=shopper, order_id=order_id or uuid4())


def asking[R](line: Pipeline, call: Call[R], *, urgent: bool = False) -> asyncio.Future[R]:
    """Put a call into the line, and return what will have come of it."""
    coming: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def then(result: R | None, mistake: Exception | None) -> None:
        if mistake:
            coming.set_exception(mistake)
        else:
            coming.set_result(cast("R", result))

    line.ask(call, then, urgent=urgent)
    return coming


def over_a_pipeline[T](ask: Callable[[Pipeline], Awaitable[T]], *, server: Server = Server.LEDGER) -> T:
    """Run something with a pipeline of its own, in an event loop of its own."""

    async def run() -> T:
        line = Pipeline(server)
        try:
            return await ask(line)
        finally:
            line.close()
            await asyncio.sleep(0)

    return asyncio.run(run())

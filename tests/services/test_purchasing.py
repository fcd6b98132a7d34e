"""Driving a pure answer: calls go to the servers, reads are run, and results are sent back in."""

from collections.abc import Generator
from typing import Any
from uuid import uuid4

from sales.domain.outcomes import Outcome
from sales.domain.reads import Read
from sales.live import ledger
from sales.live.results import Taken
from sales.models import LedgerServer
from sales.services import purchasing
from tests.conftest import EPOCH, MakeSale


class TestRun:
    def test_sends_back_what_the_ledger_says(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        def steps() -> Generator[Any, Any, Taken]:
            taken: Taken = yield ledger.purchase(sale=sale.pk, epoch=EPOCH, shopper="u:1", order_id=uuid4())
            return taken

        assert purchasing.run(steps()).outcome is Outcome.BOUGHT

    def test_runs_reads_in_their_turn(self) -> None:
        def steps() -> Generator[Any, Any, list[int]]:
            first = yield Read(lambda: 1)
            second = yield Read(lambda: first + 1)
            return [first, second]

        assert purchasing.run(steps()) == [1, 2]

    def test_returns_an_answer_that_asks_nothing(self) -> None:
        def steps() -> Generator[Any, Any, str]:
            yield from ()
            return "done"

        assert purchasing.run(steps()) == "done"

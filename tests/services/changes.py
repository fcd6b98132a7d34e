"""Changing stock and window and cancelling orders, as tests do it: whole, by halves, at once, and dying half-way."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection as database

from sales.domain.outcomes import Outcome
from sales.domain.states import OrderState
from sales.live import connection
from sales.models import Order, Sale, StockChange
from sales.services import cancelling, changing, faults, lifecycle
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.selling import buy, drain, in_ledger

SELLER = Actor(who="seller@example.com")
OTHER = Actor(who="other@example.com")


def restock(sale: Sale, **given: Any) -> lifecycle.Act:
    return changing.restock(sale_pk=sale.pk, **{"actor": SELLER, "why": "The printer found more.", **given})


def move(sale: Sale, **given: Any) -> lifecycle.Act:
    return changing.move(sale_pk=sale.pk, **{"actor": SELLER, "why": "The ferry is late.", **given})


def ask(sale: Sale, **to: Any) -> StockChange:
    """The first half of a change: on record. Whoever does it dies before the second."""
    return changing._ask(sale_pk=sale.pk, wanted=lambda _sale: to, actor=SELLER, why="Because.")


def on_record(sale: Sale) -> Sale:
    return Sale.objects.get(pk=sale.pk)


def stocks(sale: Sale) -> tuple[int, int]:
    """Return stock on record and in the ledger; the ledger's is never the greater."""
    both = on_record(sale).stock, in_ledger(sale).stock
    assert both[1] <= both[0]
    return both


@contextmanager
def ledger_away(outcome: Outcome = Outcome.UNREACHABLE) -> Iterator[None]:
    """A ledger that does not answer."""
    with pytest.MonkeyPatch.context() as away:
        away.setattr(connection, "run", lambda call: call.failed(outcome))
        yield


class Killed(BaseException):
    """In place of the signal: nothing of ours catches it."""


@contextmanager
def dies_at(point: str, nth: int) -> Iterator[None]:
    """What is done within dies when it passes this point for the nth time."""
    passes = itertools.count(1)

    def reach(name: str) -> None:
        if name == point and next(passes) == nth:
            raise Killed

    with pytest.MonkeyPatch.context() as fault:
        fault.setattr(faults, "reach", reach)
        with pytest.raises(Killed):
            yield


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """Do all of this at the same time; return what each was told: `done`, or the sentence that refused it."""
    told: list[str] = []
    together = threading.Barrier(len(acts))

    def do(act: Callable[[], Any]) -> None:
        together.wait()
        try:
            act()
            told.append("done")
        except Refused as refusal:
            told.append(str(refusal))
        finally:
            database.close()

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def bought(sale: Sale, *shoppers: str) -> list[Order]:
    """Buy one unit for each, and put the orders on record."""
    buy(sale, *shoppers)
    drain(sale)
    return [Order.objects.get(sale=sale, shopper=shopper) for shopper in shoppers]


def cancel(order: Order, *, kept_back: bool = False, why: str = "Torn in the press.") -> lifecycle.Act:
    return cancelling.cancel(order_pk=order.pk, kept_back=kept_back, actor=SELLER, why=why)


def die_before_the_ledger(order: Order, *, kept_back: bool = False) -> Order:
    """The first half of a cancellation: on record. Whoever does it dies before the second."""
    return cancelling._put_on_record(order_pk=order.pk, kept_back=kept_back, actor=SELLER, why="Torn.")


def counted(sale: Sale) -> tuple[int, int]:
    """Return stock and orders on record; the ledger never sells from more than the one."""
    row = Sale.objects.get(pk=sale.pk)
    assert in_ledger(sale).stock <= row.stock
    assert row.recorded == Order.objects.filter(sale=sale, state=OrderState.RECORDED).count()
    return row.stock, row.recorded


def live_numbers(sale: Sale) -> tuple[int, int, int]:
    """Return stock, sold and left in the ledger."""
    seen = in_ledger(sale)
    assert seen.sound
    return seen.stock, seen.sold, seen.left

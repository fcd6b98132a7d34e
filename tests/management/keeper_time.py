"""A keeper under a clock of the test's own: fixtures for the tests of its turns."""

from collections.abc import Callable, Iterator

import pytest

from sales.management.keeping import Keeper

Turns = Callable[..., None]


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keeper(clock: Clock) -> Iterator[Keeper]:
    made = Keeper(clock=clock, sleep=clock.sleep)
    yield made
    made._hang_up()


@pytest.fixture
def turns(keeper: Keeper, clock: Clock) -> Callable[..., None]:
    """Let the keeper work for so many seconds of its clock."""

    def work(seconds: float = 1.5) -> None:
        until = clock.now + seconds
        while clock.now < until:
            clock.sleep(keeper.turn())

    return work

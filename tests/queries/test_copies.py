"""Copies in memory: how old they get, who reads them anew, and what happens while reading fails or hangs."""

import threading
from collections.abc import Callable

import pytest

from sales.queries.copies import Copy, Unavailable

HOUR = 3_600_000


class Source:
    """Counts its readings, and can be made to fail or to wait."""

    def __init__(self) -> None:
        self.readings = 0
        self.is_away = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Event()

    def load(self) -> int:
        self.readings += 1
        self.began.set()
        assert self.may_go_on.wait(10)
        if self.is_away:
            raise ConnectionError("away")
        return self.readings


class Threads:
    """Runs functions side by side and collects what they return."""

    def __init__(self) -> None:
        self.results: list[int] = []
        self._threads: list[threading.Thread] = []

    def start(self, count: int, function: Callable[[], int]) -> None:
        for _ in range(count):
            thread = threading.Thread(target=lambda: self.results.append(function()))
            thread.start()
            self._threads.append(thread)

    def join(self) -> list[int]:
        for thread in self._threads:
            thread.join(10)
        return self.results


@pytest.fixture
def source() -> Source:
    return Source()


def copy_of(source: Source, *, max_age_ms: int = HOUR) -> Copy[int]:
    return Copy(source.load, max_age_ms=lambda: max_age_ms, faults=(ConnectionError,))


class TestCopy:
    def test_reads_once_while_the_value_is_young(self, source: Source) -> None:
        copy = copy_of(source)

        assert [copy.get(), copy.get(), copy.peek()] == [1, 1, 1]

    def test_reads_anew_when_the_value_is_too_old(self, source: Source) -> None:
        copy = copy_of(source, max_age_ms=0)

        assert [copy.get(), copy.get()] == [1, 2]

    def test_peeks_without_reading(self, source: Source) -> None:
        assert copy_of(source).peek() is None
        assert source.readings == 0

    def test_reads_anew_after_it_was_forgotten(self, source: Source) -> None:
        copy = copy_of(source)
        copy.get()

        copy.forget()

        assert copy.peek() is None
        assert copy.get() == 2

    def test_reads_once_for_many_who_ask_at_once(self, source: Source) -> None:
        copy, threads = copy_of(source), Threads()
        source.may_go_on.clear()

        threads.start(20, copy.get)
        assert source.began.wait(10)
        source.may_go_on.set()

        assert threads.join() == [1] * 20
        assert source.readings == 1

    def test_goes_on_with_the_old_value_while_reading_fails(self, source: Source) -> None:
        copy = copy_of(source, max_age_ms=0)
        copy.get()

        source.is_away = True

        assert copy.get() == 1

    def test_does_not_try_again_at_once_after_a_failure(self, source: Source) -> None:
        copy = copy_of(source)
        source.is_away = True

        for _ in range(3):
            with pytest.raises(Unavailable):
                copy.get()

        assert source.readings == 1

    def test_is_unavailable_where_there_never_was_a_value(self, source: Source) -> None:
        source.is_away = True

        with pytest.raises(Unavailable):
            copy_of(source).refresh()

    def test_refreshes_a_value_that_is_still_young(self, source: Source) -> None:
        copy = copy_of(source)
        copy.get()

        assert copy.refresh() == 2

    def test_refreshes_with_a_reading_that_began_after_it_was_asked(self, source: Source) -> None:
        copy, threads = copy_of(source), Threads()
        source.may_go_on.clear()
        threads.start(1, copy.get)
        assert source.began.wait(10)

        threads.start(5, copy.refresh)  # the reading under way may have missed what they want to see
        source.may_go_on.set()

        assert sorted(threads.join()) == [1, 2, 2, 2, 2, 2]

    def test_does_without_a_reading_that_hangs(self, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Copy, "PATIENCE_SECONDS", 0.05)
        copy, threads = copy_of(source, max_age_ms=0), Threads()
        copy.get()
        source.began.clear()
        source.may_go_on.clear()
        threads.start(1, copy.get)
        assert source.began.wait(10)

        assert copy.get() == 1

        source.may_go_on.set()
        assert threads.join() == [2]

    def test_has_less_patience_where_there_is_a_value_before_it(self, source: Source) -> None:
        copy = Copy(source.load, max_age_ms=lambda: 0, faults=(ConnectionError,), patience_seconds=0.05)
        threads = Threads()
        copy.get()
        source.began.clear()
        source.may_go_on.clear()
        threads.start(1, copy.get)
        assert source.began.wait(10)

        assert copy.get() == 1

        source.may_go_on.set()
        assert threads.join() == [2]

    def test_lets_nobody_wait_for_another_try_after_a_failure(self, source: Source) -> None:
        copy, threads = copy_of(source, max_age_ms=0), Threads()
        copy.get()
        source.is_away = True
        copy.get()
        source.began.clear()
        source.may_go_on.clear()
        threads.start(1, copy.get)
        assert source.began.wait(10)

        assert copy.get() == 1  # at once, though a thread is at it

        source.is_away = False
        source.may_go_on.set()
        assert threads.join() == [3]
        assert copy.get() == 4

    def test_keeps_a_failure_as_long_as_a_value_and_no_longer(self, source: Source) -> None:
        copy = Copy(source.load, max_age_ms=lambda: HOUR, is_failure=lambda value: value == 1)

        assert [copy.get(), copy.get(), copy.refresh(), copy.get()] == [1, 1, 2, 2]

"""Carries out a pure answer: runs the calls and reads it asks for, until it has its result.

What is asked, in which order and why, is in `sales.answers`; this is how synchronous code does it.
"""

from collections.abc import Generator
from typing import Any

from sales.domain.reads import Read
from sales.live import connection
from sales.live.calls import Call


def run[A](steps: Generator[Call[Any] | Read[Any], Any, A]) -> A:
    """Drive `steps` to its end and return what it returned. A server's fault is a result, never an exception."""
    result: Any = None
    try:
        while True:
            step = steps.send(result)
            result = step.run() if isinstance(step, Read) else connection.run(step)
    except StopIteration as done:
        answer: A = done.value
        return answer

"""Shoppers of a run: each asks until they are told yes or no, and everything that they hear is written down.

Some click twice, some have two tabs open, some are gone as soon as they have sent their request and come back.
"""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.faults.history import UNDECIDED, History, Question, Told
from tests.running_demo import SLUG

AT_ONCE = 12
PATIENCE_SECONDS = 45.0
ANSWER_SECONDS = 4.0
PURCHASE = "/api/flashsale/purchase"


def now_ms() -> int:
    """Return the time as the servers of this machine see it."""
    return time.time_ns() // 1_000_000


class Shopper:
    """Somebody who buys over a connection of their own, and writes down what they hear."""

    def __init__(self, url: str, history: History, name: str, client: httpx.Client) -> None:
        self._url, self._history, self.name, self._client = url, history, name, client

    def buy(self, *, key: str | None = None) -> Told:
        """Ask once. `key` is the Idempotency-Key, this shopper's only one where it is left out; empty: none."""
        key = f"only-{self.name}" if key is None else key
        headers = {"Idempotency-Key": key} if key else {}
        return self._note(key, lambda: self._client.post(PURCHASE, json=self._wish, headers=headers))

    def buy_until_told(self, *, key: str | None = None, seconds: float = PATIENCE_SECONDS) -> Told:
        """Ask again and again, with the same key, until the answer is yes or no."""
        until = time.monotonic() + seconds
        while (told := self.buy(key=key)).status in UNDECIDED and time.monotonic() < until:
            time.sleep(0.1)
        return told

    def look_up(self) -> Told:
        """Ask once what this shopper has."""
        asked = f"/api/flashsale/user/{self.name}/purchase/{SLUG}"
        return self._note("", lambda: self._client.get(asked), Question.LOOK_UP)

    def click_twice(self, *, key: str | None = None) -> None:
        """Ask twice at once, over two connections; without a key these are two tabs."""
        with httpx.Client(base_url=self._url, timeout=ANSWER_SECONDS) as other:
            twin = Shopper(self._url, self._history, self.name, other)
            thread = threading.Thread(target=twin.buy, kwargs={"key": key})
            thread.start()
            self.buy(key=key)
            thread.join()

    def send_and_go(self) -> None:
        """Send the request and close the connection without waiting for the answer."""
        asked_ms = now_ms()
        body = json.dumps(self._wish).encode()
        head = (
            f"POST {PURCHASE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: only-{self.name}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        address = httpx.URL(self._url)
        try:
            with socket.create_connection(("127.0.0.1", address.port or 80), timeout=1) as line:
                line.sendall(head.encode() + body)
        except OSError:
            pass  # the web server is down: nothing was sent, and nobody here can tell
        self._history.told.append(
            Told(
                shopper=self.name, status=0, key=f"only-{self.name}", message="gone", asked_ms=asked_ms,
                answered_ms=now_ms(),
            )
        )  # fmt: skip

    @property
    def _wish(self) -> dict[str, str]:
        return {"userId": self.name, "flashSaleId": SLUG}

    def _note(self, key: str, ask: Callable[[], httpx.Response], question: Question = Question.PURCHASE) -> Told:
        asked_ms = now_ms()
        try:
            answer = ask()
        except httpx.HTTPError as fault:
            status, said = 0, {"error": type(fault).__name__}
        else:
            status, said = answer.status_code, _said(answer)
        told = Told(
            shopper=self.name, question=question, status=status, key=key, asked_ms=asked_ms, answered_ms=now_ms(),
            message=str(said.get("message", said.get("error", ""))).lower(), **_purchase_in(said, question, status),
        )  # fmt: skip
        self._history.told.append(told)
        return told


def _said(answer: httpx.Response) -> dict[str, Any]:
    try:
        said: dict[str, Any] = answer.json()
    except json.JSONDecodeError:
        return {"error": answer.text[:80]}
    return said


def _purchase_in(said: dict[str, Any], question: Question, status: int) -> dict[str, Any]:
    if question is Question.PURCHASE:
        return {
            "purchase_id": said.get("purchaseId", ""),
            "unit": said.get("unit", 0),
            "order_status": said.get("orderStatus", ""),
        }
    if status != 200:
        return {}
    newest = said.get("purchase", {})
    known = said.get("purchases", [newest] if newest else [])
    return {
        "purchase_id": newest.get("id", ""),
        "order_status": newest.get("status", ""),
        "known": tuple(each["id"] for each in known),
    }


class Crowd:
    """Shoppers without end, some at once."""

    def __init__(self, url: str, history: History) -> None:
        self._url, self._history = url, history
        self._over = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._shop) for _ in range(AT_ONCE)]

    def start(self) -> None:
        """Let them in."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let nobody else in, and wait for those who are still asking."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _shop(self) -> None:
        with httpx.Client(base_url=self._url, timeout=ANSWER_SECONDS) as client:
            while not self._over.is_set():
                number = next(self._numbers)
                self._visit(Shopper(self._url, self._history, f"s{number}", client), number)
                time.sleep(0.02)

    @staticmethod
    def _visit(shopper: Shopper, number: int) -> None:
        key = "" if number % 8 == 5 else None
        match number % 8:
            case 1:
                shopper.send_and_go()
            case 3 | 5:
                shopper.click_twice(key=key)
        if shopper.buy_until_told(key=key).won and number % 2:
            shopper.look_up()

"""What the lane does besides answering alike: bodies that come slowly, reads at once, counting, and what it leaves."""

import asyncio
import threading
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.urls import resolve

from sales.domain.rates import Rate
from sales.domain.reads import Read
from sales.lane import driving, routes
from sales.lane.app import Lane
from sales.lane.driving import Driver
from sales.live import connection
from sales.models import Sale
from tests.lane.both import Got, Sent, ask, scope_of, through_django
from tests.lane.conftest import MakeTwin


@pytest.fixture
def sale(make_twin: MakeTwin) -> Sale:
    return make_twin("twin-a", "live")


async def many(*requests: Sent, body_seconds: float = 10.0, settle: bool = False, **more: Any) -> list[Got]:
    """Send these to one lane, at the same time; with `settle` one after another, counted in between."""
    lane = Lane(get_wsgi_application(), threads=2, body_seconds=body_seconds)
    try:
        if not settle:
            return await asyncio.gather(*(ask(lane, sent, **more) for sent in requests))
        got = []
        for sent in requests:
            got.append(await ask(lane, sent, **more))
            await lane.counting.settle()
        return got
    finally:
        await lane.close()


class TestABody:
    @pytest.mark.parametrize("path", ["/api/flashsale/purchase", "/sales/twin-a/buy", "/accounts/login/", "/api/x"])
    def test_that_does_not_come_in_time_is_given_up(self, sale: Sale, path: str) -> None:
        sent = Sent(method="POST", target=path, body=b"a=", headers={"content-length": "900"})

        (got,) = asyncio.run(many(sent, body_seconds=0.05, never_whole=True))

        assert (got.status, got.headers["connection"]) == (408, "close")
        assert ("came too slowly" in got.text) is not path.startswith("/api")
        assert got.headers["content-security-policy"]

    def test_is_read_before_a_thread_is_taken(self, sale: Sale) -> None:
        slow = Sent(method="POST", target="/accounts/login/", body=b"a=", headers={"content-length": "900"})
        page = Sent(target="/accounts/login/")

        async def both() -> Got:
            lane = Lane(get_wsgi_application(), threads=1, body_seconds=30.0)
            waiting = [asyncio.create_task(ask(lane, slow, never_whole=True)) for _ in range(20)]
            try:
                return await asyncio.wait_for(ask(lane, page), timeout=20)
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                await lane.close()

        assert asyncio.run(both()).status == 200

    def test_of_somebody_who_left_is_nobodys(self, sale: Sale) -> None:
        said: list[Any] = []

        async def leave() -> None:
            lane = Lane(get_wsgi_application(), threads=1)
            parts = iter([{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}])

            async def receive() -> Any:
                return next(parts)

            async def send(message: Any) -> None:
                said.append(message)

            sent = Sent(method="POST", target="/api/flashsale/purchase", body=b"a")
            await lane(scope_of(sent), receive, send)
            await lane.close()

        asyncio.run(leave())

        assert said == []


class TestARead:
    def test_is_one_however_many_ask(self) -> None:
        began, let_go, count = threading.Event(), threading.Event(), []

        def run() -> int:
            count.append(1)
            began.set()
            assert let_go.wait(10)
            return len(count)

        async def rush() -> list[int]:
            driver = Driver()
            asked = [asyncio.create_task(driver.read(Read(run, key="the same"))) for _ in range(50)]
            assert await asyncio.to_thread(began.wait, 10)
            let_go.set()
            found = list(await asyncio.gather(*asked))
            await driver.close()
            return found

        assert asyncio.run(rush()) == [1] * 50

    def test_that_hangs_is_asked_for_once_more_beside_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(driving, "SLOW_SECONDS", 0.05)
        let_go, count = threading.Event(), []

        def run() -> int:
            count.append(1)
            if len(count) == 1:
                assert let_go.wait(10)
                return 1
            return 2

        async def wait() -> list[int]:
            driver = Driver()
            found = list(await asyncio.gather(*(driver.read(Read(run, key="the same")) for _ in range(3))))
            found.append(await driver.read(Read(run, key="the same")))
            let_go.set()
            await driver.close()
            return found

        assert asyncio.run(wait()) == [2] * 4

    def test_of_numbers_asks_the_ledger_once(self, sale: Sale, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.SALES = replace(settings.SALES, snapshot_max_age_ms=60_000, catalogue_max_age_ms=60_000)
        calls = []
        run = connection.run

        def running(call: Any) -> Any:
            calls.append(call.script.name)
            return run(call)

        monkeypatch.setattr(connection, "run", running)
        status, panel = Sent(target="/api/flashsale/status/twin-a"), Sent(target="/sales/twin-a/panel")

        got = asyncio.run(many(*[status, panel] * 20))

        assert {each.status for each in got} == {200}
        assert calls == ["snapshot"]

    def test_gives_each_a_delay_and_a_time_of_their_own(self, sale: Sale, settings: Any) -> None:
        settings.SALES = replace(settings.SALES, snapshot_max_age_ms=60_000, catalogue_max_age_ms=60_000)

        got = asyncio.run(many(*[Sent(target="/sales/twin-a/panel")] * 20, *[Sent(target="/sales/twin-a/")] * 20))

        panels, pages = got[:20], got[20:]
        assert len({each.headers["etag"] for each in panels}) == 1
        assert len({each.body for each in panels}) > 10
        assert len({each.body for each in pages}) > 10


class TestAWorker:
    def test_has_asked_the_middleware_before_the_first_request_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        async def live() -> None:
            lane = Lane(get_wsgi_application(), threads=1)
            monkeypatch.setattr(lane._frames, "around", lambda path, *_: asked.append(path))
            messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

            async def receive() -> Any:
                return next(messages)

            async def send(message: Any) -> None:
                asked.append(message["type"])

            await lane({"type": "lifespan"}, receive, send)

        asyncio.run(live())

        assert asked == [routes.API, "lifespan.startup.complete", "lifespan.shutdown.complete"]


class TestCounting:
    @pytest.fixture(autouse=True)
    def few(self, settings: Any) -> None:
        limits = replace(
            settings.SALES.limits,
            on=True,
            panel_per_address=Rate(count=3, seconds=3_600),
            page_per_address=Rate(count=3, seconds=3_600),
        )
        settings.SALES = replace(settings.SALES, limits=limits)

    @pytest.mark.parametrize("target", ["/api/flashsale/status/twin-a", "/sales/twin-a/panel", "/sales/twin-a/"])
    def test_refuses_what_is_too_often_as_django_does(self, sale: Sale, target: str) -> None:
        lane = asyncio.run(many(*[Sent(target=target, peer="192.0.2.1")] * 5, settle=True))
        django = [through_django(Sent(target=target, peer="192.0.2.2")) for _ in range(5)]

        assert [each.status for each in lane] == [each.status for each in django] == [200, 200, 200, 429, 429]
        assert lane[4].headers["content-type"] == django[4].headers["content-type"]

    @pytest.mark.parametrize("target", ["/api/flashsale/status/twin-a", "/sales/twin-a/panel", "/sales/twin-a/"])
    def test_is_one_count_with_django(self, sale: Sale, target: str) -> None:
        sent = Sent(target=target, peer="192.0.2.1")

        got = [asyncio.run(many(sent, settle=True))[0], through_django(sent), asyncio.run(many(sent, settle=True))[0]]

        assert [each.status for each in got] == [200, 200, 200]
        assert through_django(sent).status == 429


class TestTheRoutes:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/flashsale/purchase"),
            ("POST", "/api/flashsale/confirm"),
            ("POST", "/api/flashsale/release"),
            ("POST", "/api/flashsale/extend"),
            ("GET", "/api/flashsale/status/a-sale"),
            ("GET", "/api/flashsale/user/a/b/purchase/a-sale"),
            ("GET", "/health"),
            ("GET", "/sales/a-sale/panel"),
            ("POST", "/sales/a-sale/buy"),
            ("POST", "/sales/a-sale/confirm"),
            ("POST", "/sales/a-sale/let-go"),
            ("POST", "/sales/a-sale/extend"),
        ],
    )
    def test_are_those_of_django(self, method: str, path: str) -> None:
        hot = routes.find(method, path)

        assert hot
        assert hot.name == resolve(path).view_name

    def test_have_the_page_of_django(self) -> None:
        assert routes.page_slug("GET", "/sales/a-sale/") == resolve("/sales/a-sale/").kwargs["slug"] == "a-sale"

    @pytest.mark.parametrize("path", ["/", "/ready", "/sales/", "/sales/a/mine", "/sales/é/panel", "/sales/a b/"])
    def test_have_nothing_else(self, path: str) -> None:
        asked = partial(routes.find, path=path)

        assert [asked("GET"), asked("POST"), asked("HEAD"), routes.page_slug("GET", path)] == [None, None, None, ""]

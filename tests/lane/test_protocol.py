"""The shortcuts past the messages of ASGI: the same answers to the letter, in their order, and none twice."""

import asyncio
import gc
from dataclasses import replace

import pytest
from django.core.wsgi import get_wsgi_application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sales.lane import writing
from sales.lane.app import Lane
from sales.lane.protocol import LaneProtocol
from sales.models import Sale
from tests.lane.both import Got, Sent, through_lane
from tests.lane.conftest import MakeTwin
from tests.lane.corpus import api
from tests.lane.wire import Answers, Line, began, raw, served


@pytest.fixture
def sale(make_twin: MakeTwin) -> Sale:
    return make_twin("twin-a", "live")


STATUS = Sent(target="/api/flashsale/status/twin-a")


def plain(got: Got) -> tuple[int, dict[str, str]]:
    """Return what must be the same, but for what is of the moment."""
    moments = ("x-request-id", "x-server-time", "date")
    return got.status, {name: value for name, value in got.headers.items() if name not in moments}


class TestAnAnswerInOne:
    @pytest.mark.parametrize(
        "sent",
        [
            STATUS,
            STATUS.with_header("origin", "https://partner.example"),
            Sent(target="/sales/twin-a/"),
            Sent(target="/health"),
            api("/api/flashsale/purchase", {"userId": "", "flashSaleId": "twin-a"}),
            api("/api/flashsale/purchase", b"x" * 20_000),
            Sent(method="POST", target="/api/flashsale/purchase", body=b"{}"),
        ],
    )
    def test_is_that_of_the_messages(self, sale: Sale, sent: Sent) -> None:
        (got,), _ = served(raw(sent))

        assert plain(got) == plain(through_lane(sent))
        assert len(got.headers["x-request-id"]) == 16

    @pytest.mark.parametrize("slow_reader", [False, True])
    def test_to_requests_that_came_together_keeps_their_order(self, sale: Sale, slow_reader: bool) -> None:
        buys = [api("/api/flashsale/purchase", {"userId": f"user-{n}", "flashSaleId": "twin-a"}) for n in range(2)]
        packet = b"".join(map(raw, (buys[0], STATUS, buys[1], Sent(target="/health"))))

        got, _ = served(packet, count=4, slow_reader=slow_reader)

        assert [each.status for each in got] == [200] * 4
        assert [b'"unit":1' in got[0].body, b'"id":"twin-a"' in got[1].body, b'"unit":2' in got[2].body] == [True] * 3

    def test_waits_for_a_body_that_comes_in_parts(self, sale: Sale) -> None:
        whole = raw(api("/api/flashsale/purchase", {"userId": "somebody", "flashSaleId": "twin-a"}))

        (got,), line = served(whole[:-20], whole[-20:-10], whole[-10:])

        assert (got.status, line.closed) == (200, False)

    def test_ends_the_connection_where_that_was_asked_for(self, sale: Sale) -> None:
        (got,), line = served(raw(STATUS.with_header("connection", "close")))

        assert (got.headers["connection"], line.closed) == ("close", True)

    def test_is_never_given_twice_to_what_is_no_http(self, sale: Sale) -> None:
        (got,), line = served(raw(STATUS) + b"\x00nonsense\r\n\r\n")

        assert (got.status, line.closed, line.written.count(b"HTTP/1.1 ")) == (400, True, 1)


class TestTheSameWordsAgain:
    """A head that is known is not read again; whatever differs in one byte, or does not come whole, is."""

    @staticmethod
    def buy(user: str, **more: str) -> bytes:
        sent = api("/api/flashsale/purchase", {"userId": user, "flashSaleId": "twin-a"})
        for name, value in more.items():
            sent = sent.with_header(name.replace("_", "-"), value)
        return raw(sent)

    def test_are_answered_as_if_they_were_read(self, sale: Sale, parsed: list[bytes]) -> None:
        packets = [self.buy(f"user-{n}") for n in range(3)]

        got, _ = served(*packets, count=3, in_turn=True)

        assert [each.status for each in got] == [200] * 3
        assert [f'"unit":{n + 1}'.encode() in each.body for n, each in enumerate(got)] == [True] * 3
        assert len({each.headers["x-request-id"] for each in got}) == 3
        assert len(parsed) == 1

    def test_but_with_another_header_are_read(self, sale: Sale, parsed: list[bytes]) -> None:
        got, _ = served(self.buy("user-1"), self.buy("user-2", x_request_id="one-of-my-own"), count=2, in_turn=True)

        assert [each.status for each in got] == [200, 200]
        assert (got[1].headers["x-request-id"], len(parsed)) == ("one-of-my-own", 2)

    def test_with_a_longer_body_are_read(self, sale: Sale, parsed: list[bytes]) -> None:
        got, _ = served(self.buy("user-1"), self.buy("user-1000"), self.buy("user-2"), count=3, in_turn=True)

        assert [f'"unit":{n + 1}'.encode() in each.body for n, each in enumerate(got)] == [True] * 3
        assert len(parsed) == 3

    def test_that_come_in_parts_are_read(self, sale: Sale, parsed: list[bytes]) -> None:
        second, third = self.buy("user-2"), self.buy("user-3")

        got, _ = served(self.buy("user-1"), second[:40], second[40:-9], second[-9:], third, count=3, in_turn=True)

        assert [each.status for each in got] == [200] * 3
        assert len(parsed) == 4  # a known head again once nothing is half read

    def test_that_come_while_another_is_answered_keep_their_order(self, sale: Sale) -> None:
        got, _ = served(self.buy("user-1"), self.buy("user-2") + self.buy("user-3"), count=3)

        assert [f'"unit":{n + 1}'.encode() in each.body for n, each in enumerate(got)] == [True] * 3

    @pytest.mark.parametrize("more", [{"transfer_encoding": "chunked"}, {"expect": "100-continue"}])
    def test_of_a_special_head_are_read(self, sale: Sale, parsed: list[bytes], more: dict[str, str]) -> None:
        body = b'{"userId":"somebody","flashSaleId":"twin-a"}'
        sent = api("/api/flashsale/purchase", body)
        for name, value in more.items():
            sent = sent.with_header(name.replace("_", "-"), value)
        if "transfer_encoding" in more:
            sent = replace(sent, chunked=True)

        got, _ = served(raw(sent), raw(sent), count=2, in_turn=True)

        assert [each.status for each in got][-1] in (200, 400)  # bought, and then: already
        assert len(parsed) == 2

    @pytest.fixture
    def parsed(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """Return what the parser is fed."""
        fed: list[bytes] = []
        read = HttpToolsProtocol.data_received

        def noted(protocol: HttpToolsProtocol, data: bytes) -> None:
            fed.append(data)
            read(protocol, data)

        monkeypatch.setattr(HttpToolsProtocol, "data_received", noted)
        return fed


class TestAMistake:
    """Of the application: the server says 500, as it does for any other."""

    @pytest.mark.parametrize("where", ["at once", "later"])
    def test_is_answered_and_logged(
        self, sale: Sale, where: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def broken(_lane: Lane, *_: object) -> bool:
            raise RuntimeError(where)

        if where == "at once":
            monkeypatch.setattr(Lane, "take", broken)
        else:
            monkeypatch.setattr("sales.lane.app.write_at_once", broken)

        (got,), line = served(raw(STATUS))

        assert (got.status, line.closed) == (500, True)
        assert f"RuntimeError: {where}" in capfd.readouterr().err


class TestRequests:
    def test_leave_nothing_to_the_garbage_collector(self, sale: Sale) -> None:
        """A ring of objects for each would cost a tenth of a worker's time in the rush of an opening."""
        buys = [api("/api/flashsale/purchase", {"userId": f"user-{n}", "flashSaleId": "twin-a"}) for n in range(20)]

        async def left_after(asked: list[Sent]) -> int:
            lane = Lane(get_wsgi_application(), threads=1)
            protocol, _, line = await began(lane)
            for count, sent in enumerate(asked, start=1):
                if count == 2:  # the first has made what is made once
                    gc.collect()
                protocol.data_received(raw(sent))
                while line.written.count(b"HTTP/1.1 ") < count:
                    await asyncio.sleep(0.001)
            try:
                return gc.collect()
            finally:
                protocol.connection_lost(None)
                await lane.close()

        gc.disable()
        try:
            assert asyncio.run(left_after(buys)) < len(buys)
        finally:
            gc.enable()


class TestALeavingServer:
    @staticmethod
    def asked_after(protocol: type[HttpToolsProtocol], monkeypatch: pytest.MonkeyPatch) -> tuple[Line, bool]:
        """Let a server leave, and ask on a connection on which nothing was under way; return it, and its end."""
        monkeypatch.setattr("sales.lane.protocol.LEAVING_SECONDS", 0.05)

        async def leave() -> tuple[Line, bool]:
            lane = Lane(get_wsgi_application(), threads=1)
            connection, _, line = await began(lane, protocol)
            _, _, idle = other = await began(lane, protocol)
            connection.shutdown()
            other[0].shutdown()
            if not line.closed:
                connection.data_received(raw(Sent(target="/health")))
            await asyncio.sleep(0.2)
            await lane.close()
            return line, idle.closed

        return asyncio.run(leave())

    def test_answers_what_was_on_its_way_and_says_that_it_was_the_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line, idle_closed = self.asked_after(LaneProtocol, monkeypatch)

        (got,) = Answers(line.written).all(count=1)
        assert (got.status, got.headers["connection"], line.closed, idle_closed) == (200, "close", True, True)

    def test_of_uvicorns_own_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line, _ = self.asked_after(HttpToolsProtocol, monkeypatch)

        assert (line.written, line.closed) == (b"", True)

    def test_does_not_keep_a_connection_that_was_accepted_in_that_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sales.lane.protocol.LEAVING_SECONDS", 0.01)

        async def accept() -> bool:
            lane = Lane(get_wsgi_application(), threads=1)
            connection, state, _ = await began(lane)
            state.leaving = True
            late = Line()
            connection.connection_made(late)  # type: ignore[arg-type]
            await asyncio.sleep(0.1)
            await lane.close()
            return late.closed

        assert asyncio.run(accept())


class TestAHeader:
    def test_cannot_begin_another_line(self) -> None:

        with pytest.raises(ValueError, match="end of a line"):
            writing._lines((("Location", "/\r\nSet-Cookie: a=b"),))

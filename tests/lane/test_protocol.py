"""The shortcuts past the messages of ASGI: the same answers to the letter, in their order, and none twice."""

import asyncio
import gc
from http.client import HTTPResponse
from io import BytesIO
from typing import Any

import pytest
import uvicorn
from django.core.wsgi import get_wsgi_application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sales.lane import writing
from sales.lane.app import Lane
from sales.lane.protocol import LaneProtocol, State
from sales.models import Sale
from tests.lane.both import Got, Sent, through_lane
from tests.lane.conftest import MakeTwin
from tests.lane.corpus import api


@pytest.fixture
def sale(make_twin: MakeTwin) -> Sale:
    return make_twin("twin-a", "live")


class Line:
    """The server's end of a connection that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("203.0.113.7", 50_000), "sockname": ("127.0.0.1", 8_000)}.get(name, default)

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Answers:
    """What stands on the wire, read as a client reads it."""

    def __init__(self, written: bytes) -> None:
        self._wire = BytesIO(written)

    def makefile(self, _mode: str) -> BytesIO:
        return self._wire

    def all(self, *, count: int) -> list[Got]:
        found = []
        for _ in range(count):
            answer = HTTPResponse(self)  # type: ignore[arg-type]
            answer.fp.close = lambda: None  # type: ignore[method-assign] # the next one is in it
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            found.append(Got(answer.status, headers, answer.read()))
        return found


def raw(sent: Sent) -> bytes:
    head = b"".join(b"%s: %s\r\n" % header for header in sent.on_the_wire)
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (sent.method.encode(), sent.target.encode(), head) + (sent.body or b"")


async def began(lane: Lane, protocol: type[HttpToolsProtocol] = LaneProtocol) -> tuple[HttpToolsProtocol, State, Line]:
    """Begin a connection to a server of one."""
    config = uvicorn.Config(lane, log_config=None, access_log=False, http=protocol, lifespan="off")
    config.load()
    line, state = Line(), State()
    connection = protocol(config=config, server_state=state, app_state={})
    connection.connection_made(line)  # type: ignore[arg-type]
    return connection, state, line


def served(*packets: bytes, count: int = 1, slow_reader: bool = False) -> tuple[list[Got], Line]:
    """Send these packets over one connection, and wait until so many answers are written."""

    async def serve() -> Line:
        lane = Lane(get_wsgi_application(), threads=1)
        protocol, _, line = await began(lane)
        if slow_reader:
            protocol.pause_writing()
        try:
            for packet in packets:
                protocol.data_received(packet)
                await asyncio.sleep(0)
            protocol.resume_writing()
            async with asyncio.timeout(30):
                while line.written.count(b"HTTP/1.1 ") < count:
                    await asyncio.sleep(0.001)
        finally:
            protocol._unset_keepalive_if_required()
            await lane.close()
        return line

    line = asyncio.run(serve())
    return Answers(line.written).all(count=count), line


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
                protocol._unset_keepalive_if_required()
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

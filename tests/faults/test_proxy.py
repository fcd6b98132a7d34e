"""The proxy does to bytes what it says, and to nothing else."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import override

import pytest

from tests.faults.proxy import Doing, Proxy, Rule

SOON = 0.2
LONG = 5.0
REQUEST = b"give me a unit\n"
REPLY = b"number 63 is yours\n"


class Answering(socketserver.StreamRequestHandler):
    """Answers each line with the same reply, and notes what it heard."""

    @override
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        while heard := self.rfile.readline():
            server.heard.append(heard)
            server.came.set()
            self.wfile.write(REPLY)


class Server(socketserver.ThreadingTCPServer):
    """A server to stand behind the proxy."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.heard: list[bytes] = []
        self.came = threading.Event()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Take a connection that was reset for what it is here."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    host, port = "127.0.0.1", server.server_address[1]
    with Proxy((host, port)) as between:
        yield between


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=LONG) as connected:
        yield connected


def reply_to(client: socket.socket, *, within: float = LONG) -> bytes:
    """Send the request and return what comes back in this time, to the end of the line."""
    client.sendall(REQUEST)
    return whole(client, within=within)


def whole(client: socket.socket, *, within: float = LONG) -> bytes:
    """Return what comes in this time, to the end of the line or of the connection."""
    client.settimeout(within)
    got = b""
    try:
        while not got.endswith(b"\n") and (more := client.recv(100)):
            got += more
    except TimeoutError:
        pass
    return got


class TestProxy:
    def test_passes_everything_on(self, client: socket.socket, server: Server) -> None:
        assert [reply_to(client), reply_to(client)] == [REPLY, REPLY]
        assert server.heard == [REQUEST, REQUEST]

    def test_delays_each_direction(self, client: socket.socket, proxy: Proxy) -> None:
        proxy.set(requests=Rule(Doing.DELAY, 0.1), replies=Rule(Doing.DELAY, 0.1, jitter=0.05))
        began = time.monotonic()

        assert reply_to(client) == REPLY
        assert time.monotonic() - began >= 0.2

    def test_delivers_what_is_late_though_its_sender_is_gone(
        self, client: socket.socket, proxy: Proxy, server: Server
    ) -> None:
        proxy.set(requests=Rule(Doing.DELAY, 0.1))

        client.sendall(REQUEST)
        client.close()

        assert server.came.wait(LONG)

    def test_holds_a_request_until_it_is_healed(self, client: socket.socket, proxy: Proxy, server: Server) -> None:
        proxy.set(requests=Rule(Doing.HOLD))

        assert reply_to(client, within=SOON) == b""
        assert server.heard == []
        proxy.heal()
        assert whole(client) == REPLY

    def test_swallows_a_request(self, client: socket.socket, proxy: Proxy, server: Server) -> None:
        proxy.set(requests=Rule(Doing.SWALLOW))

        assert reply_to(client, within=SOON) == b""
        assert server.heard == []

    def test_swallows_a_reply_after_the_request_was_delivered(
        self, client: socket.socket, proxy: Proxy, server: Server
    ) -> None:
        proxy.set(replies=Rule(Doing.SWALLOW))

        assert reply_to(client, within=SOON) == b""
        assert server.heard == [REQUEST]

    def test_delivers_half_a_reply_and_nothing_after_it(self, client: socket.socket, proxy: Proxy) -> None:
        proxy.set(replies=Rule(Doing.HALVE))

        assert reply_to(client, within=SOON) == REPLY[: len(REPLY) // 2]

    def test_resets_a_connection_that_lost_bytes_when_it_is_healed(self, client: socket.socket, proxy: Proxy) -> None:
        proxy.set(replies=Rule(Doing.SWALLOW))
        reply_to(client, within=SOON)

        proxy.heal()

        with pytest.raises(ConnectionResetError):
            reply_to(client)
        with socket.create_connection(("127.0.0.1", proxy.port)) as another:
            assert reply_to(another) == REPLY

    def test_cuts_in_the_middle_of_a_reply(self, client: socket.socket, proxy: Proxy) -> None:
        proxy.set(replies=Rule(Doing.CUT))

        assert reply_to(client) == REPLY[: len(REPLY) // 2]
        assert client.recv(1) == b""

    @pytest.mark.parametrize(
        ("switch", "heard"),
        [
            (lambda proxy: proxy.set(requests=Rule(Doing.RESET)), []),
            (lambda proxy: proxy.set(replies=Rule(Doing.RESET)), [REQUEST]),
        ],
    )
    def test_resets(
        self,
        client: socket.socket,
        proxy: Proxy,
        server: Server,
        switch: Callable[[Proxy], None],
        heard: list[bytes],
    ) -> None:
        switch(proxy)

        with pytest.raises(ConnectionResetError):
            reply_to(client)
        assert server.heard == heard

    def test_resets_who_connects_where_nobody_listens(self, tmp_path: Path) -> None:
        with (
            Proxy(tmp_path / "nobody.sock") as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=LONG) as client,
            pytest.raises(ConnectionResetError),
        ):
            client.recv(1)

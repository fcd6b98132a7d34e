"""Where the site's servers are, and how each of them is spoken to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import mailers
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.utils import ConnectionHandler
from django_redis import get_redis_connection
from redis.exceptions import TimeoutError as RedisTimeoutError

from flashsale_site import reading, servers
from flashsale_site.environment import PROJECT
from sales.domain.sockets import socket_path
from tests.site.given import GOOD_KEY, demo, shop

FULL = 2  # what SQLite calls it
HELLO = (
    b"%7\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n9.0.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n"
    b"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
)


class SilentServer:
    """Greets who connects, then takes every command and never answers: one that is slow, not gone."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.received: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(taken,), daemon=True).start()

    def _talk(self, taken: socket.socket) -> None:
        with taken:
            while command := taken.recv(65_536):
                if b"HELLO" in command:
                    taken.sendall(HELLO)
                elif b"CLIENT" in command:
                    taken.sendall(b"+OK\r\n")
                else:
                    self.received.append(command)

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    with closing(SilentServer()) as server:
        yield server


class TestTheConnectionToTheLedger:
    @pytest.fixture
    def connection(self, silent: SilentServer, settings: Any) -> Iterator[Any]:
        settings.CACHES = servers.caches(reading.read(demo(REDIS_URL=silent.url, LEDGER_ANSWER_TIMEOUT_MS="100")))
        taken = get_redis_connection("ledger")
        yield taken
        taken.connection_pool.disconnect()

    def test_sends_a_command_once_however_it_ends(self, connection: Any, silent: SilentServer):
        with pytest.raises(RedisTimeoutError):
            connection.incr("once")

        assert len(silent.received) == 1

    def test_would_send_it_again_if_it_were_told_to(self, silent: SilentServer, settings: Any):
        """The broken twin: with redis-py's retries the server is asked more than once."""
        caches = servers.caches(reading.read(demo(REDIS_URL=silent.url, LEDGER_ANSWER_TIMEOUT_MS="100")))
        pool = caches["ledger"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]
        pool["retry"]._retries = 2
        settings.CACHES = caches
        taken = get_redis_connection("ledger")

        with pytest.raises(RedisTimeoutError):
            taken.incr("once")
        taken.connection_pool.disconnect()

        assert len(silent.received) == 3

    def test_waits_as_long_as_the_settings_say(self, connection: Any):
        one = connection.connection_pool.get_connection()

        assert one.socket_connect_timeout == 0.25
        assert one.socket_timeout == 0.1
        assert one.retry.get_retries() == 0
        connection.connection_pool.release(one)

    def test_is_one_of_a_bounded_number(self, connection: Any):
        assert connection.connection_pool.max_connections == 64
        assert connection.connection_pool.timeout == 0.25


class TestTheAddresses:
    def test_are_those_of_the_settings(self):
        read = reading.read(shop())

        assert servers.ledger_url(read) == "redis://ledger.example:6379/0"
        assert servers.cache_url(read) == "redis://cache.example:6379/0"

    def test_are_sockets_in_the_data_folder_where_nobody_named_a_server(self, tmp_path: Path):
        folder = tmp_path / "a b%c"
        read = reading.read(demo(DATA_DIR=str(folder)))

        assert servers.ledger_url(read) == f"unix://{tmp_path}/a%20b%25c/ledger.sock?db=0"
        assert servers.cache_url(read) == f"unix://{tmp_path}/a%20b%25c/cache.sock?db=0"

    def test_follow_a_socket_that_had_to_move(self, tmp_path: Path):
        folder = tmp_path / ("deep" * 30)
        read = reading.read(demo(DATA_DIR=str(folder)))

        assert str(socket_path(folder, "ledger.sock")) in servers.ledger_url(read)


class TestTheRecord:
    def test_is_sqlite_that_writes_through_unless_told_otherwise(self, tmp_path: Path, django_db_blocker: Any):
        config = servers.databases(reading.read(demo(DATA_DIR=str(tmp_path))))["default"]

        assert config["NAME"] == tmp_path / "record.sqlite3"
        assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        made = DatabaseWrapper(ConnectionHandler({"default": config}).settings["default"])
        with django_db_blocker.unblock(), closing(made), made.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert cursor.execute("PRAGMA synchronous").fetchone() == (FULL,)
            assert cursor.execute("PRAGMA cache_size").fetchone() == (-16_384,)  # KiB
            assert cursor.execute("PRAGMA wal_autocheckpoint").fetchone() == (4_000,)  # pages

    def test_may_be_another_file(self):
        absolute = servers.databases(reading.read(shop(DATABASE_URL="sqlite:////srv/shop.sqlite3")))
        relative = servers.databases(reading.read(shop(DATABASE_URL="sqlite:///var/shop.sqlite3")))

        assert absolute["default"]["NAME"] == Path("/srv/shop.sqlite3")
        assert relative["default"]["NAME"] == PROJECT / "var/shop.sqlite3"

    def test_may_be_postgresql_which_then_commits_to_disk(self):
        url = "postgres://keeper:p%40ss@db.example:5433/shop?sslmode=require&options=-c%20synchronous_commit%3Doff"
        config = servers.databases(reading.read(shop(DATABASE_URL=url)))["default"]

        assert config["ENGINE"] == "django.db.backends.postgresql"
        assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example", 5433, "shop")
        assert (config["USER"], config["PASSWORD"]) == ("keeper", "p@ss")
        assert config["OPTIONS"]["sslmode"] == "require"
        assert config["OPTIONS"]["options"].endswith("-c synchronous_commit=on")
        assert config["CONN_HEALTH_CHECKS"] is True

    def test_that_is_gone_without_a_word_is_noticed_in_seconds(self):
        config = servers.databases(reading.read(shop(DATABASE_URL="postgres://db/shop?keepalives_idle=60")))["default"]

        assert config["OPTIONS"]["tcp_user_timeout"] == 10_000
        assert config["OPTIONS"]["keepalives_idle"] == 60  # whoever says otherwise is heard


class TestTheKeyOfTheDemo:
    def test_is_made_once_and_kept_for_nobody_else_to_read(self, tmp_path: Path):
        read = reading.read(demo(DATA_DIR=str(tmp_path)))

        first = servers.secret_key(read)

        assert len(first) >= 50
        assert servers.secret_key(read) == first
        assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]

    def test_is_the_same_for_processes_that_start_together(self, tmp_path: Path):
        read = reading.read(demo(DATA_DIR=str(tmp_path)))
        ready = threading.Barrier(8)
        seen: list[str] = []

        def start() -> None:
            ready.wait()
            seen.append(servers.secret_key(read))

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(seen) == 8
        assert len(set(seen)) == 1

    def test_gives_way_to_one_that_was_set(self, tmp_path: Path):
        assert servers.secret_key(reading.read(demo(DATA_DIR=str(tmp_path), SECRET_KEY=GOOD_KEY))) == GOOD_KEY
        assert not list(tmp_path.iterdir())


class TestMail:
    def test_goes_into_the_data_folder_of_the_demo(self, tmp_path: Path):
        config = servers.mailers(reading.read(demo(DATA_DIR=str(tmp_path))))["default"]

        assert config["BACKEND"].endswith("filebased.EmailBackend")
        assert config["OPTIONS"] == {"file_path": str(tmp_path / "mail")}

    @pytest.mark.parametrize(
        ("url", "port", "tls", "ssl"),
        [
            ("smtp://post:p%40ss@mail.example", 25, False, False),
            ("smtp+tls://post:p%40ss@mail.example:587", 587, True, False),
            ("smtp+ssl://post:p%40ss@mail.example:465", 465, False, True),
        ],
    )
    def test_goes_to_the_server_of_the_settings(self, url, port, tls, ssl, settings: Any):
        settings.MAILERS = servers.mailers(reading.read(shop(EMAIL_URL=url)))

        made: Any = mailers["default"]

        assert (made.host, made.port, made.use_tls, made.use_ssl) == ("mail.example", port, tls, ssl)
        assert (made.username, made.password) == ("post", "p@ss")

    def test_may_be_printed(self):
        read = replace(reading.read(shop()), email_url="consolemail:")

        assert servers.mailers(read)["default"]["BACKEND"].endswith("console.EmailBackend")

"""What `manage.py demo` refuses before it starts anything, what it hands to its children, and what it says."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sales.conf import Site
from sales.live import embedded, folder_lock
from sales.live.embedded import NoServerBinary, Server
from sales.management import demo_children, demo_welcome, supervision
from sales.management.commands import demo
from sales.management.demo_children import Place


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the test fail where a refusal comes too late."""

    def started(**_: Any) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(supervision, "supervise", started)


def refusal_of(*words: str) -> tuple[int, str]:
    """Run the command, which must refuse; return its exit code and its sentence."""
    with pytest.raises(CommandError) as refused:
        call_command("demo", *words)
    return refused.value.returncode, str(refused.value)


@pytest.mark.usefixtures("nothing_starts")
class TestArguments:
    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("--stock=-5", "argument --stock: must be a whole number from 1 to 9999999, not '-5'"),
            ("--stock=0", "argument --stock: must be a whole number from 1"),
            ("--stock=many", "argument --stock: must be a whole number from 1"),
            ("--port=0", "argument --port: must be a whole number from 1 to 65535, not '0'"),
            ("--port=65536", "argument --port: must be"),
            ("--workers=0", "argument --workers: must be"),
            ("--opens-in=-1", "argument --opens-in: must be a whole number from 0"),
            ("--lasts=0", "argument --lasts: must be a whole number from 1"),
            ("--lasts=1e3", "argument --lasts: must be a whole number from 1"),
            ("--hold-seconds=-1", "argument --hold-seconds: must be a whole number from 0 to 86400"),
            ("--limits=maybe", "argument --limits: invalid choice: 'maybe'"),
            ("--colour=blue", "unrecognized arguments: --colour=blue"),
        ],
    )
    def test_are_refused_by_name(self, word: str, said: str) -> None:
        _, sentence = refusal_of(word)

        assert said in sentence


@pytest.mark.usefixtures("nothing_starts")
class TestRefusal:
    def test_of_a_real_shop(self, settings: Any, tmp_path: Path) -> None:
        settings.SALES = replace(settings.SALES, site=Site.PRODUCTION)

        code, sentence = refusal_of(f"--data={tmp_path}")

        assert code == demo.WRONG_SITE
        assert "SITE=production" in sentence
        assert not list(tmp_path.iterdir())

    def test_of_a_folder_in_use_names_the_holder(self, tmp_path: Path) -> None:
        with folder_lock.take(folder=tmp_path, command="manage.py demo --port 8001"):
            code, sentence = refusal_of(f"--data={tmp_path}")

        assert code == demo.FOLDER_REFUSED
        assert "(manage.py demo --port 8001), since " in sentence
        assert sentence.endswith("Stop it, or name another folder with --data.")

    def test_of_a_folder_whose_ledger_is_in_use(self, tmp_path: Path) -> None:
        with folder_lock.take(folder=tmp_path / "ledger", command="a benchmark"):
            (tmp_path / "demo-folder").touch()
            code, sentence = refusal_of(f"--data={tmp_path}")

        assert code == demo.FOLDER_REFUSED
        assert "(a benchmark)" in sentence

    def test_of_somebody_elses_folder(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").touch()

        code, sentence = refusal_of(f"--data={tmp_path}", "--reset")

        assert code == demo.FOLDER_REFUSED
        assert "not a demo's" in sentence
        assert (tmp_path / "thesis.txt").exists()

    def test_of_a_port_that_is_taken(self, tmp_path: Path, taken_port: int) -> None:
        code, sentence = refusal_of(f"--data={tmp_path}", f"--port={taken_port}")

        assert code == demo.PORT_REFUSED
        assert f"127.0.0.1 port {taken_port} is taken by another program" in sentence
        assert f"make run PORT={taken_port + 1}" in sentence

    def test_of_an_address_of_another_machine(self, tmp_path: Path) -> None:
        code, sentence = refusal_of(f"--data={tmp_path}", "--host=192.0.2.1")

        assert code == demo.PORT_REFUSED
        assert "192.0.2.1 is not an address of this machine" in sentence

    def test_leaves_the_folder_free_again(self, tmp_path: Path, taken_port: int) -> None:
        refusal_of(f"--data={tmp_path}", f"--port={taken_port}")

        folder_lock.take(folder=tmp_path, command="next").release()

    def test_of_a_platform_without_a_server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing() -> Path:
            raise NoServerBinary("No embedded Valkey server here. Set REDIS_URL and CACHE_URL.")

        monkeypatch.setattr(embedded, "binary", missing)

        code, sentence = refusal_of(f"--data={tmp_path}")

        assert code == demo.NO_SERVER
        assert "Set REDIS_URL and CACHE_URL" in sentence


class TestChildren:
    @pytest.mark.parametrize(
        ("host", "bind", "url"),
        [
            ("127.0.0.1", "127.0.0.1:8001", "http://localhost:8001"),
            ("localhost", "localhost:8001", "http://localhost:8001"),
            ("::1", "[::1]:8001", "http://localhost:8001"),
            ("0.0.0.0", "0.0.0.0:8001", "http://localhost:8001"),
            ("192.0.2.7", "192.0.2.7:8001", "http://192.0.2.7:8001"),
            ("2001:db8::7", "[2001:db8::7]:8001", "http://[2001:db8::7]:8001"),
        ],
    )
    def test_listen_and_are_asked_at(self, host: str, bind: str, url: str) -> None:
        place = Place(host=host, port=8001)

        assert (place.bind, place.url) == (bind, url)

    @pytest.mark.parametrize(
        ("host", "hosts"),
        [
            ("127.0.0.1", "localhost,127.0.0.1"),
            ("192.0.2.7", "localhost,127.0.0.1,192.0.2.7"),
            ("2001:db8::7", "localhost,127.0.0.1,[2001:db8::7]"),
            ("0.0.0.0", "*"),
        ],
    )
    def test_believe_the_names_under_which_they_are_reached(
        self, settings: Any, tmp_path: Path, host: str, hosts: str
    ) -> None:
        settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

        env = demo.environment(
            folder=tmp_path, place=Place(host=host, port=8001), options={"workers": 3, "limits": "off"}
        )

        assert env["ALLOWED_HOSTS"] == hosts

    def test_learn_folder_site_workers_and_limits(self, tmp_path: Path) -> None:
        place = Place(host="127.0.0.1", port=8001)

        env = demo.environment(folder=tmp_path, place=place, options={"workers": 3, "limits": "off"})

        expected = {"SITE": "demo", "DATA_DIR": str(tmp_path), "WEB_WORKERS": "3", "LIMITS": "off"}
        assert {name: env[name] for name in expected} == expected

    def test_are_not_told_of_limits_that_nobody_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIMITS", "from .env or nowhere")

        env = demo.environment(
            folder=tmp_path, place=Place(host="127.0.0.1", port=8001), options={"workers": 3, "limits": None}
        )

        assert env["LIMITS"] == "from .env or nowhere"

    def test_listen_where_the_settings_look_for_them(self, settings: Any) -> None:
        for role in embedded.ServerRole:
            planned: Server = embedded.server(role=role, data_dir=settings.SALES.data_dir)
            known = {"ledger": settings.SALES.ledger_url, "cache": settings.SALES.cache_url}

            assert planned.url == known[role]


class TestWelcome:
    def test_shows_three_lines_that_work_as_they_stand(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(demo_children, "json_of", lambda **_: None)
        (tmp_path / "admin_password").write_text("seal\n")

        said = demo_welcome.text(place=Place(host="127.0.0.1", port=8001), folder=tmp_path, seconds=4.25)

        url = "http://localhost:8001"
        assert f"curl {url}/api/flashsale/status/sample-sale-1\n" in said
        assert (
            f'curl -X POST {url}/api/flashsale/purchase -H "Content-Type: application/json"'
            """ -d '{"userId": "user123", "flashSaleId": "sample-sale-1"}'\n"""
        ) in said
        assert f"curl {url}/api/flashsale/user/user123/purchase/sample-sale-1\n" in said
        assert "sign in as admin@example.org, password seal" in said

    def test_warns_where_others_can_reach_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(demo_children, "json_of", lambda **_: None)

        said = demo_welcome.text(place=Place(host="0.0.0.0", port=8001), folder=tmp_path, seconds=4.25)

        assert "This demo is open" in said

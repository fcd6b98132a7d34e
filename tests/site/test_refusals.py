"""A mistake in the settings, as the person meets it who starts something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flashsale_site.environment import PROJECT
from tests.site.given import demo, shop


def run(*command: str, variables: dict[str, str], folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *command],
        env=kept | variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestManage:
    def test_prints_the_sentence_and_nothing_else(self, tmp_path: Path):
        done = run(str(PROJECT / "manage.py"), "check", variables=shop(SECRET_KEY=""), folder=tmp_path)

        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("SECRET_KEY is missing: set it to")
        assert len(done.stderr.splitlines()) == 1

    def test_prints_several_mistakes_one_below_the_other(self):
        done = run("manage.py", "migrate", variables=shop(SECRET_KEY="", REDIS_URL=""))

        assert done.returncode == 1
        assert [line[:12] for line in done.stderr.splitlines()] == ["The settings", "- SECRET_KEY", "- REDIS_URL "]

    def test_gives_help_without_any_settings(self):
        done = run("manage.py", "help", variables={"ENV_FILE": ""})

        assert done.returncode == 0
        assert "Available subcommands" in done.stdout

    def test_refuses_a_data_folder_that_cannot_be_made(self, tmp_path: Path):
        (tmp_path / "file").touch()

        done = run("manage.py", "check", variables=demo(DATA_DIR=str(tmp_path / "file" / "data")))

        assert done.returncode == 1
        assert done.stderr.startswith("DATA_DIR cannot be made")
        assert len(done.stderr.splitlines()) == 1


class TestTheWebServer:
    def test_ends_with_the_sentence_as_its_last_words(self, tmp_path: Path):
        config = str(PROJECT / "flashsale_site/gunicorn_conf.py")

        done = run("-m", "gunicorn", "--config", config, variables=shop(CACHE_URL=""), folder=tmp_path)

        assert done.returncode == 1
        assert done.stderr.startswith("CACHE_URL is missing: name the server")
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_is_configured_as_it_should_be(self, tmp_path: Path, log_format: str):
        config = str(PROJECT / "flashsale_site/gunicorn_conf.py")
        variables = shop(DATA_DIR=str(tmp_path), WEB_WORKERS="3", WEB_THREADS="5", LOG_FORMAT=log_format)

        done = run("-m", "gunicorn", "--print-config", "--config", config, variables=variables, folder=tmp_path)
        printed = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        told = {name.strip(): value.strip() for name, value in printed.items()}

        assert (told["workers"], told["threads"]) == ("3", "5")
        assert told["worker_class"] == "flashsale_site.workers.LaneWorker"
        assert told["keepalive"] == "75"
        assert told["control_socket_disable"] == "True"
        assert told["accesslog"] == "None"
        assert told["forwarded_allow_ips"] == "[]"
        assert told["max_requests"] == "0"
        assert told["preload_app"] == "False"

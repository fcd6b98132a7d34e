"""A demo's folder: nobody else's data, one user at a time, emptied only when it is one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sales.live import folder_lock
from sales.live.folder_lock import FolderInUse
from sales.management import demo_folder
from sales.management.demo_folder import NotADemoFolder


def claim(folder: Path, *, reset: bool = False, said: list[str] | None = None) -> folder_lock.FolderLock:
    return demo_folder.claim(
        folder=folder, command="manage.py demo", reset=reset, say=(said if said is not None else []).append
    )


class TestClaim:
    def test_makes_a_folder_for_its_owner_alone(self, tmp_path: Path) -> None:
        with claim(tmp_path / "demo"):
            assert (tmp_path / "demo").stat().st_mode & 0o777 == 0o700

    def test_keeps_what_is_there(self, tmp_path: Path) -> None:
        claim(tmp_path).release()
        (tmp_path / "record.sqlite3").write_text("orders")

        claim(tmp_path).release()

        assert (tmp_path / "record.sqlite3").read_text() == "orders"

    def test_takes_a_folder_that_only_the_settings_have_touched(self, tmp_path: Path) -> None:
        (tmp_path / "secret_key").write_text("secret")

        claim(tmp_path).release()

    @pytest.mark.parametrize("reset", [False, True])
    def test_leaves_somebody_elses_folder_alone(self, tmp_path: Path, reset: bool) -> None:
        (tmp_path / "thesis.txt").write_text("years of work")

        with pytest.raises(NotADemoFolder, match="holds something that is not a demo's"):
            claim(tmp_path, reset=reset)

        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_refuses_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "demo").write_text("")

        with pytest.raises(NotADemoFolder, match="is a file"):
            claim(tmp_path / "demo")

    def test_empties_it_when_asked(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "kept").touch()
        folder = tmp_path / "demo"
        claim(folder).release()
        (folder / "ledger").mkdir()
        (folder / "ledger" / "appendonly.aof").touch()
        (folder / "link").symlink_to(outside)

        claim(folder, reset=True).release()

        assert {path.name for path in folder.iterdir()} == {demo_folder.MARKER, folder_lock.LOCK_NAME}
        assert (outside / "kept").exists()

    def test_does_not_empty_one_that_is_in_use(self, tmp_path: Path) -> None:
        with claim(tmp_path):
            (tmp_path / "record.sqlite3").touch()

            with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
                claim(tmp_path, reset=True)

        assert (tmp_path / "record.sqlite3").exists()

    def test_waits_for_what_a_killed_demo_started(self, tmp_path: Path) -> None:
        gone = subprocess.Popen(["/bin/true"])
        gone.wait()
        with claim(tmp_path) as held:
            held.name_holder(pid=gone.pid, command="manage.py demo")
            heir = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(held.fd,))
        assert heir.stdin is not None
        heir_stdin = heir.stdin
        said: list[str] = []

        def said_then_end(line: str) -> None:
            said.append(line)
            heir_stdin.close()

        demo_folder.claim(folder=tmp_path, command="manage.py demo", reset=False, say=said_then_end).release()

        heir.wait()
        assert said == ["The demo that ran here was killed. Waiting until what it started has stopped."]

"""A folder has one user, and says who."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sales.live import folder_lock
from sales.live.folder_lock import FolderInUse


class TestTake:
    def test_refuses_a_second_user_and_names_the_first(self, tmp_path: Path) -> None:
        with folder_lock.take(folder=tmp_path, command="manage.py demo"), pytest.raises(FolderInUse) as refused:
            folder_lock.take(folder=tmp_path, command="manage.py demo --port 8001")

        assert f"process {os.getpid()} (manage.py demo)" in str(refused.value)
        assert "since 20" in str(refused.value)

    def test_is_free_again_after_a_release(self, tmp_path: Path) -> None:
        folder_lock.take(folder=tmp_path, command="first").release()

        folder_lock.take(folder=tmp_path, command="second").release()

    def test_makes_the_folder_for_its_owner_alone(self, tmp_path: Path) -> None:
        with folder_lock.take(folder=tmp_path / "a" / "b", command="first"):
            assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700

    def test_says_so_when_only_what_the_holder_started_still_runs(self, tmp_path: Path) -> None:
        heir = [sys.executable, "-c", "input()"]
        with folder_lock.take(folder=tmp_path, command="first") as held:
            process = subprocess.Popen(heir, stdin=subprocess.PIPE, pass_fds=(held.fd,))
            gone = subprocess.Popen(["/bin/true"])
            gone.wait()
            held.name_holder(pid=gone.pid, command="first")

        with pytest.raises(FolderInUse, match="has ended, but what it started is still running"):
            folder_lock.take(folder=tmp_path, command="second")

        process.communicate(b"\n")
        folder_lock.take(folder=tmp_path, command="second").release()

    def test_refuses_also_before_the_holder_has_written_its_name(self, tmp_path: Path) -> None:
        with folder_lock.take(folder=tmp_path, command="first") as held:
            os.ftruncate(held.fd, 0)

            with pytest.raises(FolderInUse, match="another process, which has just started"):
                folder_lock.take(folder=tmp_path, command="second")

"""The order of things on a bare machine, where every tool is a fake that writes down how it was called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from flashsale_site.environment import PROJECT

NOTED = '#!/bin/sh\necho "$(basename "$0") $* (${DEBIAN_FRONTEND:-asks})" >> "$ASKED"\n'
REAL = ("bash", "dirname", "env", "grep", "basename", "sh")


class BareMachine:
    """A machine that has a shell, apt-get and make, and neither Chromium nor a Redis server."""

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        self._bin.mkdir()
        self._asked = folder / "asked"
        self._asked.touch()
        (folder / "project/.ci").mkdir(parents=True)
        self.script = folder / "project/.ci/run"
        shutil.copy(PROJECT / ".ci/run", self.script)
        (folder / "project/Makefile").write_text("check:\ncampaign:\ntest:\n")
        for name in REAL:
            (self._bin / name).symlink_to(shutil.which(name) or name)
        self.has("apt-get", NOTED)
        self.has("make", NOTED)
        self.has("id", "#!/bin/sh\necho 0\n")

    def has(self, name: str, script: str) -> None:
        """Put this script on the PATH."""
        (self._bin / name).write_text(script)
        (self._bin / name).chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run CI's script from somewhere else."""
        variables = {"PATH": str(self._bin), "ASKED": str(self._asked)}
        bash = os.path.realpath(self._bin / "bash")
        return subprocess.run(
            [bash, str(self.script)], cwd="/", env=variables, capture_output=True, text=True, timeout=60, check=False
        )

    @property
    def asked(self) -> list[str]:
        """What was called, in order."""
        return self._asked.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> BareMachine:
    return BareMachine(tmp_path)


class TestCi:
    def test_installs_what_is_missing_before_it_checks_and_ends_with_the_tests(self, machine: BareMachine):
        done = machine.run()

        assert done.returncode == 0, done.stderr
        update, install, *rest = machine.asked
        assert update == "apt-get update -qq (noninteractive)"
        assert install.startswith("apt-get install -y ")
        assert install.endswith("redis-server chromium (noninteractive)")
        assert rest == ["make check (asks)", "make campaign (asks)", "make test (asks)"]

    def test_asks_sudo_where_it_is_not_root(self, machine: BareMachine):
        machine.has("id", "#!/bin/sh\necho 1000\n")
        machine.has("sudo", '#!/bin/sh\n[ "$1" = --non-interactive ] && shift\nSUDO=1 exec "$@"\n')
        machine.has("apt-get", '#!/bin/sh\necho "apt-get ${SUDO:-without}" >> "$ASKED"\n')

        assert machine.run().returncode == 0
        assert machine.asked[:2] == ["apt-get 1", "apt-get 1"]

    def test_says_what_to_install_where_it_cannot(self, machine: BareMachine):
        (machine.script.parent.parent.parent / "bin/apt-get").unlink()

        done = machine.run()

        assert done.returncode != 0
        assert "Install these first" in done.stderr
        assert machine.asked == []

    def test_installs_nothing_where_nothing_is_missing(self, machine: BareMachine):
        for name in ("chromium", "redis-server", "nginx"):
            machine.has(name, NOTED)
        machine.script.write_text(machine.script.read_text().replace("/usr/lib/postgresql/*", str(PROJECT)))
        machine.script.write_text(machine.script.read_text().replace("/bin/initdb", "/manage.py"))

        assert machine.run().returncode == 0
        assert machine.asked == ["make check (asks)", "make campaign (asks)", "make test (asks)"]

    def test_stops_at_the_first_failure(self, machine: BareMachine):
        machine.has("make", NOTED + "exit 2\n")

        assert machine.run().returncode == 2
        assert [line for line in machine.asked if line.startswith("make")] == ["make check (asks)"]

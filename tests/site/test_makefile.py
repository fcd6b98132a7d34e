"""How `make` finds a Python, and that it installs only what is not installed yet. Every Python here is a fake."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flashsale_site.environment import PROJECT

DEAD_SHIM = """#!/bin/sh
echo "pyenv: $(basename "$0"): command not found" >&2
exit 127
"""
# Answers every question with yes, makes a virtual environment of one copy of itself, and writes down what it was asked.
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$ASKED"
[ "$1 $2" != "-m venv" ] || { mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; }
"""
TOO_OLD = """#!/bin/sh
exit 1
"""
CANDIDATES = ("python3.13", "python3.14", "python3.12", "python3")


class Machine:
    """A folder with the project's Makefile, and a PATH on which only these Pythons are."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        (self.project / "tests").mkdir(parents=True)
        self._bin = folder / "bin"
        self._bin.mkdir()
        self._asked = folder / "asked"
        for name in ("Makefile", "requirements.txt", "tests/requirements.txt"):
            shutil.copy(PROJECT / name, self.project / name)
        self.has(**dict.fromkeys(CANDIDATES, DEAD_SHIM))

    def has(self, **scripts: str) -> None:
        """Put these scripts on the PATH."""
        for name, script in scripts.items():
            file = self._bin / name
            file.write_text(script)
            file.chmod(0o755)

    def make(self, *targets: str) -> subprocess.CompletedProcess[str]:
        """Run make, with nothing in the environment but that PATH."""
        home = str(self._bin.parent)
        variables = {"PATH": f"{self._bin}:/usr/bin:/bin", "HOME": home, "PYENV_ROOT": home, "ASKED": str(self._asked)}
        return subprocess.run(
            ["make", *targets], cwd=self.project, env=variables, capture_output=True, text=True, timeout=60, check=False
        )

    def asked(self, word: str) -> list[str]:
        """Return what the fakes were asked that has this word in it."""
        return [line for line in self._asked.read_text().splitlines() if word in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestFindingAPython:
    @pytest.mark.parametrize("only", CANDIDATES)
    def test_passes_by_what_cannot_be_run(self, machine: Machine, only: str):
        machine.has(**{only: FAKE})

        assert machine.make("setup").returncode == 0
        assert machine.asked("-m venv")[0].startswith(f"{only} ")

    def test_passes_by_what_is_too_old_or_cannot_make_an_environment(self, machine: Machine):
        machine.has(**{"python3.13": TOO_OLD, "python3": FAKE})

        assert machine.make("setup").returncode == 0
        assert machine.asked("-m venv")[0].startswith("python3 ")

    def test_looks_among_those_of_pyenv_last(self, machine: Machine):
        folder = machine.project.parent / "versions/3.12.7/bin"
        folder.mkdir(parents=True)
        machine.has(fake=FAKE)
        shutil.copy(machine.project.parent / "bin/fake", folder / "python3")

        assert machine.make("setup").returncode == 0
        assert len(machine.asked("-m venv")) == 1

    def test_says_in_a_sentence_what_is_missing(self, machine: Machine):
        done = machine.make("run")

        assert done.returncode != 0
        assert done.stderr.startswith("No Python 3.12 or newer")
        assert "install one, such as with 'apt-get install python3.13 python3.13-venv'" in done.stderr
        assert "Traceback" not in done.stderr
        assert "pyenv:" not in done.stderr
        assert not (machine.project / ".venv").exists()

    def test_asks_what_a_real_python_can_answer(self):
        line = next(line for line in (PROJECT / "Makefile").read_text().splitlines() if line.startswith("FITS = "))

        done = subprocess.run([sys.executable, "-c", line.removeprefix("FITS = ")], check=False)

        assert done.returncode == 0


class TestInstalling:
    @pytest.fixture(autouse=True)
    def _with_a_python(self, machine: Machine):
        machine.has(**{"python3.13": FAKE})

    def test_is_done_once(self, machine: Machine):
        machine.make("setup")
        second = machine.make("setup")

        assert second.stdout == ""
        assert len(machine.asked("pip install")) == 1
        assert "--require-hashes -r requirements.txt" in machine.asked("pip install")[0]

    def test_is_done_again_when_the_requirements_changed(self, machine: Machine):
        machine.make("setup")
        with (machine.project / "requirements.txt").open("a") as file:
            file.write("# another one\n")
        machine.make("setup")

        assert len(machine.asked("pip install")) == 2

    def test_is_done_again_in_a_new_environment_when_the_old_one_is_dead(self, machine: Machine):
        machine.make("setup")
        (machine.project / ".venv/bin/python").write_text(DEAD_SHIM)
        machine.make("setup")

        assert len(machine.asked("-m venv")) == 2
        assert len(machine.asked("pip install")) == 2

    def test_of_what_tests_need_covers_what_the_site_needs(self, machine: Machine):
        machine.make("test")
        machine.make("setup")

        assert len(machine.asked("pip install")) == 1
        assert "-r tests/requirements.txt" in machine.asked("pip install")[0]

    def test_is_followed_by_the_demo_on_the_port_that_was_named(self, machine: Machine):
        machine.make("run", "PORT=8001", "ARGS=--stock 20")

        assert machine.asked("manage.py") == ["python manage.py demo --port 8001 --stock 20"]


class TestHelp:
    def test_names_every_word(self, machine: Machine):
        said = machine.make().stdout

        assert all(f"make {word} " in said for word in ("setup", "run", "test", "check", "requirements", "clean"))

    def test_needs_no_python(self, machine: Machine):
        assert machine.make("help").returncode == 0
        assert not os.path.lexists(machine.project / ".venv")

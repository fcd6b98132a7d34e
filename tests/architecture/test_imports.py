"""The layers hold; and the contracts would notice if they did not."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import CODE, PROJECT

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


class TestTheContracts:
    def test_are_kept(self):
        done = lint(PROJECT)

        assert done.returncode == 0, done.stdout

    @pytest.mark.parametrize(
        ("file", "line", "contract"),
        [
            ("sales/domain/wrong.py", "import django.utils.timezone", "The domain is pure Python"),
            ("sales/domain/wrong.py", "import sales.conf", "Imports go down only"),
            ("sales/live/wrong.py", "import sales.models", "Imports go down only"),
            ("sales/models/wrong.py", "import sales.live", "Imports go down only"),
            ("sales/queries/wrong.py", "import sales.services", "Imports go down only"),
            ("sales/web/wrong.py", "import sales.api", "Imports go down only"),
            ("sales/services/wrong.py", "import redis", "Only live talks to Redis"),
            ("sales/web/wrong.py", "import django_redis", "Only live talks to Redis"),
            ("sales/conf_of_my_own.py", "import sales.conf", "Imports go down only"),
            ("sales/web/wrong.py", "import flashsale_site.settings", "Sales does not know the site"),
        ],
    )
    def test_notice_what_breaks_them(self, file: str, line: str, contract: str, tmp_path: Path):
        for folder in CODE:
            shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROJECT / "pyproject.toml", tmp_path)
        (tmp_path / file).write_text(f'"""Breaks a contract."""\n\n{line}\n')

        done = lint(tmp_path)

        assert done.returncode == 1
        assert contract in " ".join(line for line in done.stdout.splitlines() if line.rstrip().endswith("BROKEN"))

    def test_leave_no_part_of_sales_out_of_the_one_about_redis(self):
        contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        named = {name for each in contracts if each["id"] == "redis" for name in each["source_modules"]}
        parts = {f"sales.{file.parent.name}" for file in PROJECT.glob("sales/*/__init__.py")} | {"sales.conf"}

        assert named == parts - {"sales.live", "sales.migrations"}

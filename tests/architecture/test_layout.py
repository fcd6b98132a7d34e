"""Where files are, what they are called, and how much stands in one."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import CODE, PROJECT, files, named

MOST_LINES = 320
MOST_LINES_OF_A_FUNCTION = 60
SAY_NOTHING = {"utils", "helpers", "common", "manager", "managers", "handler", "handlers", "data", "info", "misc"}
# Tests that are about more than one part of the code.
OF_THEIR_OWN = {"architecture", "bench", "browser", "faults", "model", "mutants", "races", "site"}


def functions(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(file.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


class TestAFile:
    @pytest.mark.parametrize("file", files(".py", ".lua", ".html", ".css", ".js"), ids=named)
    def test_is_a_room_that_one_can_see_across(self, file: Path):
        assert len(file.read_text().splitlines()) <= MOST_LINES

    @pytest.mark.parametrize("file", files(".py", under=CODE), ids=named)
    def test_has_functions_that_fit_a_screen(self, file: Path):
        long = [f"{each.name} ({each.lineno})" for each in functions(file) if _lines(each) > MOST_LINES_OF_A_FUNCTION]

        assert long == []

    @pytest.mark.parametrize("file", files(".py"), ids=named)
    def test_is_named_for_what_is_in_it(self, file: Path):
        assert SAY_NOTHING.isdisjoint([file.stem, *file.relative_to(PROJECT).parts[:-1]])


class TestTheTests:
    def test_mirror_the_code(self):
        folders = {folder.name for folder in (PROJECT / "tests").iterdir() if (folder / "__init__.py").exists()}
        parts = {folder.name for folder in (PROJECT / "sales").iterdir() if folder.is_dir()}

        assert folders <= parts | OF_THEIR_OWN

    def test_are_packages_so_that_two_may_have_one_name(self):
        folders = {file.parent for file in files(".py", under=("tests",))}

        assert [named(folder) for folder in folders if not (folder / "__init__.py").exists()] == []

    @pytest.mark.parametrize("file", files(".py", under=("tests",)), ids=named)
    def test_are_never_skipped(self, file: Path):
        skips = [
            node.lineno
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "importorskip", "xfail"}
        ]

        assert skips == []


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1

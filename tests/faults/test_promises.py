"""The book of promises names a test for each row, and each of these tests exists."""

import ast
import re

import pytest

from flashsale_site.environment import PROJECT

BOOK = (PROJECT / "docs" / "reliability.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)+)`", BOOK)))


def names_in(path: str) -> set[str]:
    """Return `Class::test` and `test` of a file."""
    tree = ast.parse((PROJECT / path).read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for group in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        found |= {f"{group.name}::{node.name}" for node in group.body if isinstance(node, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("named", NAMED)
def test_every_test_that_is_named_exists(named: str) -> None:
    path, _, name = named.partition("::")

    assert name in names_in(path)


def test_every_row_has_a_test_or_says_that_it_has_none() -> None:
    rows = [
        row for row in BOOK.splitlines() if row.startswith("| ") and not row.startswith(("| the ledger has", "| fault"))
    ]

    assert [row for row in rows if "`tests/" not in row and "| not tested yet |" not in row] == []

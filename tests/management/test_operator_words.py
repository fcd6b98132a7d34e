"""What a terminal of another encoding makes of a command's words is refused in a sentence, and never stored."""

import pytest

from tests.management.test_sale_commands import refusal

NO_TEXT = "\udcff"
pytestmark = pytest.mark.django_db


class TestWordsThatAreNoText:
    @pytest.mark.parametrize(
        ("words", "name"),
        [
            (("pause_sale", NO_TEXT), "slug"),
            (("pause_sale", "night", "--why", NO_TEXT), "why"),
            (("restock_sale", "night", "--by", "1", "--why", NO_TEXT), "why"),
            (("cancel_order", NO_TEXT, "--why", "x"), "order"),
            (("dead_letters", "list", NO_TEXT), "slug"),
            (("dead_letters", "settle", "1", "--why", NO_TEXT), "why"),
            (("reconcile_sale", NO_TEXT), "slug"),
            (("settle_sale", NO_TEXT), "slug"),
            (("sale_status", NO_TEXT), "slug"),
        ],
    )
    def test_are_refused(self, words: tuple[str, ...], name: str) -> None:
        error = refusal(*words)

        assert (str(error), error.returncode) == (f"What was given as {name} is not UTF-8.", 2)

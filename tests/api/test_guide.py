"""The guide to the API, held against what the API says."""

import re
from pathlib import Path

import pytest

from flashsale_site.environment import KNOBS
from sales.answers import limiting, wire
from sales.api import openapi
from sales.domain.outcomes import Outcome
from sales.live.results import Taken

GUIDE = (Path(__file__).parents[2] / "docs/api.md").read_text()


class TestGuide:
    @pytest.mark.parametrize("path", openapi.document()["paths"])
    def test_names_every_address(self, path: str) -> None:
        assert f"`{path}`" in GUIDE

    @pytest.mark.parametrize("table", [wire.PURCHASE, wire.CONFIRM, wire.RELEASE, wire.EXTEND])
    def test_has_every_refusal_as_it_is_said(self, table: dict[Outcome, wire.Row]) -> None:
        for outcome, row in table.items():
            if row.status == 200 or outcome in (Outcome.ALREADY, Outcome.UNKNOWN_SLOT):
                continue  # these come with what was taken; no program names a slot here
            said = wire.reply(row.status, row.body(Taken(outcome=outcome))).body.decode()
            assert f"{row.status} | `{said}`" in GUIDE

    @pytest.mark.parametrize(
        "sentence",
        [
            limiting.TOO_MANY_PURCHASES,
            limiting.TOO_MANY_REQUESTS,
            wire.NOT_FOUND,
            wire.MAY_HAVE_HAPPENED.partition(";")[0],
        ],
    )
    def test_has_the_sentences(self, sentence: str) -> None:
        assert sentence in GUIDE

    def test_names_no_setting_that_there_is_not(self) -> None:
        named = {name.partition("=")[0] for name in re.findall(r"`([A-Z_]{6,}(?:=\w+)?)`", GUIDE)} | {"SITE"}

        assert named <= {knob.name for knob in KNOBS}

"""The wire contract: every word that a script may answer has its row, and times are written as clients read them."""

import re

import pytest

from sales.answers import wire
from sales.domain.outcomes import UNDECIDED, Outcome
from sales.live import scripts
from sales.live.results import Taken


def words_of(script: str) -> set[Outcome]:
    """Return the outcomes that a script's header names."""
    header, _ = scripts.header_and_body(script)
    returns = header.partition("RETURNS")[2]
    return {Outcome(word) for word in re.findall(r"^  ([A-Z_]+) ", returns, re.MULTILINE)}


TABLES = [
    ("purchase", wire.PURCHASE),
    ("confirm", wire.CONFIRM),
    ("release", wire.RELEASE),
    ("extend", wire.EXTEND),
]


class TestTable:
    @pytest.mark.parametrize(("script", "table"), TABLES)
    def test_has_a_row_for_every_word_of_its_script(self, script: str, table: dict[Outcome, wire.Row]) -> None:
        assert words_of(script) - UNDECIDED == set(table)

    @pytest.mark.parametrize("outcome", sorted(UNDECIDED))
    @pytest.mark.parametrize(("script", "table"), TABLES)
    def test_says_neither_yes_nor_no_where_nobody_knows(
        self, script: str, table: dict[Outcome, wire.Row], outcome: Outcome
    ) -> None:
        answer = wire.answer(table, Taken.failed(outcome))

        assert answer.status == 503
        assert dict(answer.headers)["Retry-After"] == "2"
        assert answer.body.startswith(b'{"error":')


class TestInstant:
    @pytest.mark.parametrize(
        ("moment_ms", "written"),
        [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_323_660_000, "2026-11-22T05:01:00.000Z"),
            (1_795_323_660_001, "2026-11-22T05:01:00.001Z"),
            (1_795_323_660_999, "2026-11-22T05:01:00.999Z"),
        ],
    )
    def test_is_written_in_utc_to_the_millisecond(self, moment_ms: int, written: str) -> None:
        assert wire.instant(moment_ms) == written

    def test_keeps_every_millisecond(self) -> None:
        start = 1_795_323_660_000

        written = [wire.instant(start + n) for n in range(1_000)]

        assert [int(each[20:23]) for each in written] == list(range(1_000))


class TestReply:
    def test_writes_text_as_it_is_and_no_spaces_between(self) -> None:
        answer = wire.reply(200, {"name": "Zoë", "list": [1, 2]})

        assert answer.body == '{"name":"Zoë","list":[1,2]}'.encode()
        assert dict(answer.headers) == {"Content-Type": "application/json", "Cache-Control": "no-store"}

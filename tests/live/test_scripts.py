"""What the scripts' headers promise, held against their bodies, against `SaleKeys`, and against docs/ledger.md."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sales.domain.outcomes import Outcome
from sales.live import scripts
from sales.live.keys import SaleKeys

EVERY = sorted(path.stem for path in scripts.FOLDER.glob("*.lua") if path.stem != "prelude")
OF_THE_LEDGER = sorted(scripts.LEDGER_SCRIPTS)
GUIDE = Path(__file__).parents[2] / "docs" / "ledger.md"
FROM_EVERY_SCRIPT = {"NO_LEDGER", "STALE_EPOCH", "CORRUPT"}


def section(name: str, title: str) -> list[str]:
    """Return the lines of one section of a script's header."""
    header, _ = scripts.header_and_body(name)
    found = re.search(rf"^{title}.*\n((?:  .*\n|\s+.*\n)*)", header, re.MULTILINE)
    return [line for line in found[1].splitlines() if line.startswith("  ")] if found else []


def outcomes_promised(name: str) -> set[str]:
    """Return the outcome words under RETURNS."""
    return {word for line in section(name, "RETURNS") if (word := line.split()[0]).isupper()}


def outcomes_in_body(name: str) -> set[str]:
    """Return every outcome word that the body can answer with; those of `read_sale` and `read_hold` where called."""
    _, body = scripts.header_and_body(name)
    words = {word for word in re.findall(r"'([A-Z][A-Z_]+)'", body) if word in set(Outcome)}
    if "read_sale(" in body or "read_hold(" in body:
        words |= {"CORRUPT", "STALE_EPOCH", "NO_LEDGER"} if name != "publish" else {"CORRUPT", "STALE_EPOCH"}
    if "read_hold(" in body:
        words |= {"BOUGHT", "CANCELLED", "GONE", "UNKNOWN_ORDER"}
    return words - ({"STALE_EPOCH"} if name == "snapshot" and "epoch" not in body else set())


@pytest.mark.parametrize("name", EVERY)
class TestEveryScript:
    def test_says_that_it_may_not_run_half_way(self, name: str) -> None:
        header, _ = scripts.header_and_body(name)

        assert header.startswith("#!lua")

    def test_begins_with_what_it_is_for(self, name: str) -> None:
        header, _ = scripts.header_and_body(name)

        assert re.match(r"[A-Z].*\.", header.splitlines()[2])

    def test_uses_exactly_the_keys_and_arguments_that_it_lists(self, name: str) -> None:
        _, body = scripts.header_and_body(name)
        for title, list_name in (("KEYS", "KEYS"), ("ARGV", "ARGV")):
            listed = [line.split()[0] for line in section(name, title) if re.match(r"  \d", line)]
            if any("…" in number for number in listed):
                continue  # as many as are given: see the script's own tests
            used = {int(number) for number in re.findall(rf"{list_name}\[(\d+)\]", body)}
            if f"unpack({list_name})" in body:
                used = set(range(1, len(listed) + 1))
            assert used == set(range(1, len(listed) + 1)), title

    def test_makes_no_key_of_its_own(self, name: str) -> None:
        _, body = scripts.header_and_body(name)

        assert not re.search(r"'(?:KEYS|SCAN|FLUSHDB|SELECT)'", body)
        assert "{sale" not in body + scripts.prelude()

    def test_never_tests_a_number_of_redis_as_a_boolean(self, name: str) -> None:
        _, body = scripts.header_and_body(name)

        counted = r"(?:redis\.call|ask)\('(?:EXISTS|HSET|ZADD|ZREM|HLEN|ZCARD|ZCOUNT)'[^)]*\)"
        assert not re.search(rf"(?:if|not|and|or) {counted} (?:then|and|or)", body + scripts.prelude())


@pytest.mark.parametrize("name", OF_THE_LEDGER)
class TestEveryLedgerScript:
    def test_names_its_keys_as_sale_keys_does(self, name: str) -> None:
        named = [line.split()[1] for line in section(name, "KEYS")]

        assert set(named) <= {field.name for field in fields(SaleKeys)}

    def test_answers_with_the_outcomes_that_it_lists_and_no_others(self, name: str) -> None:
        assert outcomes_promised(name) == outcomes_in_body(name)

    def test_is_in_the_guide_with_the_same_outcomes(self, name: str) -> None:
        row = re.search(rf"^\| `{name}` \|.*?\|(.*?)\|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)

        assert row, f"docs/ledger.md has no row for {name}"
        assert set(re.findall(r"[A-Z][A-Z_]+", row[1])) == outcomes_promised(name) - FROM_EVERY_SCRIPT


class TestTheGuide:
    def test_knows_every_key(self) -> None:
        text = GUIDE.read_text(encoding="utf-8")

        assert all(f"| `{field.name}` |" in text for field in fields(SaleKeys))

    def test_explains_every_outcome(self) -> None:
        text = GUIDE.read_text(encoding="utf-8")

        assert [word for word in Outcome if f"`{word}`" not in text] == []


def test_only_reading_scripts_promise_not_to_write() -> None:
    assert {name for name, script in scripts.LEDGER_SCRIPTS.items() if not script.writes} == {"find", "snapshot"}


def test_a_file_without_the_first_line_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "careless.lua").write_text("--[[\nForgets the first line.\n]]\nreturn 1\n")
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)

    with pytest.raises(ValueError, match="must begin with #!lua"):
        scripts.header_and_body("careless")

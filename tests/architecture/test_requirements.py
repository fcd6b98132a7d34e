"""What is installed is what pyproject.toml asks for, pinned, hashed, and the same for the site and for its tests."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import PROJECT

ASKED = tomllib.loads((PROJECT / "pyproject.toml").read_text())
RUNTIME = "requirements.txt"
TESTS = "tests/requirements.txt"


def pins(name: str) -> dict[str, Requirement]:
    lines = re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*?) \\$", (PROJECT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


def version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


class TestARequirementsFile:
    @pytest.mark.parametrize("file", [RUNTIME, TESTS])
    def test_has_a_hash_for_everything(self, file: str):
        blocks = re.split(r"^(?=[a-z0-9])", (PROJECT / file).read_text(), flags=re.MULTILINE)[1:]

        assert len(blocks) == len(pins(file)) > 20
        assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []

    @pytest.mark.parametrize("file", [RUNTIME, TESTS])
    def test_names_no_place_to_install_from(self, file: str):
        text = (PROJECT / file).read_text()

        assert "://" not in text
        assert not re.search(r"^--?(i|index|extra|find|trusted)", text, re.MULTILINE)

    @pytest.mark.parametrize("written", ASKED["project"]["dependencies"])
    def test_of_the_site_pins_what_was_asked_for(self, written: str):
        asked = Requirement(written)

        assert asked.specifier.contains(version(pins(RUNTIME)[canonicalize_name(asked.name)]))

    @pytest.mark.parametrize("written", [*ASKED["dependency-groups"]["test"], *ASKED["dependency-groups"]["tools"]])
    def test_of_the_tests_pins_what_was_asked_for(self, written: str):
        asked = Requirement(written)

        assert asked.specifier.contains(version(pins(TESTS)[canonicalize_name(asked.name)]))

    def test_of_the_tests_has_all_that_the_site_has_in_the_same_version(self):
        site, tests = pins(RUNTIME), pins(TESTS)

        assert {name: version(pin) for name, pin in site.items()} == {name: version(tests[name]) for name in site}

    def test_of_the_site_has_nothing_that_only_tests_need(self):
        asked = {canonicalize_name(Requirement(each).name) for each in ASKED["dependency-groups"]["test"]}

        assert asked.isdisjoint(pins(RUNTIME))

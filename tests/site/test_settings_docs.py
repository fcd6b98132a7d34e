"""The docs and the example name every setting, none besides, and say what the code does."""

import re
from dataclasses import replace

import pytest

from flashsale_site import reading
from flashsale_site.environment import KNOBS, PROJECT
from flashsale_site.knobs import Knob
from flashsale_site.reading import Misconfigured
from tests.site.given import GOOD_KEY

DOCS = (PROJECT / "docs/settings.md").read_text()
EXAMPLE = (PROJECT / ".env.example").read_text()


def row(knob: Knob) -> str:
    """Return the knob's line in the docs."""

    def cell(written: str) -> str:
        return f"`{written}`" if written else "none"

    default = "**required**" if knob.required else cell(knob.default)
    demo = cell(knob.demo or "") if knob.required or knob.demo is not None else "the same"
    return f"| `{knob.name}` | {knob.kind.words} | {default} | {demo} | {knob.whose} | {knob.what} |"


class TestTheDocs:
    def test_list_every_setting_as_it_is_and_no_other(self):
        assert [line for line in DOCS.splitlines() if line.startswith("| `")] == [row(knob) for knob in KNOBS]

    def test_speak_of_no_setting_that_there_is_not(self):
        spoken = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=[a-z]+)?`", DOCS))

        assert spoken <= {knob.name for knob in KNOBS}


class TestTheExample:
    def test_lists_every_setting_with_its_default_and_no_other(self):
        listed = re.findall(r"^(#?)([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)

        assert listed == [("" if knob.required else "#", knob.name, knob.default) for knob in KNOBS]

    def test_misses_only_what_each_shop_must_say_for_itself(self, tmp_path):
        file = tmp_path / "settings"
        file.write_text(EXAMPLE)

        with pytest.raises(Misconfigured) as refused:
            reading.read({"ENV_FILE": str(file)})

        missing = re.findall(r"^- ([A-Z_]+)", str(refused.value), re.MULTILINE)
        assert missing == [knob.name for knob in KNOBS if knob.required]

    def test_is_right_once_that_is_said_and_every_line_is_in_force(self, tmp_path):
        said = {
            "SECRET_KEY": GOOD_KEY,
            "ALLOWED_HOSTS": "shop.example",
            "REDIS_URL": "redis://ledger.example",
            "CACHE_URL": "redis://cache.example",
        }
        file = tmp_path / "settings"
        file.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE, flags=re.MULTILINE))

        from_file = reading.read(said | {"ENV_FILE": str(file)})
        by_default = reading.read(said | {"ENV_FILE": ""})

        assert replace(from_file, env_file="") == replace(by_default, env_file="")

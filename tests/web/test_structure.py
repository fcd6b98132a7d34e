"""What holds for every template, stylesheet and script, and for every page that can be opened."""

import re
from pathlib import Path

import pytest
from django.test import Client

from tests.web.dom import Element, parsed

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE_FILES = sorted(  # the admin's are dressed by Django's own stylesheet
    file for file in (PROJECT / "templates").rglob("*.html") if "admin" not in file.parts
)
CSS = (PROJECT / "static" / "site.css").read_text()
FOCUSABLE = ("a", "button", "input", "summary", "select", "textarea")
# The operator's page has these; it is not in the shop.
OF_THE_CONTROL_ROOM = frozenset({"strip", "sum", "keep", "tiles", "chart", "mark", "num", "b3"})
OF_HTMX = frozenset({"htmx-request"})
BY_SCRIPT = frozenset({"past"})


def layers() -> str:
    return re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)


def defined() -> set[str]:
    selectors = re.findall(r"(?:^|[{};])\s*([^{};@]+)\{", layers())
    return {name for selector in selectors for name in re.findall(r"\.(-?[a-zA-Z_][\w-]*)", selector)}


def used() -> set[str]:
    found: set[str] = set()
    for file in TEMPLATE_FILES:
        text = re.sub(r"\{#.*?#\}", "", file.read_text())
        values = re.findall(r"\{% block main_class %\}(.*?)\{%", text)
        values += re.findall(r'class="([^"]*)"', re.sub(r"\{%.*?%\}", " ", text))
        for value in values:
            found |= set(value.split())
    return found


class TestTheStylesheet:
    def test_defines_every_class_that_templates_use(self):
        assert used() - defined() == set()

    def test_has_no_class_that_nothing_uses(self):
        assert defined() - used() - OF_THE_CONTROL_ROOM - OF_HTMX - BY_SCRIPT == set()

    def test_comparison_sees_classes_at_all(self):
        assert {"stub", "ticket", "note", "btn", "plain"} <= used() & defined()

    def test_names_no_file_and_no_host(self):
        assert "url(" not in layers()
        assert "@import" not in layers()


class TestTheClock:
    def test_is_small(self):
        assert len((PROJECT / "static" / "clock.js").read_bytes()) <= 2_048

    def test_evaluates_and_writes_no_markup(self):
        text = (PROJECT / "static" / "clock.js").read_text()

        assert not re.search(r"eval|innerHTML|Function\(|\.style", text)


class TestEveryTemplate:
    @pytest.mark.parametrize("file", TEMPLATE_FILES, ids=lambda file: str(file.relative_to(PROJECT / "templates")))
    def test_says_first_what_it_is_given_and_has_no_code_or_style_of_its_own(self, file):
        text = file.read_text()

        assert re.match(r"\{# .+ #\}\n", text)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        scripts = re.findall(r"<script[^>]*>", text)
        assert all("src=" in script or "application/ld+json" in script for script in scripts)  # that is data
        for element in re.findall(r"<[a-z]+[^<]*\shx-(?:get|post)=[^<]*", text):
            # Every element that htmx drives works without it: a link, a form, or a stub, whose page can be reloaded.
            assert re.match(r"<(a [^>]*href=|form [^>]*action=|section class=\"stub\")", element), element


def pages(client: Client) -> list[str]:
    listed = parsed(client.get("/states/").content)
    return [each.attrs["href"] for each in listed.classed("menu")[0].tagged("a")]


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestEveryState:
    @pytest.fixture
    def trees(self, client: Client) -> dict[str, Element]:
        return {path: parsed(client.get(path).content) for path in pages(client)}

    def test_gives_each_focusable_element_of_its_stub_an_id(self, trees):
        without = [
            (path, each.tag)
            for path, tree in trees.items()
            for each in tree.classed("stub")[0].tagged(*FOCUSABLE)
            if "id" not in each.attrs and each.attrs.get("type") != "hidden"
        ]

        assert without == []

    def test_has_each_id_once(self, trees):
        for path, tree in trees.items():
            ids = [each.attrs["id"] for each in tree.walk() if "id" in each.attrs]
            assert len(ids) == len(set(ids)), path

    def test_refers_to_what_is_there(self, trees):
        for path, tree in trees.items():
            for each in tree.walk():
                for name in ("aria-labelledby", "aria-describedby", "form", "for"):
                    for target in each.attrs.get(name, "").split():
                        assert tree.has(target), f"{path}: {name} of <{each.tag}> names {target}"

    def test_has_one_filled_button_at_most(self, trees):
        for path, tree in trees.items():
            filled = [each for each in tree.classed("btn") if "plain" not in each.attrs["class"].split()]
            assert len(filled) <= 1, path

    def test_has_one_live_region_which_is_empty_and_outside_of_the_stub(self, trees):
        for path, tree in trees.items():
            said = tree.id("say")
            assert (said.attrs["role"], said.text) == ("status", ""), path
            assert not tree.classed("stub")[0].has("say")
            assert not [each for each in tree.walk() if "aria-live" in each.attrs]

    def test_comes_with_a_strict_policy(self, client: Client):
        policy = client.get("/states/live/").headers["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy

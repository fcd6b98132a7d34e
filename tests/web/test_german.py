"""The German texts: all that shoppers and staff can meet is translated, and the compiled file is as its source."""

import gettext
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.test import Client
from django.utils.translation.template import templatize

from tests.web.dom import parsed

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "locale" / "de" / "LC_MESSAGES"
KEYWORDS: dict[str, Any] = {
    "gettext": None, "gettext_lazy": None, "gettext_noop": None, "_": None,
    "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
}  # fmt: skip
CODE = [file for file in (PROJECT / "sales").rglob("*.py") if "migrations" not in file.parts]
TEMPLATES = [file for file in (PROJECT / "templates").rglob("*") if file.suffix in {".html", ".txt"}]


def catalogue() -> Catalog:
    with (FOLDER / "django.po").open("rb") as opened:
        return read_po(opened)


def messages() -> list[Any]:
    """Every text of the source but its header."""
    return [message for message in catalogue() if message.id]


def written() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Every text in templates and code, with the file that it is in."""
    for file in [*TEMPLATES, *CODE]:
        text = file.read_text()
        source = templatize(text, origin=str(file)) if file in TEMPLATES else text
        for _, message, _, _ in extract("python", BytesIO(source.encode()), keywords=KEYWORDS):
            yield str(file.relative_to(PROJECT)), message


def asked_for(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)", text))


class TestTheSource:
    def test_has_every_text_that_somebody_can_meet(self):
        known = catalogue()
        found = list(written())

        assert len(found) > 500
        missing = [(file, message) for file, message in found if not (entry := known.get(message)) or not entry.string]
        assert missing == []

    def test_has_nothing_fuzzy_and_nothing_half_done(self):
        for message in messages():
            assert not message.fuzzy, message.id
            assert all(message.string) if isinstance(message.string, tuple) else message.string, message.id

    def test_asks_for_what_the_english_text_does(self):
        for message in messages():
            if isinstance(message.id, tuple):
                assert isinstance(message.string, tuple)
                wanted = asked_for(message.id[0]) | asked_for(message.id[1])
                assert all(asked_for(text) <= wanted for text in message.string), message.id
                assert asked_for(message.string[1]) == asked_for(message.id[1])
            else:
                assert asked_for(str(message.string)) == asked_for(message.id), message.id

    def test_raises_its_voice_no_more_than_the_english_text(self):
        for message in messages():
            assert "!" not in str(message.string), message.id

    def test_keeps_the_markup_of_the_english_text(self):
        for message in messages():
            if isinstance(message.id, str):
                assert sorted(re.findall(r"<[^>]*>", message.id)) == sorted(re.findall(r"<[^>]*>", str(message.string)))


class TestTheCompiledFile:
    def test_is_in_step_with_its_source(self):
        compiled = BytesIO()
        write_mo(compiled, catalogue())
        compiled.seek(0)

        with (FOLDER / "django.mo").open("rb") as opened:
            kept: Any = gettext.GNUTranslations(opened)
        made: Any = gettext.GNUTranslations(compiled)

        texts = {key: text for key, text in kept._catalog.items() if key}
        assert texts == {key: text for key, text in made._catalog.items() if key}


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestPages:
    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("/", "Verkäufe"),
            ("/states/live/", "37 von 100 noch da"),
            ("/states/live/", "Eines kaufen für 48,00 €"),
            ("/states/near/", "um 18:21"),
            ("/states/held/", "Nummer 63 ist für Sie zurückgelegt"),
            ("/states/far/", "MEZ, die Zeit in Europe/Berlin."),
            ("/accounts/login/", "Anmelden"),
            ("/accounts/signup/", "Passwort"),
            ("/nowhere/", "Hier ist nichts"),
        ],
    )
    def test_are_german_for_who_reads_german(self, path, text, client: Client):
        tree = parsed(client.get(path, headers={"Accept-Language": "de"}).content)

        assert text in tree.text

    def test_of_accounts_tell_mistakes_in_german(self, client: Client):
        answer = client.post("/accounts/login/", {"login": "", "password": ""}, headers={"Accept-Language": "de"})

        assert "Dieses Feld ist zwingend erforderlich." in parsed(answer.content).text

    def test_name_the_zone_as_germans_do(self, client: Client):
        assert "MEZ" in parsed(client.get("/states/live/", headers={"Accept-Language": "de"}).content).text

"""The language of pages: what the browser asks for, what was chosen at the foot, and the direction of writing."""

from typing import Any

import pytest
from django.test import Client

from tests.web.dom import parsed

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestTheLanguage:
    def test_is_what_the_browser_asks_for(self, client: Client):
        tree = parsed(client.get("/", headers=GERMAN).content).tagged("html")[0]

        assert (tree.attrs["lang"], tree.attrs["dir"]) == ("de", "ltr")

    def test_is_english_for_who_asks_for_one_that_we_have_not(self, client: Client):
        tree = parsed(client.get("/", headers={"Accept-Language": "eo"}).content).tagged("html")[0]

        assert tree.attrs["lang"] == "en"

    def test_chosen_at_the_foot_is_kept_and_leads_back(self, client: Client):
        form = parsed(client.get("/").content).classed("foot")[0].tagged("form")[0]
        button = next(each for each in form.tagged("button") if each.attrs["value"] == "de")
        assert (button.text, button.attrs["lang"]) == ("Deutsch", "de")

        done = client.post(
            form.attrs["action"], {"language": "de"}, headers={"Referer": "http://testserver/purchases/"}
        )

        assert (done.status_code, done.headers["Location"]) == (302, "http://testserver/purchases/")
        assert (
            parsed(client.get("/", headers={"Accept-Language": "en"}).content).tagged("html")[0].attrs["lang"] == "de"
        )

    def test_leads_to_no_other_site(self, client: Client):
        done = client.post(
            "/language",
            {"language": "de", "next": "https://evil.example/"},
            headers={"Referer": "https://evil.example/"},
        )

        assert done.headers["Location"] == "/"

    def test_that_is_not_ours_changes_nothing(self, client: Client):
        client.post("/language", {"language": "xx"})

        assert "django_language" not in client.cookies

    def test_is_chosen_without_a_token_so_that_pages_hold_nothing_of_one_visitor(self, client: Client):
        response = client.get("/")

        assert not response.cookies
        assert "csrfmiddlewaretoken" not in response.content.decode()
        assert Client(enforce_csrf_checks=True).post("/language", {"language": "de"}).status_code == 302

    def test_has_no_switch_where_there_is_one_alone(self, client: Client, settings: Any):
        settings.LANGUAGES = [("en", "English")]

        assert not parsed(client.get("/").content).classed("foot")[0].tagged("form")


@pytest.mark.django_db
@pytest.mark.usefixtures("live")
class TestALanguageFromRightToLeft:
    """Arabic stands for all of them: Django knows its direction and its dates, and our texts stay English in it."""

    @pytest.mark.parametrize("path", ["/", "/accounts/login/", "/states/live/", "/states/near/", "/nowhere/"])
    def test_turns_the_page(self, path, client: Client, settings: Any):
        settings.LANGUAGES = [("en", "English"), ("ar", "العربيّة")]

        html = parsed(client.get(path, headers={"Accept-Language": "ar"}).content).tagged("html")[0]

        assert (html.attrs["lang"], html.attrs["dir"]) == ("ar", "rtl")

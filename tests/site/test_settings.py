"""What follows from the environment for Django and for sales, on each kind of site."""

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as of_the_tests

from flashsale_site import reading
from flashsale_site.environment import KNOBS, PROJECT
from sales.conf import Conf, Limits, Site
from tests.site.given import demo, shop

PRINT = """
import json
from flashsale_site import settings
print(json.dumps({name: getattr(settings, name) for name in dir(settings) if name.isupper()}, default=repr))
"""


def settings_of(variables: dict[str, str]) -> dict[str, Any]:
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(
        [sys.executable, "-c", PRINT], env=kept | variables, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    read: dict[str, Any] = json.loads(done.stdout)
    return read


@pytest.fixture(scope="module")
def of_a_shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("shop")
    return settings_of(shop(DATA_DIR=str(folder), PROXY_SSL_HEADER="X-Forwarded-Proto", LIMIT_LOGIN_PER_ADDRESS="7/m"))


@pytest.fixture(scope="module")
def of_the_demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return settings_of(demo(DATA_DIR=str(tmp_path_factory.mktemp("demo"))))


class TestAShop:
    def test_speaks_https_and_keeps_its_cookies_to_it(self, of_a_shop: dict[str, Any]):
        assert of_a_shop["SECURE_SSL_REDIRECT"] is True
        assert of_a_shop["SESSION_COOKIE_SECURE"] is True
        assert of_a_shop["CSRF_COOKIE_SECURE"] is True
        assert of_a_shop["SECURE_HSTS_SECONDS"] == 31_536_000
        assert of_a_shop["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]

    def test_wants_addresses_verified(self, of_a_shop: dict[str, Any]):
        assert of_a_shop["ACCOUNT_EMAIL_VERIFICATION"] == "mandatory"

    def test_lets_nobody_call_from_elsewhere_who_was_not_named(self, of_a_shop: dict[str, Any]):
        assert of_a_shop["CORS_ALLOW_ALL_ORIGINS"] is False
        assert of_a_shop["CORS_ALLOWED_ORIGINS"] == []

    def test_tells_sales_what_was_set(self, of_a_shop: dict[str, Any]):
        assert "login_per_address=Rate(count=7, seconds=60)" in of_a_shop["SALES"]
        assert "purchase_per_address=Rate(count=300, seconds=60)" in of_a_shop["SALES"]
        assert "ledger_embedded=False" in of_a_shop["SALES"]

    def test_keeps_people_signed_in_without_the_cache(self, of_a_shop: dict[str, Any]):
        assert of_a_shop["SESSION_ENGINE"] == "django.contrib.sessions.backends.db"


class TestTheDemo:
    def test_speaks_plain_http(self, of_the_demo: dict[str, Any]):
        assert of_the_demo["SECURE_SSL_REDIRECT"] is False
        assert of_the_demo["SESSION_COOKIE_SECURE"] is False
        assert of_the_demo["SECURE_HSTS_SECONDS"] == 0

    def test_is_open(self, of_the_demo: dict[str, Any]):
        assert of_the_demo["ACCOUNT_EMAIL_VERIFICATION"] == "none"
        assert of_the_demo["CORS_ALLOW_ALL_ORIGINS"] is True
        assert of_the_demo["CORS_ALLOW_CREDENTIALS"] is False

    def test_is_no_place_for_debugging_unless_told_so(self, of_the_demo: dict[str, Any]):
        assert of_the_demo["DEBUG"] is False

    def test_starts_its_own_servers(self, of_the_demo: dict[str, Any]):
        assert "ledger_embedded=True" in of_the_demo["SALES"]
        assert of_the_demo["CACHES"]["ledger"]["LOCATION"].startswith("unix://")

    def test_limits_purchases_more_than_a_shop(self, of_the_demo: dict[str, Any]):
        assert "purchase_per_address=Rate(count=10, seconds=60)" in of_the_demo["SALES"]
        assert "purchase_per_shopper=Rate(count=5, seconds=60)" in of_the_demo["SALES"]


class TestLimitsSwitchedOff:
    def test_are_off_for_accounts_too(self, tmp_path: Path):
        read = settings_of(demo(DATA_DIR=str(tmp_path), LIMITS="off"))

        assert read["ACCOUNT_RATE_LIMITS"] is False
        assert "Limits(on=False" in read["SALES"]


class TestASecret:
    def test_is_not_shown_where_the_configuration_is(self):
        conf = Conf(site=Site.DEMO, ledger_url="redis://:hunter2@a.example", cache_url="redis://:hunter2@b.example")

        assert "hunter2" not in repr(conf)


class TestTheSettings:
    def test_use_every_knob(self):
        wiring = [file for file in (PROJECT / "flashsale_site").glob("*.py") if file.name != "environment.py"]
        used = set(re.findall(r"\b(?:ENV|_env|environment)\.([a-z_]+)", "\n".join(file.read_text() for file in wiring)))

        unused = {knob.name.lower() for knob in KNOBS} - used - {"data_dir", "site", "env_file"}

        assert unused == set()

    @pytest.mark.parametrize("told", [Conf, Limits])
    def test_tell_sales_all_that_it_may_know(self, told: type):
        tree = ast.parse((PROJECT / "flashsale_site/settings.py").read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        call = next(each for each in calls if isinstance(each.func, ast.Name) and each.func.id == told.__name__)

        assert {word.arg for word in call.keywords} == {field.name for field in fields(told)}


class TestWhatSalesTakesForGranted:
    """Whoever makes a `Conf` without the site's settings gets what a shop gets that sets nothing."""

    def test_are_the_same_limits(self):
        read = reading.read(shop())
        limits = Limits()

        named = {field.name for field in fields(Limits)} - {"on", "without_cache"}
        assert {name: getattr(read, f"limit_{name}") for name in named} == {
            name: getattr(limits, name) for name in named
        }
        assert (read.limits, read.limits_without_cache) == (limits.on, limits.without_cache)

    def test_are_the_same_figures_and_words(self):
        read, conf = reading.read(shop()), Conf()

        same = {field.name for field in fields(Conf)} & {field.name for field in fields(read)}
        same -= {"data_dir", "limits", "cache_url"}
        assert {name: getattr(read, name) for name in same} == {name: getattr(conf, name) for name in same}
        assert {"site", "shop_name", "keeper_batch", "body_limit_bytes"} <= same


class TestTheSettingsOfTheTests:
    def test_take_nothing_from_whoever_starts_them(self):
        assert of_the_tests.SALES.site is Site.DEMO
        assert of_the_tests.SALES.shop_name == "Harbour Press"
        assert of_the_tests.SALES.ledger_embedded
        assert "flashsale-tests-" in str(of_the_tests.DATA_DIR)

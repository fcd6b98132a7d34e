"""What the environment may say, what stands in where it says nothing, and what is refused."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from flashsale_site import reading
from flashsale_site.environment import KNOBS, PROJECT
from flashsale_site.reading import Misconfigured
from sales.conf import Site, WithoutCache
from sales.domain.rates import Rate
from tests.site.given import demo, shop


def refusal(variables: dict[str, str]) -> str:
    with pytest.raises(Misconfigured) as refused:
        reading.read(variables)
    return str(refused.value)


class TestEnvironment:
    def test_is_a_locked_shop_unless_it_says_otherwise(self):
        read = reading.read({name: value for name, value in shop().items() if name != "SITE"})

        assert read.site is Site.PRODUCTION
        assert read.debug is False
        assert read.ssl_redirect is True
        assert read.data_path == PROJECT / "var/production"
        assert read.limit_purchase_per_address == Rate(count=300, seconds=60)
        assert read.limit_purchase_per_shopper == Rate(count=5, seconds=60)
        assert read.cors_allowed_origins == ()

    def test_needs_nothing_for_the_demo(self):
        read = reading.read(demo())

        assert read.is_demo
        assert read.data_path == PROJECT / "var/demo"
        assert read.ssl_redirect is False
        assert read.limit_purchase_per_address == Rate(count=10, seconds=60)
        assert read.limit_purchase_per_shopper == Rate(count=5, seconds=60)
        assert read.cors_allowed_origins == ("*",)
        assert "localhost" in read.allowed_hosts

    def test_takes_the_word_of_a_variable_over_any_default(self):
        read = reading.read(
            shop(
                LIMIT_PURCHASE_PER_SHOPPER="2/10s",
                LIMITS_WITHOUT_CACHE="refuse",
                TRUSTED_PROXIES="10.0.0.0/8, 127.0.0.1",
                SHOP_TIME_ZONE="America/Lima",
                WEB_WORKERS=" 4 ",
            )
        )

        assert read.limit_purchase_per_shopper == Rate(count=2, seconds=10)
        assert read.limits_without_cache is WithoutCache.REFUSE
        assert read.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("127.0.0.1"))
        assert read.shop_time_zone == "America/Lima"
        assert read.web_workers == 4

    def test_takes_an_empty_variable_for_one_that_is_not_set(self):
        assert reading.read(shop(WEB_WORKERS="", SITE="")).web_workers == 2

    def test_does_not_change_what_it_reads(self):
        variables = shop()

        reading.read(variables)

        assert variables == shop()

    @pytest.mark.parametrize("knob", [knob for knob in KNOBS if not knob.required], ids=lambda knob: knob.name)
    def test_has_defaults_that_its_own_readers_take(self, knob):
        for is_demo in (True, False):
            knob.kind.read(knob.fallback(is_demo=is_demo))


class TestAMistake:
    @pytest.mark.parametrize(
        ("name", "written", "fix"),
        [
            ("SITE", "live", "must be demo or production"),
            ("DEBUG", "yess", "must be on or off"),
            ("SHOP_LANGUAGES", "en,xx", "must list languages such as en"),
            ("SHOP_LANGUAGES", "en,en", "none of them twice"),
            ("DEBUG", "on", "turn it off, or say SITE=demo"),
            ("SECRET_KEY", "", "set it to what this prints"),
            ("SECRET_KEY", "short", "set it to what this prints"),
            ("SECRET_KEY", "a" * 60, "set it to what this prints"),
            ("SECRET_KEY", "django-insecure-" + "x7Qp" * 20, "set it to what this prints"),
            ("ALLOWED_HOSTS", "", "list the names of this site"),
            ("ALLOWED_HOSTS", "*", "list the names of this site"),
            ("REDIS_URL", "", "name the server of the ledger"),
            ("REDIS_URL", "http://ledger.example", "must look like redis://"),
            ("REDIS_URL", "redis://", "must look like redis://"),
            ("REDIS_URL", "redis://ledger.example:port", "must look like redis://"),
            ("CACHE_URL", "", "name the server of the cache"),
            ("CACHE_URL", "unix:", "must look like redis://"),
            ("CACHE_URL", "redis://ledger.example:6379/0", "name another server"),
            ("REDIS_URL", "redis://ledger.example/first", "must look like redis://"),
            ("ALLOWED_HOSTS", "https://shop.example", "without https://"),
            ("ALLOWED_HOSTS", "shop.example:443", "without port"),
            ("DATABASE_URL", "mysql://db.example/shop", "must look like postgres://"),
            ("DATABASE_URL", "postgres://db.example:port/shop", "must look like postgres://"),
            ("DATABASE_URL", "postgres://db.example", "must look like postgres://"),
            ("DATABASE_URL", "postgres://keeper:a#b@db.example/shop", "%23 for #"),
            ("DATABASE_URL", "sqlite://", "must look like postgres://"),
            ("DATABASE_URL", "sqlite://relative/file", "sqlite:////path/to/file"),
            ("EMAIL_URL", "https://mail.example", "must look like smtp://"),
            ("EMAIL_URL", "smtp://mail.example:port", "must look like smtp://"),
            ("PROXY_SSL_HEADER", "X-Forwarded-Proto: https", "such as X-Forwarded-Proto"),
            ("LEDGER_KEY_PREFIX", "{shop}", "such as shop:"),
            ("BIND", "8000", "such as 127.0.0.1:8000"),
            ("BIND", "http://127.0.0.1:8000", "such as 127.0.0.1:8000"),
            ("HSTS_SECONDS", "a year", "must be a whole number from 0"),
            ("HSTS_SECONDS", "-1", "must be a whole number from 0"),
            ("WEB_WORKERS", "0", "must be a whole number from 1"),
            ("WEB_WORKERS", "٣", "must be a whole number from 1"),
            ("WEB_WORKERS", "9" * 5000, "must be a whole number from 1"),
            ("SNAPSHOT_MAX_AGE_MS", "251", "must be a whole number from 0 to 250"),
            ("LIMIT_PURCHASE_PER_ADDRESS", "often", "such as 300/m"),
            ("LIMIT_PURCHASE_PER_ADDRESS", "0/m", "raise its count"),
            ("LIMIT_PURCHASE_PER_SHOPPER", "0/m", "raise its count"),
            ("LIMITS_WITHOUT_CACHE", "perhaps", "must be allow or refuse"),
            ("TRUSTED_PROXIES", "10.0.0.1/8", "such as 10.0.0.0/8"),
            ("CORS_ALLOWED_ORIGINS", "shop.example", "such as https://shop.example"),
            ("CSRF_TRUSTED_ORIGINS", "https://shop.example/path", "such as https://shop.example"),
            ("SHOP_TIME_ZONE", "Europe/Hamburg", "such as Europe/Berlin"),
            ("SHOP_TIME_ZONE", "../../etc/passwd", "such as Europe/Berlin"),
            ("SHOP_CURRENCY", "euro", "such as EUR"),
            ("LOG_LEVEL", "loud", "must be debug or info or warning or error"),
            ("LOG_FORMAT", "xml", "must be text or json"),
        ],
    )
    def test_is_refused_with_a_sentence_that_names_the_setting_and_the_fix(self, name, written, fix):
        said = refusal(shop(**{name: written}))

        assert said.startswith(name)
        assert fix in said
        assert "\n" not in said

    def test_is_told_together_with_all_others(self):
        said = refusal(shop(SECRET_KEY="", ALLOWED_HOSTS="", DEBUG="on"))

        assert said.splitlines()[0] == "The settings have 3 mistakes:"
        assert [line.split()[1] for line in said.splitlines()[1:]] == ["DEBUG", "SECRET_KEY", "ALLOWED_HOSTS"]

    def test_of_the_demo_is_refused_too(self):
        assert refusal(demo(WEB_WORKERS="0", SHOP_CURRENCY="€")).count("\n- ") == 2
        assert refusal(demo(SECRET_KEY="short")).startswith("SECRET_KEY")

    @pytest.mark.parametrize(
        ("ledger", "cache"),
        [
            ("redis://a.example", "redis://a.example:6379/0"),
            ("redis://a.example/0", "rediss://:password@A.example/"),
            ("redis://localhost:6379/1", "redis://127.0.0.1:6379?db=1"),
            ("redis://[::1]:6379/1", "redis://localhost:6379/01"),
            ("unix:///run/a.sock", "unix:///run/a.sock?db=0"),
            ("unix:///run/a.sock", "unix:///run/../run/a.sock"),
        ],
    )
    def test_is_to_keep_the_cache_where_the_ledger_is_however_it_is_written(self, ledger, cache):
        assert refusal(shop(REDIS_URL=ledger, CACHE_URL=cache)).startswith("CACHE_URL")

    @pytest.mark.parametrize(
        ("ledger", "cache"),
        [
            ("redis://a.example/0", "redis://a.example/1"),
            ("redis://a.example:6379", "redis://a.example:6380"),
            ("unix:///run/a.sock", "unix:///run/b.sock"),
        ],
    )
    def test_is_not_seen_where_they_are_apart(self, ledger, cache):
        assert reading.read(shop(REDIS_URL=ledger, CACHE_URL=cache)).cache_url == cache

    @pytest.mark.parametrize("name", ["REDIS_URL", "CACHE_URL", "DATABASE_URL", "EMAIL_URL", "SECRET_KEY"])
    def test_is_told_without_repeating_a_secret(self, name):
        said = refusal(shop(**{name: "ftp://user:hunter2@a.example"}))

        assert "hunter2" not in said


class TestTheFileOfSettings:
    def test_is_read_below_the_environment(self, tmp_path: Path):
        file = tmp_path / "settings"
        file.write_text("SHOP_NAME=Written in the file\nWEB_WORKERS=7\n# SHOP_PLACE=not this\n")

        read = reading.read(shop(ENV_FILE=str(file), WEB_WORKERS="3"))

        assert read.shop_name == "Written in the file"
        assert read.shop_place == "Hamburg"
        assert read.web_workers == 3

    def test_takes_a_dollar_sign_as_it_is(self, tmp_path: Path):
        key = "$" + "x7Qp$" * 12
        file = tmp_path / "settings"
        file.write_text(f"SECRET_KEY={key}\n")

        assert reading.read(shop(ENV_FILE=str(file), SECRET_KEY="")).secret_key == key

    def test_need_not_be_there_unless_somebody_named_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reading, "PROJECT", tmp_path)

        reading.read({name: written for name, written in shop().items() if name != "ENV_FILE"})

        assert "none cannot be read (No such file or directory)" in refusal(shop(ENV_FILE=str(tmp_path / "none")))

    @pytest.mark.parametrize("line", ["SECRET_KEY = hunter2", " SECRET_KEY=hunter2", "hunter2", "SECRET-KEY=hunter2"])
    def test_is_refused_with_a_line_that_would_be_passed_over(self, line: str, tmp_path: Path):
        file = tmp_path / "settings"
        file.write_text(f"# first\n\n{line}\n")

        said = refusal(shop(ENV_FILE=str(file)))

        assert f"line 3 of {file}" in said
        assert "hunter2" not in said

    def test_is_refused_where_it_is_not_text(self, tmp_path: Path):
        file = tmp_path / "settings"
        file.write_bytes(b"SHOP_NAME=caf\xe9\n")

        assert "is not text in UTF-8" in refusal(shop(ENV_FILE=str(file)))

    def test_leaves_the_environment_of_the_process_alone(self, tmp_path: Path):
        file = tmp_path / "settings"
        file.write_text("SHOP_NAME=Only in the file\n")
        before = dict(os.environ)

        reading.read(shop(ENV_FILE=str(file)))

        assert dict(os.environ) == before


class TestTheCommandDemo:
    @pytest.fixture(autouse=True)
    def _environment_of_its_own(self, monkeypatch: pytest.MonkeyPatch):
        for name in ("SITE", "DATA_DIR"):
            monkeypatch.setenv(name, "")  # so that whatever is set here is undone afterwards
        monkeypatch.setenv("ENV_FILE", "")

    def test_makes_a_site_that_nobody_named_the_demo(self):
        reading.assume_demo(["--port", "8001"])

        assert os.environ["SITE"] == "demo"
        assert os.environ["DATA_DIR"] == ""

    def test_leaves_a_shop_a_shop(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        file = tmp_path / "settings"
        file.write_text("SITE=production\n")
        monkeypatch.setenv("ENV_FILE", str(file))
        monkeypatch.delenv("SITE")

        reading.assume_demo([])

        assert "SITE" not in os.environ

    @pytest.mark.parametrize("arguments", [["--data", "here"], ["--data=here"], ["--port", "1", "--data", "here"]])
    def test_keeps_its_data_where_it_is_told_from_wherever_it_is_called(self, arguments, monkeypatch, tmp_path: Path):
        monkeypatch.chdir(tmp_path)

        reading.assume_demo(arguments)

        assert os.environ["DATA_DIR"] == str(tmp_path / "here")

    def test_leaves_wrong_arguments_to_the_command(self):
        reading.assume_demo(["--data"])
        reading.assume_demo(["--nonsense", "--dat", "x"])

        assert os.environ["DATA_DIR"] == ""

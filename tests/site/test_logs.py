"""What a log line looks like, and what never stands in one."""

import json
import logging
import logging.config
from typing import Any

import pytest

from flashsale_site import logs, reading
from tests.site.given import shop

SECRETS = [
    ("cannot reach redis://user:hunter2@ledger.example:6379/0", "redis://user:***@ledger.example:6379/0"),
    ("cannot reach redis://:hunter2@ledger.example", "redis://:***@ledger.example"),
    ("postgres://keeper:hunter2@db.example/shop refused", "postgres://keeper:***@db.example/shop"),
    ("Authorization: Bearer hunter2.hunter2-hunter2", "Bearer ***"),
    ("authorization: basic aHVudGVyMg==", "basic ***"),
]


def formatter(log_format: str) -> logging.Formatter:
    config = logs.config(reading.read(shop(LOG_FORMAT=log_format)))
    made: dict[str, Any] = config["formatters"][config["handlers"]["stderr"]["formatter"]]
    return logging.config.DictConfigurator(config).configure_formatter(made)


def record(message: str, **more: Any) -> logging.LogRecord:
    fields = {"name": "sales.keeper", "levelname": "INFO", "msg": message, "request_id": "4f1c0a9e", "created": 0.0}
    return logging.makeLogRecord(fields | {"msecs": 0.0} | more)


def broken() -> Any:
    try:
        raise ValueError("two\nlines")  # noqa: TRY301 (a traceback to log is all that is wanted)
    except ValueError as error:
        return (type(error), error, error.__traceback__)


class TestALineForPeople:
    def test_says_when_who_and_for_which_request(self):
        line = formatter("text").format(record("recorded 3 orders"))

        assert line == "1970-01-01T00:00:00.000Z INFO sales.keeper [4f1c0a9e] recorded 3 orders"

    def test_is_one_line_whatever_happened(self):
        line = formatter("text").format(record("forged\r\n1970-01-01 ERROR all is lost", exc_info=broken()))

        assert len(line.splitlines()) == 1
        assert "forged ⏎ 1970-01-01 ERROR all is lost ⏎ Traceback" in line


class TestALineForMachines:
    def test_is_one_object_with_the_same_fields(self):
        line = formatter("json").format(record("recorded 3 orders", sale="sample-sale-1"))

        assert json.loads(line) == {
            "at": "1970-01-01T00:00:00+00:00",
            "levelname": "INFO",
            "name": "sales.keeper",
            "request_id": "4f1c0a9e",
            "message": "recorded 3 orders",
            "sale": "sample-sale-1",
            "process": json.loads(line)["process"],
            "threadName": "MainThread",
        }

    def test_is_one_line_whatever_happened(self):
        line = formatter("json").format(record("broke", exc_info=broken()))

        assert len(line.splitlines()) == 1
        assert "ValueError: two" in json.loads(line)["exc_info"]

    def test_leaves_out_the_request_with_its_address(self):
        line = formatter("json").format(record("Not Found", request="<WSGIRequest: GET '/?token=hunter2'>"))

        assert "hunter2" not in line


class TestASecret:
    @pytest.mark.parametrize(("message", "written"), SECRETS)
    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_is_struck_out(self, log_format: str, message: str, written: str):
        line = formatter(log_format).format(record(message))

        assert "hunter2" not in line
        assert "aHVudGVyMg" not in line
        assert written in line

    def test_is_not_seen_in_plain_words(self):
        assert logs.without_secrets("the bearer of https://shop.example/a:b@c") == (
            "the bearer of https://shop.example/a:b@c"
        )


class TestTheConfiguration:
    def test_sends_every_record_one_way_only(self):
        config = logs.config(reading.read(shop(LOG_LEVEL="warning")))

        assert config["root"] == {"level": "WARNING", "handlers": ["stderr"]}
        assert all(logger["handlers"] == [] and logger["propagate"] for logger in config["loggers"].values())

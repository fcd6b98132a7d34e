"""How log records are written: one line each, with the request's id, without passwords. For Django and gunicorn."""

import logging
import re
import time
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from flashsale_site.environment import Environment
from flashsale_site.kinds import LogFormat

_PASSWORD_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"\b(?P<kind>Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE)
_FIELDS = ("levelname", "name", "message", "request_id", "process", "threadName")
# Django hangs these objects on its records; printed, they would show addresses with their tokens.
_NOT_WRITTEN = ("request", "server_time", "taskName")


def without_secrets(line: str) -> str:
    """Return the line with passwords in URLs and Authorization values struck out."""
    return _AUTHORIZATION.sub(r"\g<kind> ***", _PASSWORD_IN_URL.sub(r"\g<before>:***@", line))


class TextFormatter(logging.Formatter):
    """A line for people. Line breaks are shown as a sign, so that a record is one line and cannot forge another."""

    converter = staticmethod(time.gmtime)  # one clock for all processes, whatever zone each of them lives in
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, a traceback at its end."""
        return without_secrets(" ⏎ ".join(super().format(record).splitlines()))


class LineFormatter(JsonFormatter):
    """A JSON object for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object on one line."""
        return without_secrets(super().format(record))


def config(environment: Environment) -> dict[str, Any]:
    """Return the configuration of Python's logging."""
    level = environment.log_level.value.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "sales.web.request_id.RequestIdFilter"}},
        "formatters": {
            LogFormat.TEXT.value: {
                "()": TextFormatter,
                "format": "{asctime} {levelname} {name} [{request_id}] {message}",
                "style": "{",
            },
            LogFormat.JSON.value: {
                "()": LineFormatter,
                "fmt": [*_FIELDS],
                "timestamp": "at",
                "reserved_attrs": [*_reserved(), *_NOT_WRITTEN],
            },
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": environment.log_format.value,
                "filters": ["request_id"],
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            # Django gives these handlers of their own unless told otherwise; every record goes one way only.
            "django": {"level": level, "handlers": [], "propagate": True},
            "django.server": {"level": level, "handlers": [], "propagate": True},
            # Says of every HEAD that Django leaves it to the server to drop the body: true, and nobody's trouble.
            "gunicorn.http.wsgi": {"level": "ERROR", "handlers": [], "propagate": True},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": level, "handlers": [], "propagate": True},
        },
    }


def _reserved() -> list[str]:
    return list(logging.makeLogRecord({}).__dict__)

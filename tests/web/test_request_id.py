"""The id that ties an answer to what was logged about it."""

import logging
import os
import sys
from contextvars import copy_context

import pytest
from django.test import Client

import manage
from sales.web import request_id

pytestmark = pytest.mark.urls("tests.site.urls")


class TestTheRequestId:
    def test_is_made_here_where_nobody_gave_one(self, client: Client):
        first = client.get("/plain").headers["X-Request-ID"]
        second = client.get("/plain").headers["X-Request-ID"]

        assert len(first) == 16
        assert first != second

    def test_is_another_in_each_process(self):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.write(writer, " ".join(request_id.chosen(None) for _ in range(100)).encode())
            os._exit(0)
        os.waitpid(child, 0)
        theirs = os.read(reader, 10_000).decode().split()
        os.close(reader)
        os.close(writer)

        ours = [request_id.chosen(None) for _ in range(100)]

        assert len({*ours, *theirs}) == 200
        assert {each[:8] for each in theirs}.isdisjoint({each[:8] for each in ours})

    def test_is_taken_from_the_proxy(self, client: Client):
        answer = client.get("/plain", headers={"X-Request-ID": "4f1c0a9e-from-the-proxy"})

        assert answer.headers["X-Request-ID"] == "4f1c0a9e-from-the-proxy"

    @pytest.mark.parametrize(
        "offered", ["", "short", "-starts-badly", "x" * 65, "with space", "line\nbreak", "ünïcödé-ünïcödé", "a;drop--"]
    )
    def test_is_not_taken_where_it_could_forge_a_log_line(self, offered: str):
        assert request_id.chosen(offered) != offered
        assert len(request_id.chosen(offered)) == 16

    def test_stands_on_each_record_made_meanwhile(self, client: Client, caplog: pytest.LogCaptureFixture):
        caplog.handler.addFilter(request_id.RequestIdFilter())

        client.get("/plain", headers={"X-Request-ID": "4f1c0a9e-from-the-proxy"})

        logged = [record for record in caplog.records if record.name == "tests.site"]
        assert [record.__dict__["request_id"] for record in logged] == ["4f1c0a9e-from-the-proxy"]

    def test_stands_on_what_django_logs_about_the_answer(self, client: Client, caplog: pytest.LogCaptureFixture):
        caplog.handler.addFilter(request_id.RequestIdFilter())

        client.get("/missing", headers={"X-Request-ID": "4f1c0a9e-from-the-proxy"})

        logged = [record for record in caplog.records if record.name == "django.request"]
        assert [record.__dict__["request_id"] for record in logged] == ["4f1c0a9e-from-the-proxy"]

    def test_is_had_by_a_run_of_a_command_too(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sys, "argv", ["manage.py", "version"])
        run = copy_context()

        run.run(manage.main)

        assert len(run.run(request_id.current)) == 16
        assert request_id.current() == "-"

    def test_ends_with_its_request(self, client: Client):
        client.get("/plain")

        assert request_id.current() == "-"

    def test_is_a_dash_outside_of_requests(self):
        record = logging.makeLogRecord({"msg": "nobody asked"})

        assert request_id.RequestIdFilter().filter(record)
        assert record.__dict__["request_id"] == "-"

"""Between Django and the answers: bodies in chunks, cut off or unreadable; the address; the parts of an Ask."""

from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from sales.api import edge

GOOD = b'{"userId":"user123","flashSaleId":"unknown"}'


class BrokenInput(BytesIO):
    """A connection that the client left."""

    def read(self, *_args: Any) -> bytes:
        raise OSError("the client went away")


def chunked(body: BytesIO) -> HttpRequest:
    """Return a request as a server hands it over whose client did not say how long its body is."""
    request = RequestFactory().generic("POST", "/api/flashsale/purchase", content_type="application/json")
    request.META |= {"wsgi.input": body, "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    return request


class TestBody:
    def test_may_come_in_chunks(self) -> None:
        request = chunked(BytesIO(GOOD))

        assert edge.ask_of(request).body == GOOD

    def test_is_read_to_one_byte_over_the_limit(self) -> None:
        request = chunked(BytesIO(b"x" * 50_000))

        assert len(edge.ask_of(request).body) == 16_385

    @pytest.mark.parametrize("length", ["", "300"])
    def test_that_cannot_be_read_is_refused(self, client: Client, length: str) -> None:
        environ: Any = {"wsgi.input": BrokenInput(), "wsgi.input_terminated": True, "CONTENT_LENGTH": length}

        response = client.generic("POST", "/api/flashsale/purchase", content_type="application/json", **environ)

        assert (response.status_code, response.json()) == (400, {"error": "The body could not be read"})

    def test_that_is_shorter_than_announced_is_refused(self, client: Client) -> None:
        environ: Any = {"wsgi.input": BytesIO(GOOD), "CONTENT_LENGTH": str(len(GOOD) + 1)}

        response = client.generic("POST", "/api/flashsale/purchase", content_type="application/json", **environ)

        assert (response.status_code, response.json()) == (400, {"error": "The body could not be read"})


class TestAsk:
    def test_has_what_answers_need(self) -> None:
        request = RequestFactory().post(
            "/api/flashsale/purchase?a=b", data=GOOD, content_type="application/json", headers={"X-Odd-Name": "1"}
        )

        ask = edge.ask_of(request)

        assert (ask.method, ask.path, ask.query, ask.body) == ("POST", "/api/flashsale/purchase", "a=b", GOOD)
        assert (ask.headers["content-type"], ask.headers["x-odd-name"]) == ("application/json", "1")
        assert (ask.address, ask.secure) == ("127.0.0.1", False)

    def test_shows_no_key_and_no_body_when_it_is_printed(self) -> None:
        request = RequestFactory().post("/", data=GOOD, content_type="a/b", headers={"Authorization": "Bearer secret"})

        printed = repr(edge.ask_of(request))

        assert "secret" not in printed
        assert "user123" not in printed

"""What is said when something went wrong, with the status that belongs to it, and to whom."""

import pytest
from django.core.cache import cache
from django.db import InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django_redis.exceptions import ConnectionInterrupted

from sales.web import errors
from sales.web.middleware import UnavailableMiddleware
from tests.web.dom import only, parsed


def request(**headers: str) -> HttpRequest:
    return RequestFactory().get("/sales/x/panel", headers=headers)


class TestEachPage:
    @pytest.mark.parametrize(
        ("response", "status", "heading"),
        [
            (lambda: errors.bad_request(request()), 400, "This cannot be understood"),
            (lambda: errors.permission_denied(request()), 403, "Not for you, or not from here"),
            (lambda: errors.csrf_failure(request()), 403, "Not for you, or not from here"),
            (lambda: errors.page_not_found(request()), 404, "Nothing is here"),
            (lambda: errors.too_many(request(), seconds=24), 429, "Too many requests"),
            (lambda: errors.server_error(request()), 500, "A mistake of ours"),
            (lambda: errors.unavailable(request()), 503, "One moment"),
        ],
    )
    def test_has_its_status_and_its_heading_and_asks_no_database(self, response, status, heading):
        made = response()
        tree = parsed(made.content)

        assert made.status_code == status
        assert only(tree.tagged("h1")).text == heading
        assert made.headers["Cache-Control"] == "no-store"

    def test_says_when_to_come_back(self):
        response = errors.too_many(request(), seconds=24)

        assert response.headers["Retry-After"] == "24"
        assert "Please wait 24 seconds" in parsed(response.content).text

    def test_is_shown_where_nothing_is(self, db, live, client: Client):
        response = client.get("/nothing/of/this/name")

        assert response.status_code == 404
        assert "Nothing is here" in parsed(response.content).text


class TestAFragment:
    def test_is_a_stub_that_goes_on_asking(self):
        response = errors.unavailable(request(**{"HX-Request": "true"}), seconds=7)
        stub = parsed(response.content).id("panel")

        assert response.status_code == 503
        assert stub.attrs["hx-get"] == "/sales/x/panel"
        assert stub.attrs["hx-trigger"] == "load delay:7000ms, wake"
        assert "We look again in 7 seconds." in stub.text
        assert response.headers["X-Server-Time"].endswith("Z")


def broken() -> None:
    raise OperationalError("gone")


class TestAServerThatIsAway:
    @pytest.mark.parametrize(
        "fault",
        [ConnectionInterrupted(connection=None), OperationalError("gone"), InternalError("it can only be read")],
    )
    def test_is_503_in_a_view(self, fault):
        def view(_request: HttpRequest) -> HttpResponse:
            raise AssertionError("not called")

        response = UnavailableMiddleware(view).process_exception(request(), fault)

        assert response is not None
        assert response.status_code == 503

    def test_is_503_outside_of_views_too(self):
        try:
            broken()
        except OperationalError:  # as Django asks for the page: while it handles the exception
            assert errors.server_error(request()).status_code == 503

    def test_leaves_mistakes_of_ours_alone(self):
        fault = ValueError("a mistake of ours")

        assert UnavailableMiddleware(lambda _: HttpResponse()).process_exception(request(), fault) is None

    def test_meets_every_error_of_the_cache(self, settings):
        """The twin: without the middleware this is what a view would end with."""
        settings.CACHES = {
            **settings.CACHES,
            "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
        }

        with pytest.raises(errors.AWAY):
            cache.get("anything")

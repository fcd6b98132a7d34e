"""What stands around every answer: what browsers may do with it, and who may call from elsewhere."""

from typing import Any

import pytest
from django.test import Client

ELSEWHERE = "https://elsewhere.example"
STATUS = "/api/flashsale/status/sample-sale-1"

pytestmark = pytest.mark.urls("tests.site.urls")


class TestEveryAnswer:
    def test_says_what_browsers_may_do(self, client: Client):
        headers = client.get("/plain").headers

        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]

    def test_allows_only_what_comes_from_here(self, client: Client):
        policy = client.get("/plain").headers["Content-Security-Policy"]
        told = dict(part.split(" ", 1) for part in policy.split("; "))

        assert told == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "font-src": "'self'",
            "manifest-src": "'self'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }


class TestCallsFromElsewhere:
    @pytest.mark.parametrize("path", [STATUS, "/health"])
    def test_are_welcome_in_the_demo_without_cookies(self, path: str, client: Client):
        headers = client.get(path, headers={"Origin": ELSEWHERE}).headers

        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in headers
        assert "Retry-After" in headers["Access-Control-Expose-Headers"]

    def test_may_carry_a_key_and_an_idempotency_key(self, client: Client):
        asked = {
            "Origin": ELSEWHERE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,authorization,idempotency-key",
        }

        answer = client.options(STATUS, headers=asked)

        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type, authorization, idempotency-key"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"

    def test_come_from_the_listed_origins_where_they_are_listed(self, client: Client, settings: Any):
        settings.CORS_ALLOW_ALL_ORIGINS = False
        settings.CORS_ALLOWED_ORIGINS = ["https://listed.example"]

        listed = client.get(STATUS, headers={"Origin": "https://listed.example"})
        unlisted = client.get(STATUS, headers={"Origin": ELSEWHERE})

        assert listed.headers["Access-Control-Allow-Origin"] == "https://listed.example"
        assert "Access-Control-Allow-Origin" not in unlisted.headers

    def test_are_for_the_api_only(self, client: Client):
        assert "Access-Control-Allow-Origin" not in client.get("/plain", headers={"Origin": ELSEWHERE}).headers


class TestHttps:
    @pytest.fixture(autouse=True)
    def _as_in_production(self, settings: Any):
        settings.SECURE_SSL_REDIRECT = True
        settings.SECURE_HSTS_SECONDS = 3_600
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def test_is_where_plain_http_is_sent(self, client: Client):
        answer = client.get("/plain")

        assert answer.status_code == 301
        assert answer.headers["Location"] == "https://testserver/plain"

    def test_is_known_by_the_word_of_the_proxy(self, client: Client):
        answer = client.get("/plain", headers={"X-Forwarded-Proto": "https"})

        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=3600"

    def test_is_not_asked_of_a_load_balancer_that_looks_whether_we_live(self, client: Client):
        assert client.get("/health").status_code == 200

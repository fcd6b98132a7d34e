"""What is not a proper request: 4xx with a sentence, JSON always, and never 500."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from sales.models import Sale
from tests.api.conftest import Api, Said

POSTS = ["purchase", "confirm", "release", "extend"]
GETS = ["status/sample-sale-1", "sales", "user/user123/purchase/sample-sale-1"]
GOOD = '{"userId":"user123","flashSaleId":"sample-sale-1","purchaseId":"x"}'


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """What is refused, too, may have looked for the sale first."""


def assert_is_refused(said: Said, status: int, words: str = "") -> None:
    assert said.status == status, said.text
    assert list(said.body) == ["error"]
    assert isinstance(said.body["error"], str)
    assert words in said.body["error"]


@pytest.mark.parametrize("verb", POSTS)
class TestBody:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("{", "line 1, column 2"),
            ('{"userId": "user123",}', "not JSON"),
            ("{'userId': 'user123'}", "not JSON"),
            ("userId=user123&flashSaleId=x", "not JSON"),
            ("[]", "must be a JSON object"),
            ("null", "must be a JSON object"),
            ('"text"', "must be a JSON object"),
            ("17", "must be a JSON object"),
            ('{"userId":"a","userId":"b","flashSaleId":"x","purchaseId":"y"}', "twice"),
            ('{"more":{"a":1,"a":2}}', "twice"),
            ('{"userId":NaN}', "NaN"),
            ('{"userId":-Infinity}', "NaN"),
            ('{"n":' + "1" * 5_000 + "}", "too long"),
            ("[" * 8_000, "not"),
            (GOOD + " more", "not JSON"),
        ],
    )
    def test_must_be_one_json_object(self, api: Api, verb: str, body: str, words: str) -> None:
        assert_is_refused(api.send(f"/api/flashsale/{verb}", body), 400, words)

    def test_may_not_be_nested_without_end(self, api: Api, verb: str, settings: Any) -> None:
        settings.SALES = replace(settings.SALES, body_limit_bytes=1_048_576)

        for body in ("[" * 1_000_000, '{"a":' * 200_000, '{"a":' * 170_000 + "1" + "}" * 170_000):
            assert_is_refused(api.send(f"/api/flashsale/{verb}", body), 400, "too deeply")

    @pytest.mark.parametrize(
        "body",
        [b"\xff\xfe{\x00}\x00", b'{"userId":"\xff"}', b'{"userId":"\xed\xa0\x80"}', b"\x00", b"\x1f\x8b\x08\x00"],
    )
    def test_must_be_utf8(self, api: Api, verb: str, body: bytes) -> None:
        said = api.send(f"/api/flashsale/{verb}", body)

        assert (said.status, list(said.body)) == (400, ["error"])

    @pytest.mark.parametrize("body", ["", " ", "\n"])
    def test_may_not_be_empty(self, api: Api, verb: str, body: str) -> None:
        assert_is_refused(api.send(f"/api/flashsale/{verb}", body), 400, "are required")

    @pytest.mark.parametrize(
        "content_type",
        ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "/", ";"],
    )
    def test_must_be_called_json(self, api: Api, verb: str, content_type: str) -> None:
        said = api.send(f"/api/flashsale/{verb}", GOOD, content_type=content_type)

        assert_is_refused(said, 400, "Content-Type: application/json")

    def test_must_not_come_in_another_charset(self, api: Api, verb: str) -> None:
        said = api.send(
            f"/api/flashsale/{verb}", GOOD.encode("utf-16"), content_type="application/json; charset=UTF-16"
        )

        assert_is_refused(said, 400, "UTF-8")

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "Application/JSON; charset=UTF-8",
            'application/json;charset="utf-8"',
            "application/x+json",
        ],
    )
    def test_may_be_called_json_in_several_ways(self, api: Api, verb: str, content_type: str) -> None:
        said = api.send(f"/api/flashsale/{verb}", GOOD, content_type=content_type)

        assert "Content-Type" not in said.text

    def test_may_begin_with_a_byte_order_mark(self, api: Api, verb: str) -> None:
        said = api.send(f"/api/flashsale/{verb}", b"\xef\xbb\xbf" + GOOD.encode())

        assert "JSON" not in said.text

    def test_may_not_be_huge(self, api: Api, verb: str) -> None:
        body = json.dumps({"userId": "user123", "flashSaleId": "x", "more": "x" * 20_000})

        assert_is_refused(api.send(f"/api/flashsale/{verb}", body), 413, "larger than 16384 bytes")

    def test_may_be_as_large_as_the_limit(self, api: Api, verb: str) -> None:
        body = GOOD[:-1] + ',"more":"' + "x" * (16_384 - len(GOOD) - 10) + '"}'
        assert len(body) == 16_384

        assert api.send(f"/api/flashsale/{verb}", body).status != 413

    @pytest.mark.parametrize("name", ["userId", "flashSaleId"])
    @pytest.mark.parametrize("value", [1, 0, True, False, 1.5, [], ["x"], {}, {"x": "y"}])
    def test_names_are_text(self, api: Api, verb: str, name: str, value: object) -> None:
        said = api.post(verb, json.loads(GOOD) | {name: value})

        assert_is_refused(said, 400, f"{name} must be text")

    @pytest.mark.parametrize("name", ["userId", "flashSaleId"])
    def test_names_are_at_most_128_characters(self, api: Api, verb: str, name: str) -> None:
        assert_is_refused(api.post(verb, json.loads(GOOD) | {name: "x" * 129}), 400, f"{name} is longer than 128")

    def test_may_have_fields_that_nobody_knows(self, api: Api, verb: str) -> None:
        said = api.post(verb, json.loads(GOOD) | {"slot": -1, "__proto__": {}, "": None})

        assert said.body.get("message") == "Flash sale not found" or said.status == 404


class TestMethod:
    @pytest.mark.parametrize("verb", POSTS)
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
    def test_must_be_post_to_act(self, client: Client, verb: str, method: str) -> None:
        response = client.generic(method, f"/api/flashsale/{verb}")

        assert (response.status_code, response.headers["Allow"]) == (405, "POST, OPTIONS")
        assert response.headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        "path", [f"/api/flashsale/{path}" for path in GETS] + ["/health", "/ready", "/openapi.json"]
    )
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_must_be_get_to_look(self, client: Client, path: str, method: str) -> None:
        response = client.generic(method, path)

        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert list(response.json()) == ["error"]

    def test_head_has_the_headers_of_get_and_no_body(self, client: Client, sale: Sale) -> None:
        path = f"/api/flashsale/user/user123/purchase/{sale.slug}"

        head, get = client.head(path), client.get(path)

        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(get.content))

    @pytest.mark.parametrize(("path", "allow"), [("purchase", "POST, OPTIONS"), ("sales", "GET, HEAD, OPTIONS")])
    def test_options_names_the_methods(self, client: Client, path: str, allow: str) -> None:
        response = client.options(f"/api/flashsale/{path}")

        assert (response.status_code, response.headers["Allow"], response.content) == (204, allow, b"")


class TestUnknownRoute:
    @pytest.mark.parametrize(
        "path",
        [
            "/api", "/api/", "/api/flashsale", "/api/flashsale/", "/api/flashsale/status", "/api/flashsale/status/",
            "/api/flashsale/status/a/b", "/api/flashsale/purchase/", "/api/flashsale/user/user123", "/api/v2/x",
            "/api/flashsale/status/a/", "/api/%0A", "/api/%FF", "/api/" + "x" * 5_000,
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_is_a_json_404(self, client: Client, path: str, method: str) -> None:
        response = client.generic(method, path)

        assert response.status_code == 404
        assert response.json() == {"error": "There is nothing at this address"}


class TestHeaders:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("authorization", "Basic dXNlcjpwYXNz"),
            ("authorization", "Bearer"),
            ("authorization", "Bearer  "),
            ("authorization", "fs_abc_def"),
            ("authorization", "Bearer " + "x" * 10_000),
            ("authorization", "Bearer \xff\x00"),
        ],
    )
    def test_that_are_no_key_are_refused_in_the_demo_too(self, api: Api, sale: Sale, name: str, value: str) -> None:
        fields = {"userId": "user123", "flashSaleId": sale.slug}

        said = api.post("purchase", fields, **{name: value})

        assert_is_refused(said, 401)
        assert said.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("x-forwarded-for", "1.2.3.4, garbage, \x00"),
            ("x-forwarded-for", "," * 5_000),
            ("content-length", "-1"),
            ("content-length", "many"),
            ("origin", "null"),
            ("origin", "https://évil.example"),
            ("accept", "text/html"),
            ("accept-language", "x" * 5_000),
            ("cookie", "sessionid=\xff; csrftoken=;;;"),
        ],
    )
    def test_that_are_garbage_never_break_anything(self, api: Api, sale: Sale, name: str, value: str) -> None:
        assert api.get(f"/api/flashsale/status/{sale.slug}", **{name: value}).status == 200
        assert api.post("purchase", {"userId": "u", "flashSaleId": sale.slug}, **{name: value}).status in (200, 400)


class TestCors:
    def test_lets_pages_of_other_origins_ask(self, client: Client, sale: Sale) -> None:
        response = client.get(f"/api/flashsale/status/{sale.slug}", headers={"origin": "https://shop.example"})

        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers

    def test_lets_them_send_a_key_and_an_idempotency_key(self, client: Client) -> None:
        response = client.options(
            "/api/flashsale/purchase",
            headers={
                "origin": "https://shop.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization, content-type, idempotency-key",
            },
        )

        assert response.status_code == 200
        allowed = response.headers["Access-Control-Allow-Headers"]
        assert {"authorization", "content-type", "idempotency-key"} <= {each.strip() for each in allowed.split(",")}

    def test_lets_them_read_when_to_come_back(self, client: Client, sale: Sale) -> None:
        response = client.get(f"/api/flashsale/status/{sale.slug}", headers={"origin": "https://shop.example"})

        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]

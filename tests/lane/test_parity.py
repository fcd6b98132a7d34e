"""The lane and plain Django give the same answer to the same request: status, body, and every header that matters.

A request that changes something is sent to two sales that are twins; what must differ between those is blanked out.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sales.conf import Site, WithoutCache
from sales.domain import shoppers
from sales.models import ApiClient
from sales.queries import catalogue, ended_sessions
from sales.queries.copies import Unavailable
from sales.services import api_clients
from sales.services.acting import Actor
from tests.conftest import Servers
from tests.lane.both import Got, through_django, through_lane
from tests.lane.conftest import STATES, MakeTwin, Shopper, take
from tests.lane.corpus import IN_EACH_STATE, READS, Make, World, get, purchase
from tests.lane.odd_writes import WRITES
from tests.lane.wire import through_server

HAPPENS_TO_DIFFER = frozenset({"x-request-id", "date", "server", "connection", "content-length", "transfer-encoding"})
_BLANKS = (
    (re.compile(r"twin-[abc]"), "SLUG"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "INSTANT"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d{3})?"), "CLOCK"),
    (re.compile(r"<b>\d\d</b>"), "DIGITS"),
    (re.compile(r'(?<="timeUntil)(Start|End)":\d+'), "MS"),
    (re.compile(r"(?<=delay[:=])\"?\d+"), "DELAY"),
    (re.compile(r'content="\d+;'), "REFRESH"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ORDER"),
    (re.compile(r'(?<=name="pass" value=")[^"]+'), "PASS"),
    (re.compile(r'(?<=<p class="ref"><bdi>)[^<]+'), "REFERENCE"),
    (re.compile(r'(?<=name="csrfmiddlewaretoken" value=")[^"]+'), "TOKEN"),
    (re.compile(r"(?<=csrftoken=)\w+"), "TOKEN"),
)


def blanked(text: str) -> str:
    for pattern, word in _BLANKS:
        text = pattern.sub(word, text)
    return text


def comparable(got: Got) -> dict[str, Any]:
    headers = {name: blanked(value) for name, value in got.headers.items() if name not in HAPPENS_TO_DIFFER}
    headers.pop("etag", None)  # a test of its own holds it
    return {"status": got.status, "headers": headers, "body": blanked(got.text)}


@pytest.fixture
def twins(make_twin: MakeTwin, early_shopper: Shopper, late_shopper: Shopper) -> Callable[[str], list[World]]:
    def make(state: str) -> list[World]:
        sales = [make_twin(slug, state) for slug in ("twin-a", "twin-b", "twin-c")]
        for sale in sales:
            if state not in ("draft", "settled", "no_ledger", "stale"):
                take(sale, shoppers.of_client(client="demo", user_id="buyer"))
        return [World(sale, early_shopper, late_shopper) for sale in sales]

    return make


def assert_alike(worlds: list[World], make: Make) -> Got:
    """Send a request to Django, to the lane in the messages of ASGI, and to the lane in its own server."""
    plain, lane, served = (
        through_django(make(worlds[0])),
        through_lane(make(worlds[1])),
        through_server(make(worlds[2])),
    )
    assert comparable(lane) == comparable(plain)
    if b"Invalid HTTP request" not in served.body:  # such a request never leaves the server
        assert comparable(served) == comparable(plain)
    assert "set-cookie" not in lane.headers or "set-cookie" in plain.headers
    return lane


class TestAnAnswer:
    @pytest.mark.parametrize("name", IN_EACH_STATE)
    @pytest.mark.parametrize("state", STATES)
    def test_is_the_same_in_each_state(self, twins: Callable[[str], list[World]], state: str, name: str) -> None:
        assert_alike(twins(state), IN_EACH_STATE[name])

    @pytest.mark.parametrize("name", READS)
    def test_to_an_odd_read_is_the_same(self, twins: Callable[[str], list[World]], name: str) -> None:
        world = twins("live")[0]

        assert_alike([world] * 3, READS[name])

    @pytest.mark.parametrize("state", ["live", "hold"])
    @pytest.mark.parametrize("name", WRITES)
    def test_to_an_odd_write_is_the_same(self, twins: Callable[[str], list[World]], state: str, name: str) -> None:
        assert_alike(twins(state), WRITES[name])

    def test_keeps_its_etag(self, twins: Callable[[str], list[World]]) -> None:
        world = twins("live")[0]
        plain = through_django(get("/sales/{slug}/panel")(world))
        again = get("/sales/{slug}/panel", if_none_match=plain.headers["etag"])

        lane = assert_alike([world] * 3, again)

        assert (lane.status, lane.headers["etag"], lane.body) == (304, plain.headers["etag"], b"")

    @pytest.mark.parametrize("name", ["status", "panel", "page", "purchase", "buy"])
    def test_is_the_same_where_https_is_asked_for(
        self, twins: Callable[[str], list[World]], settings: Any, name: str
    ) -> None:
        settings.SECURE_SSL_REDIRECT = True
        settings.SECURE_HSTS_SECONDS = 3_600
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        worlds = twins("live")

        refused = assert_alike(worlds, IN_EACH_STATE[name])
        let_in = assert_alike(
            worlds, lambda world: IN_EACH_STATE[name](world).with_header("x-forwarded-proto", "https")
        )

        assert (refused.status, let_in.status) == (301, 200)
        assert "strict-transport-security" in let_in.headers

    @pytest.mark.parametrize("origins", [[], ["https://partner.example"]])
    def test_is_the_same_for_each_origin(
        self, twins: Callable[[str], list[World]], settings: Any, origins: list[str]
    ) -> None:
        settings.CORS_ALLOW_ALL_ORIGINS = False
        settings.CORS_ALLOWED_ORIGINS = origins
        worlds = twins("live")

        assert_alike(worlds, READS["status-origin"])
        assert_alike(worlds, lambda world: purchase(world, origin="https://other.example"))

    def test_is_the_same_for_each_key(self, twins: Callable[[str], list[World]], settings: Any) -> None:
        settings.SALES = replace(settings.SALES, site=Site.PRODUCTION)
        partner = ApiClient.objects.create(slug="partner", name="Partner")
        seller = Actor(who="seller@example.com")
        buys = api_clients.issue_key(client_pk=partner.pk, scopes=("purchase",), by=seller)
        worlds = twins("live")

        for header in ({}, {"authorization": f"Bearer {buys.text}"}, {"authorization": f"Bearer {buys.text}x"}):
            assert_alike(worlds, lambda world, header=header: purchase(world, **header))  # type: ignore[misc]
            assert_alike(worlds, get("/api/flashsale/user/a/purchase/{slug}", **header))

    def test_is_the_same_with_limits_on(self, twins: Callable[[str], list[World]], settings: Any) -> None:
        settings.SALES = replace(settings.SALES, limits=replace(settings.SALES.limits, on=True))
        worlds = twins("live")

        plain = [through_django(replace(purchase(worlds[0], "plain"), peer="192.0.2.1")) for _ in range(7)]
        lane = [through_lane(replace(purchase(worlds[1], "lanes"), peer="192.0.2.2")) for _ in range(7)]

        assert [comparable(each) for each in lane] == [comparable(each) for each in plain]
        assert "ratelimit-limit" in lane[0].headers


class TestAnAnswerInTrouble:
    @pytest.mark.parametrize("name", IN_EACH_STATE)
    def test_is_the_same_while_the_ledger_is_away(
        self, own_servers: Servers, twins: Callable[[str], list[World]], name: str
    ) -> None:
        worlds = twins("no_ledger")
        own_servers.ledger.kill()

        got = assert_alike(worlds, IN_EACH_STATE[name])

        assert got.status in (200, 503)

    @pytest.mark.parametrize("policy", WithoutCache)
    @pytest.mark.parametrize("name", ["status", "panel", "page", "look-up", "purchase", "buy"])
    def test_is_the_same_while_the_cache_is_away(
        self, own_servers: Servers, twins: Callable[[str], list[World]], settings: Any, name: str, policy: WithoutCache
    ) -> None:
        limits = replace(settings.SALES.limits, on=True, without_cache=policy)
        settings.SALES = replace(settings.SALES, limits=limits)
        worlds = twins("no_ledger")
        own_servers.cache.kill()

        assert_alike(worlds, IN_EACH_STATE[name])

    @pytest.mark.parametrize("name", ["status", "panel", "page", "look-up", "purchase", "buy"])
    def test_is_the_same_while_the_database_has_never_been_reached(
        self, twins: Callable[[str], list[World]], monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        worlds = twins("live")
        sent = [IN_EACH_STATE[name](world) for world in worlds]
        for copied in (catalogue, ended_sessions):
            monkeypatch.setattr(copied, "peek", lambda: None)
            monkeypatch.setattr(copied, "current", lambda: None)
        monkeypatch.setattr(catalogue, "get", unavailable)

        plain, lane = through_django(sent[0]), through_lane(sent[1])

        assert comparable(lane) == comparable(plain)
        assert lane.status == 503


def unavailable(_slug: str) -> None:
    raise Unavailable

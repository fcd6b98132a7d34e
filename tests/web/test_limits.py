"""How often one address may ask for pages."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from sales.conf import WithoutCache
from sales.domain.rates import Rate
from sales.web import limits
from sales.web.limits import HASHING, ROUTES
from tests.web.dom import parsed


@pytest.fixture
def one_a_minute(settings, live):
    rate = Rate(count=1, seconds=60)
    settings.SALES = replace(
        settings.SALES,
        limits=replace(
            settings.SALES.limits, page_per_address=rate, panel_per_address=rate, login_per_address=rate,
            account_per_address=rate, admin_per_address=rate,
        ),
    )  # fmt: skip


def names(resolver: URLResolver | None = None, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            found |= names(each, f"{prefix}{each.namespace}:" if each.namespace else prefix)
        elif isinstance(each, URLPattern) and each.name:
            found.add(f"{prefix}{each.name}")
    return found


class TestTheTable:
    def test_names_only_routes_that_there_are(self):
        known = names() | {f"admin:{name}" for name in ("login",)}

        assert set(ROUTES) - known == set()
        assert HASHING - known == set()

    def test_counts_every_route_of_ours_but_those_that_count_for_themselves(self):
        class Match:
            def __init__(self, name: str) -> None:
                self.view_name = name

        uncounted = {name for name in names() if limits.policy_of(Match(name)) is None}  # type: ignore[arg-type]

        assert {name for name in uncounted if not name.startswith("api:")} == {"buy", "confirm", "let_go", "extend"}


@pytest.mark.django_db
class TestTooMany:
    @pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/password/reset/", "/admin/"])
    def test_is_429_with_retry_after_and_a_page(self, path, one_a_minute):
        client = Client()
        client.get(path)

        response = client.get(path)

        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert "Too many requests" in parsed(response.content).text

    def test_is_said_in_the_stub_to_a_poll(self, proven, make_sale, one_a_minute):
        sale, client = make_sale(published=True), Client()
        client.get(f"/sales/{sale.slug}/panel")

        response = client.get(f"/sales/{sale.slug}/panel", headers={"HX-Request": "true"})

        assert response.status_code == 429
        assert parsed(response.content).id("panel").attrs["hx-get"] == f"/sales/{sale.slug}/panel"

    def test_counts_each_policy_for_itself(self, one_a_minute):
        client = Client()

        assert [client.get(path).status_code for path in ("/", "/accounts/login/", "/accounts/email/")] == [
            200,
            200,
            302,
        ]

    def test_counts_by_address(self, one_a_minute):
        client = Client()

        found = [
            client.get("/", REMOTE_ADDR=address).status_code for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")
        ]

        assert found == [200, 200, 429]

    def test_counts_nobody_twice_for_a_header_that_anybody_can_write(self, one_a_minute):
        client = Client()
        client.get("/", headers={"X-Forwarded-For": "192.0.2.1"})

        assert client.get("/", headers={"X-Forwarded-For": "192.0.2.2"}).status_code == 429

    def test_takes_a_unix_socket_for_this_machine(self, one_a_minute):
        assert Client().get("/", REMOTE_ADDR="").status_code == 200

    def test_is_never_said_with_limits_off(self, one_a_minute, settings):
        settings.SALES = replace(settings.SALES, limits=replace(settings.SALES.limits, on=False))
        client = Client()

        assert {client.get("/").status_code for _ in range(3)} == {200}


@pytest.mark.django_db
class TestWithoutTheCacheServer:
    @pytest.mark.parametrize(("policy", "status"), [(WithoutCache.ALLOW, 200), (WithoutCache.REFUSE, 503)])
    def test_the_shop_decides(self, policy, status, settings):
        settings.CACHES = {
            **settings.CACHES,
            "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
        }
        settings.SALES = replace(settings.SALES, limits=replace(settings.SALES.limits, without_cache=policy))

        assert Client().get("/").status_code == status


@pytest.mark.django_db
class TestHashingPasswords:
    def test_waits_for_its_turn_and_then_gives_up(self, live, monkeypatch):
        monkeypatch.setattr(limits, "HASH_WAIT_SECONDS", 0.01)
        assert limits._one_hash.acquire(timeout=1)
        try:
            response = Client().post("/accounts/login/", {"login": "a@example.org", "password": "x"})
        finally:
            limits._one_hash.release()

        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")

    def test_gives_the_turn_back(self, live):
        client = Client()

        for _ in range(3):
            assert client.post("/accounts/login/", {"login": "a@example.org", "password": "x"}).status_code == 200
        assert limits._one_hash.acquire(blocking=False)
        limits._one_hash.release()

    def test_does_not_get_around_the_csrf_check(self, live):
        assert Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a"}).status_code == 403

"""How often one may ask: two buckets for a purchase, free repetition of what was decided, and no counting at all."""

from dataclasses import replace
from typing import Any

import pytest

from sales.conf import Limits, WithoutCache
from sales.domain.rates import Rate
from sales.models import ApiClient, LedgerServer, Sale
from tests.api.conftest import Api, Said, key_of
from tests.conftest import EPOCH, MakeSale, Servers, publish_in_ledger

HOUR = 3_600


@pytest.fixture
def limits(settings: Any) -> Any:
    """Set the limits: three purchases a shopper, five an address, five look-ups; other figures by name."""

    def choose(**figures: Any) -> None:
        chosen = {
            "purchase_per_shopper": Rate(3, HOUR),
            "purchase_per_address": Rate(5, HOUR),
            "lookup_per_address": Rate(5, HOUR),
            "panel_per_address": Rate(5, HOUR),
            **figures,
        }
        settings.SALES = replace(settings.SALES, limits=Limits(**chosen))

    return choose


@pytest.fixture
def many(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    """A sale in which one may buy many units, so that nothing but limits refuses."""
    return make_sale(published=True, stock=50, limit=20)


def statuses(api: Api, sale: Sale, users: list[str]) -> list[int]:
    return [api.buy(user, sale).status for user in users]


def assert_is_too_often(said: Said, sentence: str, *, limit: int) -> None:
    assert (said.status, said.text) == (429, f'{{"error":"{sentence}"}}')
    assert 0 < int(said.headers["Retry-After"]) <= HOUR
    assert said.headers["RateLimit-Policy"] == f"{limit};w={HOUR}"
    assert said.headers["RateLimit-Limit"] == str(limit)
    assert said.headers["RateLimit-Remaining"] == "0"
    assert 0 < int(said.headers["RateLimit-Reset"]) <= HOUR


class TestPurchaseLimit:
    def test_of_one_shopper(self, api: Api, many: Sale, limits: Any) -> None:
        limits()

        assert statuses(api, many, ["user123"] * 4) == [200, 200, 200, 429]

        assert_is_too_often(api.buy("user123", many), "Too many purchase attempts, please try again later", limit=3)
        assert api.buy("another", many).status == 200

    def test_of_one_address_is_a_ceiling_for_all_its_shoppers(self, api: Api, many: Sale, limits: Any) -> None:
        limits()

        assert statuses(api, many, ["a", "b", "c", "d", "e", "f"]) == [200] * 5 + [429]

        assert api.from_address("198.51.100.7").buy("f", many).status == 200

    def test_of_an_ipv6_address_is_that_of_its_network(self, api: Api, many: Sale, limits: Any) -> None:
        limits(purchase_per_address=Rate(2, HOUR))
        hosts = [api.from_address(f"2001:db8:1:2::{n}") for n in (1, 2, 3)]

        assert [host.buy(f"user-{n}", many).status for n, host in enumerate(hosts)] == [200, 200, 429]

    def test_spends_nothing_from_one_bucket_where_the_other_is_empty(self, api: Api, many: Sale, limits: Any) -> None:
        limits()
        statuses(api, many, ["user123"] * 10)

        assert statuses(api, many, ["another"] * 2 + ["third"]) == [200, 200, 429]

    def test_says_how_much_is_left_of_the_nearest(self, api: Api, many: Sale, limits: Any) -> None:
        limits()

        said = [api.buy("user123", many) for _ in range(3)]

        assert [each.headers["RateLimit-Remaining"] for each in said] == ["2", "1", "0"]
        assert said[0].headers["RateLimit-Policy"] == f"3;w={HOUR}"

    def test_of_none_allows_nothing(self, api: Api, many: Sale, limits: Any) -> None:
        limits(purchase_per_shopper=Rate(0, HOUR))

        assert api.buy("user123", many).status == 429

    def test_counts_refusals_too(self, api: Api, proven: LedgerServer, make_sale: MakeSale, limits: Any) -> None:
        limits()
        sale = make_sale(published=True, opens_in=60)

        assert statuses(api, sale, ["user123"] * 4) == [400, 400, 400, 429]


class TestAskingAgain:
    def test_at_the_limit_of_the_sale_is_free(self, api: Api, sale: Sale, limits: Any) -> None:
        limits(purchase_per_shopper=Rate(1, HOUR))
        first = api.buy("user123", sale).body["purchaseId"]

        for _ in range(3):
            said = api.buy("user123", sale)
            assert (said.status, said.body["purchaseId"]) == (400, first)

    def test_with_the_same_key_is_free(self, api: Api, many: Sale, limits: Any) -> None:
        limits(purchase_per_shopper=Rate(1, HOUR))
        first = api.buy("user123", many, key="k")

        for _ in range(3):
            assert api.buy("user123", many, key="k").body == first.body
        assert api.buy("user123", many, key="l").status == 429
        assert api.buy("user123", many).status == 429

    def test_with_the_key_of_somebody_else_says_so(self, api: Api, many: Sale, limits: Any) -> None:
        limits(purchase_per_address=Rate(1, HOUR))
        api.buy("user123", many, key="k")

        assert api.buy("another", many, key="k").status == 422

    def test_for_an_open_hold_is_free(self, api: Api, proven: LedgerServer, make_sale: MakeSale, limits: Any) -> None:
        limits(purchase_per_shopper=Rate(1, HOUR))
        sale = make_sale(published=True, hold_seconds=60)
        held = api.buy("user123", sale)

        assert api.buy("user123", sale).body == held.body

    def test_is_undecided_while_the_ledger_cannot_be_believed(self, api: Api, sale: Sale, limits: Any) -> None:
        limits(purchase_per_shopper=Rate(0, HOUR))
        LedgerServer.objects.update(epoch=EPOCH + 1)

        assert api.buy("user123", sale).status == 503

    @pytest.mark.parametrize(
        ("verb", "message"),
        [
            ("confirm", "Purchase successful!"),
            ("release", "Item is already purchased"),
            ("extend", "Item is already purchased"),
        ],
    )
    def test_about_what_is_bought_is_free(self, api: Api, sale: Sale, limits: Any, verb: str, message: str) -> None:
        limits(lookup_per_address=Rate(0, HOUR))
        purchase_id = api.buy("user123", sale).body["purchaseId"]

        assert api.act(verb, "user123", sale, purchase_id).body["message"] == message

    def test_about_an_extension_is_free(self, api: Api, proven: LedgerServer, make_sale: MakeSale, limits: Any) -> None:
        limits(lookup_per_address=Rate(1, HOUR))
        sale = make_sale(published=True, hold_seconds=60, hold_extension_seconds=60)
        held = api.buy("user123", sale).body["purchaseId"]
        extended = api.act("extend", "user123", sale, held)

        assert api.act("extend", "user123", sale, held).body == extended.body
        assert api.act("confirm", "user123", sale, held).status == 429

    def test_about_what_was_let_go_is_free(
        self, api: Api, proven: LedgerServer, make_sale: MakeSale, limits: Any
    ) -> None:
        limits(lookup_per_address=Rate(1, HOUR))
        sale = make_sale(published=True, hold_seconds=60)
        held = api.buy("user123", sale).body["purchaseId"]
        api.act("release", "user123", sale, held)

        assert api.act("release", "user123", sale, held).text == '{"success":true,"message":"Released"}'
        assert api.act("confirm", "user123", sale, held).body["code"] == "gone"


class TestLookUpLimit:
    def test_of_one_address(self, api: Api, sale: Sale, limits: Any) -> None:
        limits(lookup_per_address=Rate(2, HOUR))

        assert [api.look_up(f"user-{n}", sale).status for n in range(3)] == [200, 200, 429]
        assert_is_too_often(api.look_up("user", sale), "Too many requests, please try again later", limit=2)

    def test_of_one_address_holds_for_unknown_sales_too(self, api: Api, sale: Sale, limits: Any) -> None:
        limits(lookup_per_address=Rate(2, HOUR))

        assert [api.look_up("user123", f"guess-{n}").status for n in range(3)] == [200, 200, 429]


class TestStatusLimit:
    @pytest.mark.parametrize("path", ["/api/flashsale/sales", "/api/flashsale/status/unknown", "/openapi.json"])
    def test_of_one_address(self, api: Api, sale: Sale, limits: Any, path: str) -> None:
        limits()

        said = [api.get(path) for _ in range(6)]

        assert said[4].status != 429
        assert (said[5].status, said[5].body) == (429, {"error": "Too many requests, please try again later"})
        assert int(said[5].headers["Retry-After"]) > 0

    @pytest.mark.parametrize("path", ["/health", "/ready"])
    def test_leaves_probes_alone(self, api: Api, sale: Sale, limits: Any, path: str) -> None:
        limits(panel_per_address=Rate(0, HOUR))

        assert api.get(path).status != 429


class TestClientLimit:
    def test_is_the_clients_own_figure_and_no_address(
        self, api: Api, many: Sale, partner: ApiClient, limits: Any
    ) -> None:
        limits(purchase_per_address=Rate(1, HOUR), lookup_per_address=Rate(1, HOUR))
        ApiClient.objects.update(purchase_rate="4/h", lookup_rate="2/h")
        theirs = api.with_key(key_of(partner))

        assert statuses(theirs, many, ["a", "b", "c", "d", "e"]) == [200] * 4 + [429]
        assert [theirs.look_up("a", many).status for _ in range(3)] == [200, 200, 429]

    def test_still_counts_each_shopper(self, api: Api, many: Sale, partner: ApiClient, limits: Any) -> None:
        limits()
        theirs = api.with_key(key_of(partner))

        assert statuses(theirs, many, ["a"] * 4 + ["b"]) == [200, 200, 200, 429, 200]

    def test_is_one_for_all_keys_of_a_client(self, api: Api, many: Sale, partner: ApiClient, limits: Any) -> None:
        limits()
        ApiClient.objects.update(purchase_rate="1/h")
        old, new = api.with_key(key_of(partner)), api.with_key(key_of(partner))

        assert [old.buy("a", many).status, new.buy("b", many).status] == [200, 429]


class TestWithoutCacheServer:
    @pytest.fixture
    def uncounted(self, own_servers: Servers, proven: LedgerServer, settings: Any, servers: Servers) -> None:
        """A cache server that is gone, beside the ledger of the other tests."""
        own_servers.cache.stop()
        settings.CACHES = {
            **settings.CACHES,
            "ledger": {**settings.CACHES["ledger"], "LOCATION": servers.ledger.url},
        }

    @pytest.fixture
    def uncounted_sale(self, uncounted: None, make_sale: MakeSale) -> Sale:
        sale = make_sale(state="published")
        publish_in_ledger(sale)
        return sale

    def test_everything_goes_on_where_the_shop_says_so(self, api: Api, uncounted_sale: Sale, limits: Any) -> None:
        limits(without_cache=WithoutCache.ALLOW, purchase_per_shopper=Rate(0, HOUR))

        assert api.buy("user123", uncounted_sale).status == 200
        assert api.look_up("user123", uncounted_sale).status == 200
        assert api.status(uncounted_sale).status == 200
        assert api.get("/api/flashsale/sales").status == 200

    def test_nothing_goes_on_where_the_shop_says_so(self, api: Api, uncounted_sale: Sale, limits: Any) -> None:
        limits(without_cache=WithoutCache.REFUSE)

        for said in (
            api.buy("user123", uncounted_sale),
            api.look_up("user123", uncounted_sale),
            api.status(uncounted_sale),
            api.get("/api/flashsale/sales"),
        ):
            assert (said.status, list(said.body)) == (503, ["error"])
            assert int(said.headers["Retry-After"]) > 0

    def test_what_was_decided_is_said_again_all_the_same(self, api: Api, uncounted_sale: Sale, limits: Any) -> None:
        limits(without_cache=WithoutCache.ALLOW)
        first = api.buy("user123", uncounted_sale).body["purchaseId"]

        limits(without_cache=WithoutCache.REFUSE)

        assert api.buy("user123", uncounted_sale).body["purchaseId"] == first

    def test_is_never_an_error_of_ours(self, api: Api, uncounted_sale: Sale, limits: Any) -> None:
        limits()

        for path in ("/health", "/ready", "/openapi.json", "/api/unknown"):
            assert api.get(path).status != 500

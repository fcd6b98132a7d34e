"""Who may call: keys, scopes, expiry, revocation, rotation, and the open demo."""

from datetime import UTC, datetime, timedelta

import pytest

from sales.models import ApiClient, ApiKey, LedgerServer, Sale
from sales.services import api_clients
from tests.api.conftest import SELLER, Api, key_of
from tests.conftest import MakeSale


@pytest.mark.usefixtures("production")
class TestProduction:
    def test_wants_a_key_to_act_for_somebody(self, api: Api, sale: Sale) -> None:
        for said in (api.buy("user123", sale), api.look_up("user123", sale), api.act("confirm", "user123", sale, "x")):
            assert (said.status, said.body) == (401, {"error": "An API key is required"})
            assert said.headers["WWW-Authenticate"] == 'Bearer realm="flash sale API"'

    def test_shows_to_everybody_how_sales_stand(self, api: Api, sale: Sale) -> None:
        for path in (f"/api/flashsale/status/{sale.slug}", "/api/flashsale/sales", "/health", "/openapi.json"):
            assert api.get(path).status == 200

    def test_takes_a_key(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        theirs = api.with_key(key_of(partner))

        assert theirs.buy("user123", sale).status == 200
        assert theirs.look_up("user123", sale).body["hasPurchased"] is True

    def test_takes_the_word_bearer_in_any_case(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        said = api.get(f"/api/flashsale/user/u/purchase/{sale.slug}", authorization=f"bEARER   {key_of(partner)} ")

        assert said.status == 200


class TestKey:
    @pytest.mark.parametrize("text", ["", "fs_abc_def", "fs__", "fs_", "sk_live_1"])
    def test_that_is_wrong_is_refused_in_the_demo_too(self, api: Api, sale: Sale, text: str) -> None:
        said = api.with_key(text).buy("user123", sale)

        assert said.status == 401
        assert said.headers["WWW-Authenticate"].startswith("Bearer ")

    def test_without_the_scope_is_forbidden(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        looker, buyer = api.with_key(key_of(partner, "lookup")), api.with_key(key_of(partner, "purchase"))

        said = looker.buy("user123", sale)

        assert (said.status, said.body) == (403, {"error": "The API key lacks the scope purchase"})
        assert 'error="insufficient_scope"' in said.headers["WWW-Authenticate"]
        assert looker.look_up("user123", sale).status == 200
        assert buyer.look_up("user123", sale).status == 403
        assert buyer.buy("user123", sale).status == 200
        assert [looker.act(verb, "u", sale, "x").status for verb in ("confirm", "release", "extend")] == [403] * 3

    def test_that_has_expired_is_refused(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        text = key_of(partner, expires_at=datetime.now(UTC) + timedelta(hours=1))
        assert api.with_key(text).buy("user123", sale).status == 200

        ApiKey.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

        said = api.with_key(text).buy("user123", sale)
        assert (said.status, said.body) == (401, {"error": "The API key is unknown, expired or revoked"})

    def test_that_is_revoked_is_refused(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        theirs = api.with_key(key_of(partner))
        assert theirs.buy("user123", sale).status == 200

        api_clients.revoke_key(key_pk=ApiKey.objects.get().pk, by=SELLER)

        assert theirs.buy("user123", sale).status == 401

    def test_of_a_client_that_is_not_active_is_refused(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        theirs = api.with_key(key_of(partner))

        ApiClient.objects.update(is_active=False)

        assert theirs.buy("user123", sale).status == 401

    def test_that_is_rotated_leaves_users_who_they_are(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        first = api.with_key(key_of(partner)).buy("user123", sale, key="k").body["purchaseId"]
        api_clients.revoke_key(key_pk=ApiKey.objects.get().pk, by=SELLER)
        rotated = api.with_key(key_of(partner))

        assert rotated.look_up("user123", sale).body["purchase"]["id"] == first
        assert rotated.buy("user123", sale, key="k").body["purchaseId"] == first

    def test_keeps_clients_apart(self, api: Api, proven: LedgerServer, make_sale: MakeSale, partner: ApiClient) -> None:
        sale = make_sale(published=True, stock=5)
        other = ApiClient.objects.create(slug="other", name="Other")
        ids = {
            each.buy("user123", sale, key="the-same-key").body["purchaseId"]
            for each in (api, api.with_key(key_of(partner)), api.with_key(key_of(other)))
        }

        assert len(ids) == 3

    def test_of_one_client_finds_nothing_of_another(self, api: Api, sale: Sale, partner: ApiClient) -> None:
        purchase_id = api.with_key(key_of(partner)).buy("user123", sale).body["purchaseId"]

        assert api.look_up("user123", sale).body == {"hasPurchased": False}
        assert api.act("confirm", "user123", sale, purchase_id).status == 404

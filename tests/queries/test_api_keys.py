"""Whose key a text is: checked in memory, by its digest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sales.domain.rates import Rate
from sales.models import ApiClient, ApiKey
from sales.queries import api_keys
from sales.queries.api_keys import Client
from sales.services import api_clients
from sales.services.acting import Actor

SELLER = Actor(who="seller@example.com")
NOW = datetime.now(UTC)


@pytest.fixture
def partner(db: None, settings: Any) -> ApiClient:
    settings.SALES = replace(settings.SALES, catalogue_max_age_ms=0)
    made: ApiClient = ApiClient.objects.create(slug="partner", name="Partner", purchase_rate="7/s", lookup_rate="8/m")
    return made


def issue(client: ApiClient, *scopes: str, **more: Any) -> api_clients.IssuedKey:
    return api_clients.issue_key(client_pk=client.pk, scopes=scopes or ("purchase",), by=SELLER, **more)


def holder(text: str, *, at: datetime = NOW) -> Client | None:
    keys = api_keys.current()
    assert keys is not None
    return keys.holder(text=text, at=at)


class TestKeys:
    def test_know_their_client_its_scopes_and_its_own_figures(self, partner: ApiClient) -> None:
        issued = issue(partner, "purchase", "lookup")

        assert holder(issued.text) == Client(
            slug="partner",
            scopes=frozenset({"purchase", "lookup"}),
            purchase_rate=Rate(count=7, seconds=1),
            lookup_rate=Rate(count=8, seconds=60),
        )

    def test_know_a_client_by_either_key_while_keys_are_rotated(self, partner: ApiClient) -> None:
        old, new = issue(partner), issue(partner)

        assert holder(old.text) == holder(new.text)

    def test_know_nobody_by_a_text_that_is_a_little_different(self, partner: ApiClient) -> None:
        text = issue(partner).text
        _, public, secret = text.split("_", 2)

        for wrong in (text[:-1], text + "A", text.upper(), f"fs_{public}_", f"fs_{public}", f"fs__{secret}", secret):
            assert holder(wrong) is None

    @pytest.mark.parametrize("text", ["", "fs_", "fs__", "fs_unknown_secret", "Ω", "\ud800", "fs_" + "x" * 100_000])
    def test_know_nobody_by_garbage(self, partner: ApiClient, text: str) -> None:
        assert holder(text) is None

    def test_forget_a_key_that_is_revoked(self, partner: ApiClient) -> None:
        issued = issue(partner)
        assert holder(issued.text)

        api_clients.revoke_key(key_pk=issued.key.pk, by=SELLER)

        assert holder(issued.text) is None

    def test_refuse_a_key_that_has_expired(self, partner: ApiClient) -> None:
        end = NOW + timedelta(hours=1)
        issued = issue(partner, expires_at=end)

        assert holder(issued.text, at=end - timedelta(seconds=1))
        assert holder(issued.text, at=end) is None

    def test_refuse_every_key_of_a_client_that_is_not_active(self, partner: ApiClient) -> None:
        issued = issue(partner)

        ApiClient.objects.update(is_active=False)

        assert holder(issued.text) is None

    def test_are_kept_by_digest_alone(self, partner: ApiClient) -> None:
        issued = issue(partner)

        assert issued.text not in repr(api_keys.current())
        assert ApiKey.objects.get().digest not in issued.text

"""The API as a client calls it: real views, a real ledger, a real database."""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from sales.conf import Site
from sales.domain import shoppers
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.models import ApiClient, LedgerServer, Sale
from sales.services import api_clients
from sales.services.acting import Actor
from tests.api import described
from tests.conftest import EPOCH, MakeSale

SELLER = Actor(who="seller@example.com")


@dataclass(frozen=True, slots=True)
class Said:
    """A response, read."""

    status: int
    body: Any
    text: str
    headers: Any

    @classmethod
    def of(cls, response: HttpResponseBase) -> "Said":
        text = response.content.decode()  # type: ignore[attr-defined]
        is_json = response.headers.get("Content-Type") == "application/json" and text
        return cls(status=response.status_code, body=json.loads(text) if is_json else None, text=text,
                   headers=response.headers)  # fmt: skip


@dataclass
class Api:
    """Calls the API, and holds every answer against its description. `headers` go with every request."""

    client: Client
    headers: dict[str, str]

    def with_key(self, text: str) -> "Api":
        return Api(self.client, {**self.headers, "authorization": f"Bearer {text}"})

    def from_address(self, address: str) -> "Api":
        return Api(Client(REMOTE_ADDR=address), self.headers)

    def get(self, path: str, **headers: str) -> Said:
        said = Said.of(self.client.get(path, headers={**self.headers, **headers}))
        described.check("get", path, said.status, said.body, said.headers)
        return said

    def send(self, path: str, body: bytes | str, *, content_type: str = "application/json", **headers: str) -> Said:
        sent = body.encode() if isinstance(body, str) else body
        # Not `client.post`, which would write the bytes anew in the charset that it is told.
        response = self.client.generic(
            "POST", path, data=sent, content_type=content_type, headers={**self.headers, **headers}
        )
        said = Said.of(response)
        described.check("post", path, said.status, said.body, said.headers)
        return said

    def post(self, verb: str, fields: Any, **headers: str) -> Said:
        return self.send(f"/api/flashsale/{verb}", json.dumps(fields), **headers)

    def buy(self, user: Any, sale: Sale | str, *, key: str | None = None) -> Said:
        slug = sale if isinstance(sale, str) else sale.slug
        headers = {} if key is None else {"idempotency-key": key}
        return self.post("purchase", {"userId": user, "flashSaleId": slug}, **headers)

    def act(self, verb: str, user: str, sale: Sale, purchase_id: Any) -> Said:
        return self.post(verb, {"userId": user, "flashSaleId": sale.slug, "purchaseId": purchase_id})

    def look_up(self, user: str, sale: Sale | str) -> Said:
        slug = sale if isinstance(sale, str) else sale.slug
        return self.get(f"/api/flashsale/user/{user}/purchase/{slug}")

    def status(self, sale: Sale | str) -> Said:
        return self.get(f"/api/flashsale/status/{sale if isinstance(sale, str) else sale.slug}")


@pytest.fixture(autouse=True)
def at_once(settings: Any) -> None:
    """Nothing is kept in memory, and nobody is counted: what is on record holds for the next request."""
    settings.SALES = replace(
        settings.SALES,
        catalogue_max_age_ms=0,
        snapshot_max_age_ms=0,
        limits=replace(settings.SALES.limits, on=False),
    )


@pytest.fixture
def api(client: Client) -> Api:
    """The API of the open demo."""
    return Api(client, {})


@pytest.fixture
def production(settings: Any) -> None:
    """The API of a shop: it wants keys."""
    settings.SALES = replace(settings.SALES, site=Site.PRODUCTION)


@pytest.fixture
def sale(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    """Three units, one each, on sale now."""
    return make_sale(published=True)


@pytest.fixture
def partner(db: None) -> ApiClient:
    made: ApiClient = ApiClient.objects.create(slug="partner", name="Partner")
    return made


def key_of(client: ApiClient, *scopes: str, **more: Any) -> str:
    """Make a key of this client, for everything if nothing is named."""
    issued = api_clients.issue_key(client_pk=client.pk, scopes=scopes or ("purchase", "lookup"), by=SELLER, **more)
    return issued.text


def shopper(user: str, *, client: str = "demo") -> str:
    return shoppers.of_client(client=client, user_id=user)


def set_state(sale: Sale, state: LedgerState, *, number: int = 2) -> None:
    """Pause, open or close a sale in the ledger."""
    assert connection.run(ledger.set_state(sale=sale.pk, epoch=EPOCH, state=state, number=number)).ok


def record_all(sale: Sale) -> None:
    """Tell the ledger that everything is on record."""
    seq = connection.run(ledger.snapshot(sale=sale.pk, epoch=EPOCH)).seq
    assert connection.run(ledger.mark_recorded(sale=sale.pk, epoch=EPOCH, seq=seq)).ok


def cancel(sale: Sale, user: str, purchase_id: str, *, slot: int = 1) -> None:
    """Cancel an order in the ledger, as the shop does."""
    call = ledger.cancel(sale=sale.pk, epoch=EPOCH, shopper=shopper(user), slot=slot, order_id=UUID(purchase_id))
    assert connection.run(call).outcome == "DONE"

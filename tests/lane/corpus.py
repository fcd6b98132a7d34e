"""The corpus: requests good, bad and odd, to be answered alike by the lane and by plain Django."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sales.models import Sale
from tests.lane.both import Sent
from tests.lane.conftest import Shopper


@dataclass(frozen=True, slots=True)
class World:
    """A sale, and people who want something of it."""

    sale: Sale
    early: Shopper
    late: Shopper


Make = Callable[[World], Sent]


def api(path: str, fields: Any, **headers: str) -> Sent:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return Sent(method="POST", target=path, body=body, headers={"content-type": "application/json", **headers})


def purchase(world: World, user: str = "somebody", **headers: str) -> Sent:
    return api("/api/flashsale/purchase", {"userId": user, "flashSaleId": world.sale.slug}, **headers)


def form(
    world: World,
    what: str = "buy",
    *,
    htmx: bool = True,
    cookie: str | None = None,
    fields: dict[str, str] | None = None,
) -> Sent:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    headers["cookie"] = world.early.cookie if cookie is None else cookie
    if htmx:
        headers |= {"hx-request": "true", "hx-current-url": "http://testserver/"}
    target = f"/sales/{world.sale.slug}/{what}"
    return Sent(method="POST", target=target, headers=headers, body=urlencode(fields or {}).encode())


def with_pass(world: World, **more: Any) -> Sent:
    return form(world, **more, fields={"pass": world.early.pass_for(world.sale)})


def get(path: str, **headers: str) -> Make:
    return lambda world: Sent(
        target=path.format(slug=world.sale.slug),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def status(**headers: str) -> Make:
    return get("/api/flashsale/status/{slug}", **headers)


IN_EACH_STATE: dict[str, Make] = {
    "status": status(),
    "panel": get("/sales/{slug}/panel"),
    "page": get("/sales/{slug}/"),
    "page-with-a-cookie": get("/sales/{slug}/", cookie="theme=dark"),
    "page-signed-in": lambda world: Sent(target=f"/sales/{world.sale.slug}/", headers={"cookie": world.early.cookie}),
    "mine": lambda world: Sent(target=f"/sales/{world.sale.slug}/mine", headers={"cookie": world.early.cookie}),
    "look-up": get("/api/flashsale/user/buyer/purchase/{slug}"),
    "purchase": purchase,
    "purchase-again": lambda world: purchase(world, "buyer"),
    "buy": with_pass,
    "buy-by-form": lambda world: with_pass(world, htmx=False),
}

READS: dict[str, Make] = {
    "health": get("/health"),
    "health-head": lambda _: Sent(method="HEAD", target="/health"),
    "health-post": lambda _: Sent(method="POST", target="/health", body=b""),
    "health-with-query": get("/health?a=b"),
    "status-of-no-sale": get("/api/flashsale/status/no-such-sale"),
    "status-of-nothing": get("/api/flashsale/status/"),
    "status-below": get("/api/flashsale/status/{slug}/x"),
    "status-slash": get("/api/flashsale/status/{slug}/"),
    "status-head": lambda world: Sent(method="HEAD", target=f"/api/flashsale/status/{world.sale.slug}"),
    "status-put": lambda world: Sent(method="PUT", target=f"/api/flashsale/status/{world.sale.slug}", body=b"x"),
    "status-options": lambda world: Sent(method="OPTIONS", target=f"/api/flashsale/status/{world.sale.slug}"),
    "status-with-query": get("/api/flashsale/status/{slug}?x=1&y=%00"),
    "status-escaped": get("/api/flashsale/status/no%20such%2Fsale"),
    "status-broken-escape": get("/api/flashsale/status/%ff%fe"),
    "status-unicode": get("/api/flashsale/status/%C3%A9t%C3%A9"),
    "status-newline": get("/api/flashsale/status/a%0Ab"),
    "status-nul": get("/api/flashsale/status/a%00b"),
    "status-cookies": status(cookie="sessionid=nonsense; messages=y; csrftoken=" + "x" * 32),
    "status-odd-csrf-cookie": status(cookie="csrftoken=x"),
    "panel-odd-csrf-cookie": get("/sales/{slug}/panel", cookie="csrftoken=x"),
    "page-odd-csrf-cookie": get("/sales/{slug}/", cookie="csrftoken=x"),
    "page-messages-cookie": get("/sales/{slug}/", cookie="messages=y"),
    "status-origin": status(origin="https://partner.example"),
    "status-origin-null": status(origin="null"),
    "status-origin-odd": status(origin="http://["),
    "status-preflight": lambda world: Sent(
        method="OPTIONS",
        target=f"/api/flashsale/status/{world.sale.slug}",
        headers={"origin": "https://partner.example", "access-control-request-method": "GET"},
    ),
    "status-language": status(accept_language="de-DE,de;q=0.9,en;q=0.5"),
    "status-language-odd": status(accept_language="*;q=x,,,"),
    "status-language-long": status(accept_language="de," * 400),
    "status-language-cookie": status(cookie="django_language=de"),
    "status-unknown-host": status(host="evil.example"),
    "status-odd-host": status(host="a b"),
    "status-host-with-port": status(host="testserver:8000"),
    "status-no-host": status(host="-"),
    "status-forwarded": status(x_forwarded_for="198.51.100.9, 10.0.0.1"),
    "status-forwarded-host": status(x_forwarded_host="evil.example", x_forwarded_proto="https"),
    "status-request-id": status(x_request_id="given-by-the-proxy-1"),
    "status-https": lambda world: Sent(target=f"/api/flashsale/status/{world.sale.slug}", scheme="https"),
    "status-unix-socket": lambda world: Sent(target=f"/api/flashsale/status/{world.sale.slug}", peer=""),
    "sales": get("/api/flashsale/sales"),
    "api-unknown": get("/api/nothing"),
    "api-double-slash": get("//api/flashsale/sales"),
    "panel-of-no-sale": get("/sales/no-such-sale/panel"),
    "panel-of-no-sale-by-htmx": get("/sales/no-such-sale/panel", hx_request="true"),
    "panel-head": lambda world: Sent(method="HEAD", target=f"/sales/{world.sale.slug}/panel"),
    "panel-post": lambda world: Sent(method="POST", target=f"/sales/{world.sale.slug}/panel", body=b""),
    "panel-slash": get("/sales/{slug}/panel/"),
    "panel-odd-slug": get("/sales/a%20b/panel"),
    "panel-unicode-slug": get("/sales/%C3%A9/panel"),
    "panel-digit-slug": get("/sales/%D9%A3/panel"),
    "panel-other-etag": get("/sales/{slug}/panel", if_none_match='"something-else"'),
    "panel-any-etag": get("/sales/{slug}/panel", if_none_match="*"),
    "panel-language": get("/sales/{slug}/panel", accept_language="de"),
    "panel-unknown-host": get("/sales/{slug}/panel", host="evil.example"),
    "panel-signed-in": lambda world: Sent(
        target=f"/sales/{world.sale.slug}/panel", headers={"cookie": world.early.cookie}
    ),
    "page-without-slash": get("/sales/{slug}"),
    "page-of-no-sale": get("/sales/no-such-sale/"),
    "page-more": get("/sales/{slug}/?more"),
    "page-head": lambda world: Sent(method="HEAD", target=f"/sales/{world.sale.slug}/"),
    "page-post": lambda world: Sent(method="POST", target=f"/sales/{world.sale.slug}/", body=b"a=b"),
    "page-stale-session": get("/sales/{slug}/", cookie="sessionid=longgone"),
    "page-by-htmx": get("/sales/{slug}/", hx_request="true"),
    "page-unknown-host": get("/sales/{slug}/", host="evil.example"),
    "page-language": get("/sales/{slug}/", accept_language="fr"),
    "page-https": lambda world: Sent(target=f"/sales/{world.sale.slug}/", scheme="https"),
    "list": get("/"),
    "sign-in": get("/accounts/login/"),
    "nothing-there": get("/nothing/here"),
    "query-not-ascii": lambda world: Sent(target=f"/api/flashsale/status/{world.sale.slug}?q=%E9"),
    "look-up-nobody": get("/api/flashsale/user/nobody/purchase/{slug}"),
    "look-up-no-sale": get("/api/flashsale/user/buyer/purchase/no-such-sale"),
    "look-up-empty-user": get("/api/flashsale/user//purchase/{slug}"),
    "look-up-blank-user": get("/api/flashsale/user/%20/purchase/{slug}"),
    "look-up-user-with-slash": get("/api/flashsale/user/a/b/purchase/{slug}"),
    "look-up-user-with-purchase": get("/api/flashsale/user/a/purchase/b/purchase/{slug}"),
    "look-up-escaped": get("/api/flashsale/user/j%C3%BCrgen%40example.org/purchase/{slug}"),
    "look-up-control": get("/api/flashsale/user/a%00b/purchase/{slug}"),
    "look-up-long": get("/api/flashsale/user/" + "x" * 300 + "/purchase/{slug}"),
    "look-up-broken-escape": get("/api/flashsale/user/%ff/purchase/{slug}"),
    "look-up-post": lambda world: Sent(
        method="POST", target=f"/api/flashsale/user/a/purchase/{world.sale.slug}", body=b"{}"
    ),
}

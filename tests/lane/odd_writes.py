"""More of the corpus: requests that would change something, most of them odd."""

from dataclasses import replace
from typing import Any

from sales.domain import shoppers
from sales.models import Sale
from tests.lane.both import Sent
from tests.lane.conftest import take
from tests.lane.corpus import Make, World, api, form, purchase, with_pass


def raw(body: bytes, content_type: str = "application/json", **more: Any) -> Make:
    return lambda _: Sent(
        method="POST", target="/api/flashsale/purchase", body=body, headers={"content-type": content_type}, **more
    )


def of_hold(what: str, *, htmx: bool = True, other: bool = False) -> Make:
    def make(world: World) -> Sent:
        taken = take(world.sale, world.early.name)
        assert taken.entry
        shopper = world.late if other else world.early
        fields = {"order": str(taken.entry.order_id), "slot": "1", "pass": shopper.pass_for(world.sale)}
        return form(world, what, htmx=htmx, cookie=shopper.cookie, fields=fields)

    return make


def api_hold(verb: str, *, order_id: str = "") -> Make:
    def make(world: World) -> Sent:
        taken = take(world.sale, shoppers.of_client(client="demo", user_id="holder"))
        assert taken.entry
        fields = {
            "userId": "holder",
            "flashSaleId": world.sale.slug,
            "purchaseId": order_id or str(taken.entry.order_id),
        }
        return api(f"/api/flashsale/{verb}", fields)

    return make


def tampered(world: World) -> Sent:
    return form(world, fields={"pass": world.early.pass_for(world.sale)[:-2] + "xx"})


def of_another_sale(world: World) -> Sent:
    other = Sale.objects.get(pk=world.sale.pk)
    other.pk = 999_999
    return form(world, fields={"pass": world.early.pass_for(other)})


WRITES: dict[str, Make] = {
    "purchase-empty": raw(b""),
    "purchase-blank": raw(b"   "),
    "purchase-no-json": raw(b"{"),
    "purchase-list": raw(b"[]"),
    "purchase-null": raw(b"null"),
    "purchase-nan": raw(b'{"userId": NaN}'),
    "purchase-twice": raw(b'{"userId": "a", "userId": "b"}'),
    "purchase-deep": raw(b"[" * 9_000),
    "purchase-long-number": raw(b'{"userId": ' + b"9" * 5_000 + b"}"),
    "purchase-latin": raw(b'{"userId": "\xe9", "flashSaleId": "x"}'),
    "purchase-bom": raw(b'\xef\xbb\xbf{"userId": "a", "flashSaleId": "x"}'),
    "purchase-numbers": raw(b'{"userId": 1, "flashSaleId": 2}'),
    "purchase-no-type": lambda world: replace(purchase(world), headers={}),
    "purchase-text": raw(b'{"userId": "a", "flashSaleId": "x"}', "text/plain"),
    "purchase-form": raw(b"userId=a&flashSaleId=x", "application/x-www-form-urlencoded"),
    "purchase-charset": raw(b'{"userId": "a", "flashSaleId": "x"}', "application/json; charset=latin1"),
    "purchase-json-type": raw(b'{"userId": "a", "flashSaleId": "x"}', "application/vnd.api+json"),
    "purchase-at-limit": raw(b'{"userId": "' + b"a" * (16_384 - 14) + b'"}'),
    "purchase-over-limit": raw(b'{"userId": "' + b"a" * 16_384 + b'"}'),
    "purchase-far-over-limit": raw(b"a" * 200_000),
    "purchase-over-limit-in-chunks": raw(b"a" * 17_000, chunked=True),
    "purchase-in-chunks": lambda world: replace(purchase(world), chunked=True),
    "purchase-long-user": lambda world: purchase(world, "x" * 129),
    "purchase-blank-user": lambda world: purchase(world, "  "),
    "purchase-unicode-user": lambda world: purchase(world, "Jürgen Ä"),
    "purchase-no-sale": lambda _: api("/api/flashsale/purchase", {"userId": "a", "flashSaleId": "no-such-sale"}),
    "purchase-keyed": lambda world: purchase(world, **{"idempotency-key": "order-1"}),
    "purchase-odd-key": lambda world: purchase(world, **{"idempotency-key": "a b"}),
    "purchase-empty-key": lambda world: purchase(world, **{"idempotency-key": ""}),
    "purchase-bad-bearer": lambda world: purchase(world, authorization="Bearer fs_no_such"),
    "purchase-basic": lambda world: purchase(world, authorization="Basic abc"),
    "purchase-origin": lambda world: purchase(world, origin="https://partner.example"),
    "purchase-get": lambda _: Sent(target="/api/flashsale/purchase"),
    "purchase-slash": lambda _: api("/api/flashsale/purchase/", {}),
    "purchase-delete": lambda _: Sent(method="DELETE", target="/api/flashsale/purchase", body=b""),
    "purchase-unknown-host": lambda world: purchase(world, host="evil.example"),
    "purchase-underscore": lambda world: purchase(world, idempotency_key="smuggled"),
    "buy-without-pass": form,
    "buy-without-body": lambda world: replace(form(world), body=None),
    "buy-tampered": tampered,
    "buy-tampered-by-form": lambda world: replace(tampered(world), headers={
        name: value for name, value in tampered(world).headers.items() if not name.startswith("hx")}),
    "buy-other-session": lambda world: with_pass(world, cookie=world.late.cookie),
    "buy-no-session": lambda world: with_pass(world, cookie=""),
    "buy-other-sale": of_another_sale,
    "buy-far-slot": lambda world: form(world, fields={"pass": world.early.pass_for(world.sale, slot=9)}),
    "buy-long-pass": lambda world: form(world, fields={"pass": "x" * 500}),
    "buy-not-ascii": lambda world: replace(form(world), body=b"pass=\xff"),
    "buy-many-fields": lambda world: replace(form(world), body=b"&".join(b"a=%d" % n for n in range(40))),
    "buy-over-limit": lambda world: replace(form(world), body=b"pass=" + b"x" * 20_000),
    "buy-in-chunks": lambda world: replace(with_pass(world), chunked=True),
    "buy-get": lambda world: Sent(target=f"/sales/{world.sale.slug}/buy"),
    "buy-head": lambda world: Sent(method="HEAD", target=f"/sales/{world.sale.slug}/buy"),
    "buy-put": lambda world: replace(with_pass(world), method="PUT"),
    "buy-no-sale": lambda world: replace(with_pass(world), target="/sales/no-such-sale/buy"),
    "buy-slash": lambda world: replace(with_pass(world), target=f"/sales/{world.sale.slug}/buy/"),
    "buy-unknown-host": lambda world: with_pass(world).with_header("host", "evil.example"),
    "buy-foreign-origin": lambda world: with_pass(world).with_header("origin", "https://evil.example"),
    "confirm": of_hold("confirm"),
    "confirm-by-form": of_hold("confirm", htmx=False),
    "confirm-anothers": of_hold("confirm", other=True),
    "confirm-no-order": lambda world: form(
        world, "confirm", fields={"pass": world.early.pass_for(world.sale), "order": "x"}),
    "let-go": of_hold("let-go"),
    "let-go-by-form": of_hold("let-go", htmx=False),
    "extend": of_hold("extend"),
    "extend-by-form": of_hold("extend", htmx=False),
    "api-confirm": api_hold("confirm"),
    "api-release": api_hold("release"),
    "api-extend": api_hold("extend"),
    "api-confirm-no-order": api_hold("confirm", order_id="00000000-0000-4000-8000-000000000000"),
    "api-release-odd-order": api_hold("release", order_id="x"),
}  # fmt: skip

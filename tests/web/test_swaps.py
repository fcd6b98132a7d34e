"""A page after a fragment was swapped in is the page after a reload."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.queries import snapshots
from tests.conftest import EPOCH
from tests.web import shop
from tests.web.dom import Element, parsed, swapped

pytestmark = pytest.mark.usefixtures("proven")

# New each time: when it was written, and the delay drawn.
DRAWN = frozenset({"data-now", "data-delay", "hx-trigger", "content"})
ONLY_AFTER_A_CLICK = frozenset({"autofocus", "tabindex"})


@pytest.fixture(autouse=True)
def numbers_of_this_instant(settings: Any) -> None:
    settings.SALES = replace(settings.SALES, snapshot_max_age_ms=0)


def essence(tree: Element) -> Element:
    """Return the tree without what is new each time, and without the pass, whose text holds the time it was made."""
    for each in tree.walk():
        for name in (DRAWN | ONLY_AFTER_A_CLICK) & each.attrs.keys():
            del each.attrs[name]
        if each.attrs.get("name") == "pass":
            sale, account, slot, *_ = each.attrs["value"].split(".")
            each.attrs["value"] = f"{sale}.{account}.{slot}"
        if "data-zone" in each.attrs or each.tag == "b":
            each.children = ["now"]
    for title in tree.tagged("title"):
        title.children = []
    for unread in tree.tagged("noscript"):  # by whoever can swap
        tree.replace(unread, [])
    for head in tree.tagged("head"):  # what machines are told there is of the moment when the page was written
        head.children = [each for each in head.children if not (isinstance(each, Element) and is_for_machines(each))]
    return tree


def is_for_machines(each: Element) -> bool:
    names = {each.attrs.get("rel"), each.attrs.get("name"), each.attrs.get("type")}
    return "property" in each.attrs or bool(names & {"canonical", "description", "twitter:card", "application/ld+json"})


def assert_same(after_swap: Element, after_reload: Element) -> None:
    assert lines(essence(after_swap)) == lines(essence(after_reload))


def lines(tree: Element, depth: int = 0) -> list[str]:
    """Return the tree as text, one line per element or text: a difference is then a line."""
    said = [f"{'  ' * depth}{tree.tag} {sorted(tree.attrs.items())}"]
    for child in tree.children:
        said += lines(child, depth + 1) if isinstance(child, Element) else [f"{'  ' * (depth + 1)}{child}"]
    return said


class TestThePanel:
    @pytest.mark.parametrize(
        "fields",
        [
            {"opens_in": 300_000, "closes_in": 400_000},
            {"opens_in": 300},
            {},
            {"opens_in": -120, "closes_in": -60},
        ],
        ids=["far", "near", "live", "over"],
    )
    def test_swapped_in_is_the_page(self, fields, make_sale, client: Client):
        sale = make_sale(published=True, **fields)

        after = swapped(shop.page(client, sale), parsed(client.get(f"/sales/{sale.slug}/panel").content))

        assert_same(after, shop.page(client, sale))

    def test_swapped_in_after_the_sale_was_paused_is_the_page(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        before = shop.page(client, sale)
        connection.run(ledger.set_state(sale=sale.pk, epoch=EPOCH, state=LedgerState.PAUSED, number=2))

        after = swapped(before, parsed(client.get(f"/sales/{sale.slug}/panel").content))

        assert_same(after, shop.page(client, sale))


class TestMine:
    @pytest.mark.parametrize("fields", [{}, {"hold_seconds": 600}, {"limit": 2}], ids=["bought", "held", "two each"])
    def test_after_a_click_is_the_page(self, fields, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, **fields), signed_in(early_shopper)
        before = shop.page(client, sale)

        after = swapped(before, parsed(shop.press(client, sale, fields={"pass": shop.pass_in(before)}).content))

        assert_same(after, shop.page(client, sale))

    def test_polled_while_held_is_the_page(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        after = swapped(shop.page(client, sale), parsed(client.get(f"/sales/{sale.slug}/mine").content))

        assert_same(after, shop.page(client, sale))

    def test_polled_once_recorded_is_the_page(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})
        before = shop.page(client, sale)
        seq = connection.run(ledger.snapshot(sale=sale.pk, epoch=EPOCH)).seq
        connection.run(ledger.mark_recorded(sale=sale.pk, epoch=EPOCH, seq=seq))
        snapshots.forget()

        after = swapped(before, parsed(client.get(f"/sales/{sale.slug}/mine").content))

        assert "In the shop’s books" in after.id("mine").text
        assert "hx-get" not in after.id("mine").attrs
        assert_same(after, shop.page(client, sale))

    def test_of_somebody_who_signed_out_is_the_page(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)
        shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})
        client.logout()

        after = swapped(shop.page(client, sale), parsed(client.get(f"/sales/{sale.slug}/mine").content))

        assert_same(after, shop.page(client, sale))


class TestTheReceipt:
    def test_polled_is_the_page(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        bought = parsed(shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))}).content)
        order_id = UUID(bought.id("receipt").attrs["href"].split("/")[2])
        url = f"/purchases/{order_id}/"

        after = swapped(parsed(client.get(url).content), parsed(client.get(f"{url}receipt").content))

        assert_same(after, parsed(client.get(url).content))


class TestThisComparison:
    def test_notices_another_text_an_attribute_and_a_missing_element(self, make_sale, client: Client):
        sale = make_sale(published=True)
        page = shop.page(client, sale)

        for broken in ("text", "attribute", "element"):
            other = shop.page(client, sale)
            button = other.id("buy-button")
            if broken == "text":
                button.children = ["Buy two"]
            elif broken == "attribute":
                button.attrs["form"] = "another"
            else:
                other.replace(button, [])
            with pytest.raises(AssertionError):
                assert_same(page, other)

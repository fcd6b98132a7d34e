"""A unit that is held: confirm, let go, more time; what the page says near and after the deadline."""

import time
from dataclasses import replace
from typing import Any

import pytest

from sales.models import Sale
from sales.queries import catalogue
from tests.web import shop
from tests.web.dom import Element, parsed

pytestmark = pytest.mark.usefixtures("proven")


@pytest.fixture
def hold(make_sale, signed_in, early_shopper):
    """Return (browser, sale, the stub with the hold)."""

    def make(**fields: Any) -> tuple[Any, Sale, Element]:
        sale, client = make_sale(published=True, **{"hold_seconds": 600, **fields}), signed_in(early_shopper)
        catalogue.forget()
        held = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})
        return client, sale, parsed(held.content)

    return make


class TestConfirm:
    def test_buys_and_again_says_the_same(self, hold):
        client, sale, held = hold()

        first, second = (shop.press(client, sale, "confirm", fields=shop.hold_in(held)) for _ in range(2))

        for response in (first, second):
            assert response.status_code == 200
            text = parsed(response.content).text
            assert "It is yours: number 1 of 3" in text
            assert "Confirmed by you" in text

    def test_works_from_the_page_of_another_tab(self, hold):
        client, sale, _ = hold()

        response = shop.press(client, sale, "confirm", htmx=False, fields=shop.hold_in(shop.page(client, sale)))

        assert response.status_code == 303
        assert "It is yours" in shop.page(client, sale).text

    def test_after_it_was_let_go_says_so_and_lets_buy(self, hold):
        client, sale, held = hold()
        shop.press(client, sale, "let-go", fields=shop.hold_in(held))

        response = shop.press(client, sale, "confirm", fields=shop.hold_in(held))
        tree = parsed(response.content)

        assert response.status_code == 409
        assert "You let it go" in tree.text
        assert tree.has("buy-button")

    def test_of_an_order_that_is_not_theirs_changes_nothing(self, hold, signed_in, late_shopper):
        client, sale, held = hold()
        other = signed_in(late_shopper)
        own = shop.pass_in(shop.page(other, sale))

        response = shop.press(other, sale, "confirm", fields={**shop.hold_in(held), "pass": own})

        assert response.status_code == 409
        assert "This page was out of date" in parsed(response.content).text
        assert "Number 1 is held for you" in shop.page(client, sale).text

    @pytest.mark.parametrize("order", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "1" * 100])
    @pytest.mark.parametrize("slot", ["", "-1", "x", "99999999999999999999", "٣"])
    def test_of_nonsense_is_refused(self, order, slot, hold):
        client, sale, held = hold()
        fields = {**shop.hold_in(held), "order": order, "slot": slot}

        for what in ("confirm", "let-go", "extend"):
            assert shop.press(client, sale, what, fields=fields).status_code == 409


class TestLetGo:
    def test_gives_back_at_once_and_brings_a_new_pass(self, hold):
        client, sale, held = hold(stock=1)

        response = shop.press(client, sale, "let-go", fields=shop.hold_in(held))
        tree = parsed(response.content)
        again = shop.press(client, sale, fields={"pass": shop.pass_in(tree)})

        assert response.status_code == 200
        assert "You let it go Number 1 is no longer held for you. You owe nothing. 1 is left." in tree.text
        assert tree.has("buy-button")
        assert "Number 1 is held for you" in parsed(again.content).text

    def test_does_not_take_a_late_repetition_of_the_click_for_a_new_one(self, make_sale, signed_in, early_shopper):
        """The click, carried out late by a server that its client had given up on."""
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))
        held = parsed(shop.press(client, sale, fields={"pass": written}).content)
        shop.press(client, sale, "let-go", fields=shop.hold_in(held))

        late = shop.press(client, sale, fields={"pass": written})

        assert late.status_code == 409
        assert "You let it go" in parsed(late.content).text
        assert shop.page(client, sale).has("panel")

    def test_of_what_is_bought_says_that_it_is(self, hold):
        client, sale, held = hold()
        shop.press(client, sale, "confirm", fields=shop.hold_in(held))

        response = shop.press(client, sale, "let-go", fields=shop.hold_in(held))

        assert "It is yours" in parsed(response.content).text


class TestExtend:
    def test_is_offered_only_in_the_last_two_minutes(self, hold):
        _, _, early = hold(hold_seconds=600, hold_extension_seconds=300)
        _, _, late = hold(hold_seconds=100, hold_extension_seconds=300)
        _, _, never = hold(hold_seconds=100)

        assert not early.has("extend")
        assert "Less than two minutes left." in late.text
        assert "Give me 5 minutes more, once" in late.id("extend").text
        assert not never.has("extend")

    def test_moves_the_deadline_once(self, hold):
        client, sale, held = hold(hold_seconds=100, hold_extension_seconds=10)
        before = only_count(held)

        first, second = (
            parsed(shop.press(client, sale, "extend", fields=shop.hold_in(held)).content) for _ in range(2)
        )

        assert only_count(first) == only_count(second) > before
        assert not first.has("extend")

    def test_where_there_is_none_says_so(self, hold):
        client, sale, held = hold(hold_seconds=100)

        response = shop.press(client, sale, "extend", fields=shop.hold_in(held))

        assert response.status_code == 409
        assert "No more time in this sale" in parsed(response.content).text


class TestTheDeadline:
    def test_is_shown_counted_and_asked_about(self, hold):
        _, _, held = hold(hold_seconds=600)
        stub = held.id("mine")

        assert "Confirm before" in stub.text
        assert 479_000 < int(stub.attrs["data-delay"]) <= 480_300  # when the last two minutes begin
        assert stub.classed("count")[0].attrs["data-say"] == "hold"

    def test_once_passed_is_told_with_the_button_and_a_fresh_pass(self, hold, settings):
        settings.SALES = replace(settings.SALES, snapshot_max_age_ms=0)
        client, sale, held = hold(hold_seconds=1)
        until = time.monotonic() + 10
        while "Your time ran out" not in (tree := parsed(client.get(f"/sales/{sale.slug}/mine").content)).text:
            assert time.monotonic() < until, tree.text
            time.sleep(0.05)

        confirmed = shop.press(client, sale, "confirm", fields=shop.hold_in(held))
        again = shop.press(client, sale, fields={"pass": shop.pass_in(tree)})

        assert tree.has("buy-button")
        assert "then others could have it. You owe nothing. 3 are left." in tree.text
        assert "Your time ran out" in parsed(confirmed.content).text
        assert "is held for you" in parsed(again.content).text


def only_count(tree: Element) -> str:
    [count] = tree.classed("count")
    return count.attrs["data-to"]

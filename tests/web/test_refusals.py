"""Each refusal of a click: its status, its sentence, and what comes next."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from sales.answers import passes
from sales.domain.rates import Rate
from sales.domain.states import LedgerState
from sales.live import connection, ledger
from sales.models import Account, Sale
from tests.conftest import EPOCH
from tests.web import shop
from tests.web.dom import parsed

pytestmark = pytest.mark.usefixtures("proven")


def stub_of(response: Any) -> str:
    return parsed(response.content).classed("stub")[0].text


class TestARefusal:
    def refused(self, client: Client, sale: Sale, account: Account) -> Any:
        written = passes.mint(sale=sale.pk, account=account.pk, slot=1, session_key=client.session.session_key or "")
        return shop.press(client, sale, fields={"pass": written})

    def test_before_the_opening_says_when_it_opens(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, opens_in=60), signed_in(early_shopper)

        response = self.refused(client, sale, early_shopper)

        assert response.status_code == 409
        assert "Not open yet This sale opens" in stub_of(response)
        assert "Trying earlier does not help, and does no harm." in stub_of(response)

    def test_when_sold_out_says_both_times(self, make_sale, signed_in, early_shopper, late_shopper):
        sale = make_sale(published=True, stock=1)
        first, second = signed_in(early_shopper), signed_in(late_shopper)
        self.refused(first, sale, early_shopper)

        response = self.refused(second, sale, late_shopper)

        assert response.status_code == 409
        assert "The last one went at" in stub_of(response)
        assert "your click came in at" in stub_of(response)
        assert "Nothing is held, so nothing will come back unless the shop adds some." in stub_of(response)

    def test_when_sold_out_says_what_is_held(self, make_sale, signed_in, early_shopper, late_shopper):
        sale = make_sale(published=True, stock=1, hold_seconds=60)
        self.refused(signed_in(early_shopper), sale, early_shopper)

        response = self.refused(signed_in(late_shopper), sale, late_shopper)

        assert "1 is held. If it is given back, the button returns here." in stub_of(response)

    def test_after_the_end_says_when_it_ended(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, opens_in=-120, closes_in=-60), signed_in(early_shopper)

        response = self.refused(client, sale, early_shopper)

        assert response.status_code == 409
        assert "This sale is over It ended" in stub_of(response)

    def test_of_a_sale_that_was_closed_early_says_when_that_was(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        connection.run(ledger.set_state(sale=sale.pk, epoch=EPOCH, state=LedgerState.CLOSED, number=2))

        response = self.refused(client, sale, early_shopper)

        assert "This sale is over It ended today at" in stub_of(response)

    def test_while_paused_says_how_many_are_left(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True), signed_in(early_shopper)
        connection.run(ledger.set_state(sale=sale.pk, epoch=EPOCH, state=LedgerState.PAUSED, number=2))

        response = self.refused(client, sale, early_shopper)

        assert response.status_code == 409
        assert "Paused by the shop" in stub_of(response)
        assert "3 are left and stay where they are." in stub_of(response)

    def test_for_too_many_tries_says_for_how_long(self, make_sale, signed_in, early_shopper, settings):
        limits = replace(settings.SALES.limits, purchase_per_shopper=Rate(count=1, seconds=60))
        settings.SALES = replace(settings.SALES, limits=limits)
        sale, client = make_sale(published=True, opens_in=60), signed_in(early_shopper)
        self.refused(client, sale, early_shopper)

        response = self.refused(client, sale, early_shopper)

        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert f"Please wait {response.headers['Retry-After']} seconds, until" in stub_of(response)

    def test_for_too_many_tries_is_not_said_of_what_is_theirs(self, make_sale, signed_in, early_shopper, settings):
        limits = replace(settings.SALES.limits, purchase_per_shopper=Rate(count=1, seconds=60))
        settings.SALES = replace(settings.SALES, limits=limits)
        sale, client = make_sale(published=True), signed_in(early_shopper)
        written = shop.pass_in(shop.page(client, sale))
        shop.press(client, sale, fields={"pass": written})

        response = shop.press(client, sale, fields={"pass": written})

        assert response.status_code == 200
        assert "It is yours" in stub_of(response)

    def test_of_a_fourth_hold_says_why(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, hold_seconds=600), signed_in(early_shopper)
        for _ in range(3):
            held = parsed(shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))}).content)
            shop.press(client, sale, "let-go", fields=shop.hold_in(held))

        response = shop.press(client, sale, fields={"pass": shop.pass_in(shop.page(client, sale))})

        assert response.status_code == 409
        assert "Three times is enough" in stub_of(response)

    def test_of_a_slot_that_is_not_next_brings_the_right_pass(self, make_sale, signed_in, early_shopper):
        sale, client = make_sale(published=True, limit=3), signed_in(early_shopper)
        beyond = passes.mint(sale=sale.pk, account=early_shopper.pk, slot=3, session_key=client.session.session_key)

        refused = shop.press(client, sale, fields={"pass": beyond})
        again = shop.press(client, sale, fields={"pass": shop.pass_in(parsed(refused.content))})

        assert refused.status_code == 409
        assert "This page was out of date" in stub_of(refused)
        assert "number 1 of 3" in stub_of(again)

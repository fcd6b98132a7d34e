"""A shop that accepts to lose the last second says so where a purchase is told, and in the rules; no other does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sales.conf import LedgerRisk
from sales.models import Sale
from tests.conftest import MakeSale
from tests.lane.both import Got, Sent, through_django, through_lane
from tests.lane.conftest import Shopper
from tests.web.dom import parsed

MAY_BE_LOST = "Until it is in the shop’s books, it can be lost if the shop’s computer fails."
RULE = "If the shop’s computer fails, what was bought in its last second can be lost."
MAY_BE_LOST_IN_GERMAN = "Bis der Kauf in den Büchern des Ladens steht, kann er verloren gehen"
RULE_IN_GERMAN = "Fällt der Rechner des Ladens aus, kann verloren gehen, was in seiner letzten Sekunde gekauft wurde."


@pytest.fixture
def accepts_a_second(settings: Any) -> None:
    settings.SALES = replace(settings.SALES, ledger_risk=LedgerRisk.ACCEPT_1S)


def told(ask: Callable[[Sent], Got], sale: Sale, shopper: Shopper, language: str = "en") -> dict[str, str]:
    """Buy, look again, open the receipt, and open the page; return what stands there."""
    headers = {"cookie": shopper.cookie, "accept-language": language, "hx-request": "true"}
    form = {"content-type": "application/x-www-form-urlencoded", "origin": "http://testserver"}
    body = f"pass={shopper.pass_for(sale)}".encode()
    click = Sent(method="POST", target=f"/sales/{sale.slug}/buy", headers=headers | form, body=body)
    stub = parsed(ask(click).body)
    receipt = stub.id("receipt").attrs["href"]
    found = {"click": stub.text}
    for name, target in {
        "mine": f"/sales/{sale.slug}/mine",
        "receipt": receipt,
        "page": f"/sales/{sale.slug}/",
    }.items():
        found[name] = parsed(ask(Sent(target=target, headers=headers)).body).text
    return found


@pytest.mark.parametrize("ask", [through_django, through_lane])
@pytest.mark.usefixtures("proven")
class TestAcceptedRisk:
    @pytest.mark.parametrize(
        ("language", "may_be_lost", "rule"),
        [("en", MAY_BE_LOST, RULE), ("de", MAY_BE_LOST_IN_GERMAN, RULE_IN_GERMAN)],
    )
    def test_is_told_with_each_purchase_until_it_is_recorded_and_in_the_rules(
        self, ask: Any, language: str, may_be_lost: str, rule: str, *, accepts_a_second: None, make_sale: MakeSale,
        early_shopper: Shopper,
    ) -> None:  # fmt: skip
        found = told(ask, make_sale(published=True), early_shopper, language)

        assert [name for name, text in found.items() if may_be_lost not in text] == []
        assert [name for name, text in found.items() if rule in text] == ["page"]

    def test_is_not_told_where_nothing_is_lost(self, ask: Any, make_sale: MakeSale, early_shopper: Shopper) -> None:
        found = told(ask, make_sale(published=True), early_shopper)

        assert [name for name, text in found.items() if MAY_BE_LOST in text or RULE in text] == []

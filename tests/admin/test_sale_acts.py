"""Publish, pause, resume and close in the admin: the page before, the act, and who may do it."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live import connection, ledger
from sales.models import Account, LedgerServer, Sale, TrailEntry
from tests.admin.desk import Desk, mistakes, said, text_of
from tests.conftest import MakeSale

BEFORE = {
    "publish": SaleState.DRAFT,
    "pause": SaleState.PUBLISHED,
    "resume": SaleState.PAUSED,
    "close": SaleState.PUBLISHED,
}
AFTER = {
    "publish": SaleState.PUBLISHED,
    "pause": SaleState.PAUSED,
    "resume": SaleState.PUBLISHED,
    "close": SaleState.CLOSED,
}
REPORT = {
    "publish": "The sale night is published.",
    "pause": "The sale night is paused.",
    "resume": "The sale night sells on.",
    "close": "The sale night is closed.",
}


@pytest.fixture
def ready_for(desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> Callable[[str], Sale]:
    """Make a sale to which this act may follow, in record and ledger."""

    def make(act: str) -> Sale:
        sale = make_sale(slug="night", published=BEFORE[act] != SaleState.DRAFT)
        if BEFORE[act] == SaleState.PAUSED:
            desk.post("sales_sale_pause", sale.pk, why="")
            TrailEntry.objects.all().delete()
        return sale

    return make


@pytest.mark.parametrize("act", BEFORE)
class TestEachAct:
    def test_is_done_with_its_reason_and_reported(
        self, desk: Desk, seller: Account, ready_for: Callable[[str], Sale], act: str
    ) -> None:
        sale = ready_for(act)

        answer = desk.post(f"sales_sale_{act}", sale.pk, why="The posters are wrong.")

        assert said(answer)[-1] == REPORT[act]
        sale.refresh_from_db()
        assert sale.state == AFTER[act]
        entry = TrailEntry.objects.get()
        assert (entry.sale, entry.account, entry.act, entry.why) == (sale, seller, act, "The posters are wrong.")

    def test_is_asked_about_first_and_changes_nothing_by_a_look(
        self, desk: Desk, ready_for: Callable[[str], Sale], act: str
    ) -> None:
        sale = ready_for(act)

        answer = desk.get(f"sales_sale_{act}", sale.pk)

        assert answer.status_code == 200
        assert answer.context["will"]
        sale.refresh_from_db()
        assert sale.state == BEFORE[act]

    def test_has_its_button_only_where_it_may_follow(
        self, desk: Desk, ready_for: Callable[[str], Sale], act: str
    ) -> None:
        sale = ready_for(act)

        before = desk.get("sales_sale_change", sale.pk).content.decode()
        desk.post(f"sales_sale_{act}", sale.pk, why="Because.")
        after = desk.get("sales_sale_change", sale.pk).content.decode()

        assert f'id="act-{act}"' in before
        assert f'id="act-{act}"' not in after

    def test_is_refused_in_a_sentence_the_second_time(
        self, desk: Desk, ready_for: Callable[[str], Sale], act: str
    ) -> None:
        sale = ready_for(act)
        desk.post(f"sales_sale_{act}", sale.pk, why="Because.")

        answer = desk.post(f"sales_sale_{act}", sale.pk, why="Because.")

        assert answer.status_code == 302
        assert said(answer)[-1].startswith("Not done for night: This sale is")
        assert TrailEntry.objects.count() == 1

    def test_says_that_the_ledger_follows_when_it_was_not_reached(
        self, desk: Desk, no_ledger: None, make_sale: MakeSale, act: str
    ) -> None:
        sale = make_sale(slug="night", state=BEFORE[act])

        answer = desk.post(f"sales_sale_{act}", sale.pk, why="Because.")

        assert said(answer) == [
            f"{REPORT[act]} The ledger was not reached: it will follow as soon as the keeper reaches it."
        ]
        sale.refresh_from_db()
        assert sale.state == AFTER[act]

    def test_is_not_for_those_who_may_only_look(
        self,
        desk_of_one_who_may: Callable[..., Desk],
        ready_for: Callable[[str], Sale],
        act: str,
    ) -> None:
        sale = ready_for(act)
        clerk = desk_of_one_who_may("view_sale")

        page = clerk.get("sales_sale_change", sale.pk)
        answers = [clerk.get(f"sales_sale_{act}", sale.pk), clerk.post(f"sales_sale_{act}", sale.pk, why="Because.")]

        assert page.status_code == 200
        assert 'id="act-' not in page.content.decode()
        assert [answer.status_code for answer in answers] == [403, 403]
        sale.refresh_from_db()
        assert sale.state == BEFORE[act]

    def test_refuses_other_methods_and_sales_that_are_not_there(self, desk: Desk, act: str) -> None:
        assert desk.get(f"sales_sale_{act}", 10**9).status_code == 404
        assert desk.post(f"sales_sale_{act}", 10**9, why="Because.").status_code == 404
        assert desk.put(f"sales_sale_{act}", 10**9).status_code == 405


class TestPublish:
    def test_puts_the_sale_into_the_ledger(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stock=7)

        desk.post("sales_sale_publish", sale.pk, why="")

        seen = connection.run(ledger.snapshot(sale=sale.pk, epoch=1))
        assert (seen.outcome, seen.state, seen.left) == (Outcome.FOUND, LedgerState.OPEN, 7)

    def test_refuses_a_draft_that_is_over_in_a_sentence(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", opens_in=-60, closes_in=-1)

        answer = desk.post("sales_sale_publish", sale.pk, why="")

        assert said(answer) == ["Not done for night: This sale would be over before it is published."]


class TestPause:
    def test_says_how_many_are_left_and_held(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stock=5, hold_seconds=600, published=True)
        connection.run(ledger.purchase(sale=sale.pk, epoch=1, shopper="u:1", order_id=uuid4()))

        page = text_of(desk.get("sales_sale_pause", sale.pk))

        assert "Nobody can buy until you resume. 4 left stay where they are." in page
        assert "Who holds one (1 now) can still confirm it or let it go." in page


class TestClose:
    def test_needs_a_reason(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        answer = desk.post("sales_sale_close", sale.pk, why="  ")

        assert mistakes(answer) == {"why": ["Say why. This cannot be undone, and the trail should tell."]}
        sale.refresh_from_db()
        assert sale.state == SaleState.PUBLISHED

    def test_refuses_a_reason_that_is_too_long(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        answer = desk.post("sales_sale_close", sale.pk, why="x" * 501)

        assert "at most 500 characters" in mistakes(answer)["why"][0]


class TestTheList:
    def test_does_an_act_to_several_sales_and_reports_each(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        running = make_sale(slug="night", published=True)
        draft = make_sale(slug="day")

        answer = desk.act("sales_sale_changelist", "pause", running.pk, draft.pk)

        assert said(answer) == [
            "The sale night is paused.",
            "Not done for day: This sale is a draft. Only a published sale can be paused.",
        ]
        assert set(Sale.objects.values_list("slug", "state")) == {("night", "paused"), ("day", "draft")}

    @pytest.mark.parametrize("act", ["publish", "resume"])
    def test_has_the_others_too(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale, act: str) -> None:
        sale = make_sale(state=BEFORE[act])

        desk.act("sales_sale_changelist", act, sale.pk)

        sale.refresh_from_db()
        assert sale.state == AFTER[act]

    def test_gives_no_act_to_those_who_may_only_look(
        self, desk_of_one_who_may: Callable[..., Desk], proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)
        clerk = desk_of_one_who_may("view_sale")

        clerk.act("sales_sale_changelist", "pause", sale.pk)

        sale.refresh_from_db()
        assert sale.state == SaleState.PUBLISHED

"""Restock and move in the admin: the page with today's numbers, the change, who may, and who was faster."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sales.admin import zones
from sales.domain.states import ChangeState, SaleState
from sales.models import Account, LedgerServer, Sale, StockChange, TrailEntry
from sales.services import changing, sale_edits
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.admin.desk import Desk, mistakes, said, text_of
from tests.admin.test_sales import filled
from tests.conftest import MakeSale
from tests.selling import buy, hold, in_ledger

WHY = "The printer found more."


def window(sale: Sale, **moved: timedelta) -> dict[str, str]:
    """Return what the form has, with some of it moved."""
    names = [name for name in ("opens_at", "closes_at") if name in moved or name == "closes_at"]
    moments = {name: getattr(sale, name) + moved.get(name, timedelta()) for name in names}
    return {name: zones.shown(moment=each, zone=sale.zone).isoformat() for name, each in moments.items()}


class TestRestock:
    def test_is_done_with_its_reason_and_reported(
        self, desk: Desk, seller: Account, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", published=True, stock=5)

        answer = desk.post("sales_sale_restock", sale.pk, by=10, why=WHY, seen=0)

        assert said(answer) == ["Stock of night is 15 now."]
        sale.refresh_from_db()
        assert (sale.stock, in_ledger(sale).stock) == (15, 15)
        entry = TrailEntry.objects.get()
        assert (entry.account, entry.act, entry.why) == (seller, "restock", WHY)

    def test_shows_todays_numbers_first_and_changes_nothing_by_a_look(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True, stock=9, hold_seconds=600)
        hold(sale, "u:1")

        page = text_of(desk.get("sales_sale_restock", sale.pk))

        assert "Stock is 9 now: 0 sold, 1 held, 8 left. It can go down to 1." in page
        assert not StockChange.objects.exists()

    def test_shows_the_number_that_stands_in_the_way_beside_the_same_form(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", published=True, stock=5)
        buy(sale, "u:1", "u:2", "u:3")

        answer = desk.post("sales_sale_restock", sale.pk, by=-3, why=WHY, seen=0)

        assert answer.status_code == 200
        refusal = "3 are sold and 0 held; stock cannot go below 3."
        assert f"Not done for night: {refusal}" in text_of(answer)
        assert answer.context["form"]["by"].value() == "-3"
        assert refusal in text_of(desk.get("sales_sale_change", sale.pk))

    def test_by_two_clicks_counts_once(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True, stock=5)
        seen = desk.get("sales_sale_restock", sale.pk).context["form"]["seen"].value()
        desk.post("sales_sale_restock", sale.pk, by=10, why=WHY, seen=seen)

        answer = desk.post("sales_sale_restock", sale.pk, by=10, why=WHY, seen=seen)

        assert "seller@example.com has changed this sale since you looked: stock is 15 now" in text_of(answer)
        assert answer.context["form"]["seen"].value() == 1
        sale.refresh_from_db()
        assert sale.stock == 15

    def test_says_so_where_the_ledger_was_not_reached(self, desk: Desk, no_ledger: None, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", state=SaleState.PUBLISHED, stock=5)

        assert "The ledger is not reachable. What you ask for is done as soon as it is." in text_of(
            desk.get("sales_sale_restock", sale.pk)
        )
        answer = desk.post("sales_sale_restock", sale.pk, by=-1, why=WHY, seen=0)

        assert said(answer)[-1].startswith("Asked for night, and on record. The ledger was not reached")
        page = text_of(desk.get("sales_sale_change", sale.pk))
        assert "A change that seller@example.com asked for is not done yet." in page
        assert "stock: 5 → 4" in page

    @pytest.mark.parametrize(
        ("fields", "field"),
        [({"by": 1}, "why"), ({"by": 1, "why": " "}, "why"), ({"by": "", "why": WHY}, "by"),
         ({"by": "many", "why": WHY}, "by"), ({"by": 10**9, "why": WHY}, "by"), ({"by": 1, "why": "x" * 501}, "why")],
    )  # fmt: skip
    def test_refuses_mistakes_at_their_field(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale, fields: dict[str, Any], field: str
    ) -> None:
        sale = make_sale(published=True)

        assert set(mistakes(desk.post("sales_sale_restock", sale.pk, **fields))) == {field}
        assert not StockChange.objects.exists()


class TestMove:
    def test_moves_the_end_and_leaves_what_nobody_touched(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(slug="night", published=True, opens_in=600, closes_in=1_200)
        hour = timedelta(hours=1)

        fields = window(sale, opens_at=timedelta(), closes_at=hour)
        answer = desk.post("sales_sale_move", sale.pk, why="The ferry is late.", seen=0, **fields)

        after = Sale.objects.get(pk=sale.pk)
        assert said(answer)[0].startswith("The sale night is on from ")
        assert after.opens_at == sale.opens_at
        assert after.closes_at == (sale.closes_at + hour).replace(microsecond=0)
        assert TrailEntry.objects.get().after.keys() == {"closes"}

    def test_offers_no_opening_once_the_sale_has_opened(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)

        answer = desk.get("sales_sale_move", sale.pk)

        assert set(answer.context["form"].fields) == {"closes_at", "why", "seen"}
        assert "It has opened, so its opening stays." in text_of(answer)

    def test_refuses_a_time_that_clocks_leave_out(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        answer = desk.post("sales_sale_move", sale.pk, closes_at="2028-03-26T02:30:00", why="Because.")

        assert "26 March 2028 has no 02:30 in Europe/Berlin" in mistakes(answer)["closes_at"][0]

    def test_shows_why_the_ledger_refused(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)

        answer = desk.post("sales_sale_move", sale.pk, why="Because.", **window(sale, closes_at=-timedelta(hours=1)))

        assert "has passed already." in text_of(answer)


@pytest.mark.parametrize("change", ["restock", "move"])
class TestBoth:
    def test_have_a_button_while_the_sale_is_running(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale, change: str
    ) -> None:
        shown = {}
        for state in SaleState:
            sale = make_sale(state=state)
            shown[state] = f'id="act-{change}"' in desk.get("sales_sale_change", sale.pk).content.decode()
            if not shown[state]:
                answer = desk.get(f"sales_sale_{change}", sale.pk)
                assert said(answer)[-1] == f"The sale {sale.slug} is {state}: this is not changed here."

        assert {state for state, is_shown in shown.items() if is_shown} == {SaleState.PUBLISHED, SaleState.PAUSED}

    def test_are_not_for_those_who_may_only_look(
        self, desk_of_one_who_may: Callable[..., Desk], proven: LedgerServer, make_sale: MakeSale, change: str
    ) -> None:
        sale = make_sale(published=True)
        clerk = desk_of_one_who_may("view_sale")

        answers = [clerk.get(f"sales_sale_{change}", sale.pk), clerk.post(f"sales_sale_{change}", sale.pk, by=1)]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert f'id="act-{change}"' not in clerk.get("sales_sale_change", sale.pk).content.decode()

    def test_refuse_other_methods_and_sales_that_are_not_there(self, desk: Desk, change: str) -> None:
        assert desk.get(f"sales_sale_{change}", 10**9).status_code == 404
        assert desk.put(f"sales_sale_{change}", 10**9).status_code == 405

    def test_say_who_is_changing_the_sale(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale, change: str
    ) -> None:
        sale = make_sale(published=True)
        changing._ask(sale_pk=sale.pk, wanted=lambda _: {"stock": 9}, actor=Actor(who="other@example.com"), why=WHY)

        fields = {"by": 1} if change == "restock" else window(sale, closes_at=timedelta(hours=1))
        answer = desk.post(f"sales_sale_{change}", sale.pk, why=WHY, **fields)

        assert "other@example.com is changing this sale since" in text_of(answer)
        assert StockChange.objects.get().state == ChangeState.ASKED


class TestAFormThatWasOpenedOnADraft:
    """Somebody publishes the draft while another has its form open, or while it is being stored."""

    def test_is_not_stored_once_the_sale_is_public(self, desk: Desk, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(slug="night", limit=1)
        opened = desk.get("sales_sale_change", sale.pk).context["adminform"].form
        desk.post("sales_sale_publish", sale.pk, why="")

        fields = filled(sale.product, slug="night", limit=9, seen_state=opened["seen_state"].value())
        answer = desk.post("sales_sale_change", sale.pk, **fields)

        assert answer.status_code == 200
        assert "This sale is published since you opened the form. Nothing was saved; look at it again." in text_of(
            answer
        )
        sale.refresh_from_db()
        assert (sale.limit, sale.state) == (1, SaleState.PUBLISHED)

    def test_is_not_stored_where_it_is_published_in_the_middle(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = make_sale(slug="night", limit=1)
        store = sale_edits.save

        def after_another_admin(**given: Any) -> None:
            Sale.objects.filter(pk=sale.pk).update(state=SaleState.PUBLISHED)
            store(**given)

        monkeypatch.setattr(sale_edits, "save", after_another_admin)

        answer = desk.post("sales_sale_change", sale.pk, **filled(sale.product, slug="night", limit=9))

        assert said(answer) == ["Somebody has changed this sale meanwhile: it is published now. Nothing was saved."]
        sale.refresh_from_db()
        assert sale.limit == 1

    def save_after_publishing(self, sale: Sale, save: Callable[..., None]) -> int:
        stale = Sale.objects.get(pk=sale.pk)
        stale.limit = 9
        Sale.objects.filter(pk=sale.pk).update(state=SaleState.PUBLISHED)
        save(sale=stale, fields=["limit"], by=Actor(who="other@example.com"))
        return Sale.objects.get(pk=sale.pk).limit

    def test_is_refused_by_the_service(self, make_sale: MakeSale) -> None:
        with pytest.raises(Refused, match="it is published now"):
            self.save_after_publishing(make_sale(), sale_edits.save)

    def test_in_the_careless_twin_changes_what_is_fixed(self, make_sale: MakeSale) -> None:
        def careless_save(*, sale: Sale, fields: list[str], by: Actor) -> None:
            sale.save(update_fields=fields)

        assert self.save_after_publishing(make_sale(), careless_save) == 9


class TestTheListOfChanges:
    def test_finds_those_that_are_not_done_and_opens_each(
        self, desk: Desk, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        done, waiting = make_sale(slug="night", published=True), make_sale(slug="day", published=True, stock=5)
        changing.restock(sale_pk=done.pk, by=1, actor=Actor(who="other@example.com"), why=WHY)
        changing._ask(sale_pk=waiting.pk, wanted=lambda _: {"stock": 9}, actor=Actor(who="other@example.com"), why=WHY)

        page = text_of(desk.get("sales_stockchange_changelist", state__exact="asked"))
        one = desk.get("sales_stockchange_change", StockChange.objects.get(sale=waiting).pk)

        assert "stock: 5 → 9" in page
        assert "stock: 3 → 4" not in page
        assert "stock: 5 → 9" in text_of(one)
        assert desk.post("sales_stockchange_add").status_code == 403

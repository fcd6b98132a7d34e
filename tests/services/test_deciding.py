"""What a person decides on a dead letter: tried again or ended, on record and in the ledger, once."""

import pytest

from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.entries import Entry, EntryState
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import DeadLetter, Incident, LedgerServer, Order, Sale, TrailEntry
from sales.services import comparing, deciding, fencing, reconciling
from sales.services.acting import Actor
from sales.services.lifecycle import Refused
from tests.conftest import EPOCH, MakeSale
from tests.management.keeper_time import Turns, clock, keeper, turns
from tests.management.test_sale_commands import refusal, run
from tests.selling import an_order, ask_for_unit, buy, drain, in_ledger, raw, write_event

__all__ = ["clock", "keeper", "turns"]
BY = Actor(who="operator")
pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(proven: LedgerServer, make_sale: MakeSale) -> DeadLetter:
    """The record refused u:1's purchase of number 1, because another order had that number; it has it no more."""
    sale = make_sale(slug="night", published=True, stock=3)
    Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
    other = an_order(sale, shopper="u:99", unit=1)
    buy(sale, "u:1", "u:2")
    drain(sale)
    other.delete()
    found: DeadLetter = DeadLetter.objects.select_related("sale").get()
    return found


def entry(sale: Sale, shopper: str = "u:1") -> Entry:
    return connection.run(ledger.find(sale=sale.pk, epoch=fencing.epoch(), shopper=shopper)).entries[0]


def differences(sale: Sale) -> list[str]:
    with Line() as line:
        return comparing.differences(line=line, sale=Sale.objects.get(pk=sale.pk))


class TestRetry:
    def test_makes_it_an_order(self, letter: DeadLetter) -> None:
        decided = deciding.retry(letter_pk=letter.pk, by=BY)

        sale = Sale.objects.get()
        order = Order.objects.get(shopper="u:1")
        assert decided.reached_ledger
        assert (order.unit, order.seq, sale.recorded) == (1, letter.seq, 2)
        assert entry(sale).state is EntryState.BOUGHT
        assert entry(sale).is_recorded(in_ledger(sale).recorded_seq)
        assert Incident.objects.get().ended_at
        assert TrailEntry.objects.get().act == "retry_letter"
        assert differences(sale) == []

    def test_says_why_the_record_refuses_it_again(self, letter: DeadLetter) -> None:
        an_order(letter.sale, shopper="u:99", unit=1)

        with pytest.raises(Refused, match=r"The record refuses it again: .*unit"):
            deciding.retry(letter_pk=letter.pk, by=BY)

        letter.refresh_from_db()
        assert (letter.ended_at, letter.decision, Sale.objects.get().recorded) == (None, "", 1)
        assert entry(letter.sale).state is EntryState.UNRECORDED

    def test_has_nothing_to_retry_in_what_is_no_purchase(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        write_event(sale, 2, what="nonsense")
        drain(sale)
        letter = DeadLetter.objects.get()

        with pytest.raises(Refused, match="is no purchase"):
            deciding.retry(letter_pk=letter.pk, by=BY)

        deciding.settle(letter_pk=letter.pk, by=BY, why="Somebody wrote into the stream.")
        assert DeadLetter.objects.get().ended_at


class TestSettle:
    def test_cancels_the_purchase_in_the_ledger_too(self, letter: DeadLetter) -> None:
        decided = deciding.settle(letter_pk=letter.pk, by=BY, why="She did not want it.")

        assert decided.reached_ledger
        assert entry(letter.sale).state is EntryState.CANCELLED
        assert in_ledger(letter.sale).left == 2
        again = ask_for_unit(letter.sale, "u:5")
        assert (again.outcome, again.entry and again.entry.unit) == (Outcome.BOUGHT, 1)
        drain(letter.sale)
        assert sorted(Order.objects.values_list("shopper", "unit")) == [("u:2", 2), ("u:5", 1)]
        assert differences(letter.sale) == []

    def test_is_no_way_to_sell_a_unit_that_is_on_record(self, letter: DeadLetter) -> None:
        an_order(letter.sale, shopper="u:99", unit=1, seq=2)
        Sale.objects.update(recorded=2)

        with pytest.raises(Refused, match="reconcile_sale night --repair first"):
            deciding.settle(letter_pk=letter.pk, by=BY, why="It is wrong.")

        with Line() as line:
            assert reconciling.reconcile(line=line, sale_pk=letter.sale_id, whole=True).ok
        deciding.settle(letter_pk=letter.pk, by=BY, why="It is wrong.")
        again = ask_for_unit(letter.sale, "u:5", epoch=fencing.epoch())
        assert (again.outcome, again.entry and again.entry.unit) == (Outcome.BOUGHT, 3)

    def test_needs_a_reason(self, letter: DeadLetter) -> None:
        with pytest.raises(Refused, match="Say why"):
            deciding.settle(letter_pk=letter.pk, by=BY, why=" ")


class TestEitherWay:
    def test_is_decided_once(self, letter: DeadLetter) -> None:
        deciding.retry(letter_pk=letter.pk, by=BY)

        with pytest.raises(Refused, match="is decided already"):
            deciding.settle(letter_pk=letter.pk, by=BY, why="Again.")
        with pytest.raises(Refused, match="There is no dead letter 0"):
            deciding.retry(letter_pk=0, by=BY)

    def test_is_told_by_the_keeper_where_the_ledger_was_away(
        self, letter: DeadLetter, turns: Turns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as away:
            away.setattr(deciding, "_tell", lambda *_, **__: Outcome.UNREACHABLE)
            decided = deciding.retry(letter_pk=letter.pk, by=BY)
        assert not decided.reached_ledger
        assert entry(letter.sale).state is EntryState.UNRECORDED

        turns()

        assert entry(letter.sale).state is EntryState.BOUGHT
        assert not DeadLetter.objects.get().ledger_asked

    def test_is_told_again_by_a_keeper_that_begins(self, letter: DeadLetter, turns: Turns) -> None:
        """The keeper before died between its commit and the mark: the ledger still calls the order recorded."""
        key, field = SaleKeys.of(letter.sale_id).shoppers, "u:1/1"
        raw().hset(key, field, b"b" + raw().hget(key, field)[1:])

        turns(0.1)

        assert entry(letter.sale).state is EntryState.UNRECORDED


class TestCommand:
    def test_lists_retries_and_lists_no_more(self, letter: DeadLetter) -> None:
        listed = run("dead_letters", "list")
        retried = run("dead_letters", "retry", str(letter.pk))

        assert "night" in listed
        assert "u:1" in listed
        assert retried.strip() == f"Dead letter {letter.pk} is an order now."
        assert run("dead_letters", "list").strip() == "There are no dead letters."
        assert '"decision": "retried"' in run("dead_letters", "list", "night", "--all", "--json")

    def test_settles(self, letter: DeadLetter) -> None:
        printed = run("dead_letters", "settle", str(letter.pk), "--why", "She did not want it.")

        assert printed.strip() == f"Dead letter {letter.pk} is ended."

    def test_refuses_in_a_sentence(self, letter: DeadLetter) -> None:
        deciding.retry(letter_pk=letter.pk, by=BY)

        assert refusal("dead_letters", "retry", str(letter.pk)).returncode == 1
        assert refusal("dead_letters", "list", "nobody").returncode == 2

"""What the record refuses: kept with the reason, told to the ledger, no harm to the rest."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from sales.domain.outcomes import Outcome
from sales.live import connection, ledger
from sales.live.entries import EntryState
from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.live.stream import Event
from sales.models import DeadLetter, Incident, LedgerServer, Order, Sale
from sales.services import dead_letters, recording
from tests.conftest import EPOCH, MakeSale
from tests.selling import an_event, an_order, buy, drain, in_ledger, raw, write_event


class TestRefusedByTheRecord:
    def refused(self, sale: Sale, *events: Event) -> recording.Recorded:
        return recording.record(sale_pk=sale.pk, after=0, events=[*events], epoch=None)

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"unit": 1}, "unit"),
            ({"shopper": "u:1"}, "shopper|slot"),
            ({"order_id": UUID(int=5)}, "order_id"),
            ({"unit": 0}, "order_numbers_from_one|unit"),
            ({"order_id": None}, "names no order"),
            ({"time_ms": 10**17}, "date|too large|range|seconds|days"),
        ],
        ids=["unit twice", "slot twice", "order id of another unit", "no unit", "no order id", "year 3 million"],
    )
    def test_becomes_a_dead_letter_and_the_rest_goes_on(
        self, proven: LedgerServer, make_sale: MakeSale, fields: dict[str, Any], reason: str
    ) -> None:
        sale = make_sale(stock=9)
        good, bad, after = an_event(1, order_id=UUID(int=5)), an_event(2, **fields), an_event(3)

        recorded = self.refused(sale, good, bad, after)

        sale.refresh_from_db()
        letter = DeadLetter.objects.get()
        assert (recorded.offset, recorded.orders, recorded.dead) == (3, 2, 1)
        assert (sale.stream_offset, sale.recorded) == (3, 2)
        assert sorted(Order.objects.values_list("seq", flat=True)) == [1, 3]
        assert letter.seq == 2
        assert letter.event["shopper"] == bad.shopper
        assert re.search(reason, letter.reason)
        incident = Incident.objects.get()
        assert (incident.sale, incident.kind, incident.ended_at) == (sale, "dead_letter", None)
        assert "event 2" in incident.text

    def test_more_orders_than_stock_cannot_be_stored(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stock=2)

        recorded = self.refused(sale, an_event(1), an_event(2), an_event(3))

        sale.refresh_from_db()
        assert (recorded.orders, recorded.dead, sale.recorded) == (2, 1, 2)

    def test_an_entry_that_is_no_event_becomes_a_dead_letter_too(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1")
        write_event(sale, 3, what="nonsense", nul="a\0b")

        recorded = drain(sale)

        letter = DeadLetter.objects.get()
        assert (recorded.offset, recorded.orders, recorded.dead) == (3, 1, 1)
        assert letter.event["fields"] == {"what": "nonsense", "nul": "a\\x00b"}
        assert "Event 3-0 cannot be read" in letter.reason

    def test_an_entry_between_two_events_is_said_and_not_counted(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(published=True)
        raw().xadd(SaleKeys.of(sale.pk).events, {"what": "nonsense"}, "1-5")
        buy(sale, "u:1")

        recorded = drain(sale)

        assert (recorded.offset, recorded.orders) == (2, 1)
        assert recorded.stranger == "The stream holds an entry behind event 1 that no script wrote."

    def test_the_ledger_is_told_so_that_nobody_hears_recorded(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        an_order(sale, shopper="u:99", unit=1)  # somebody else has number 1 on record
        buy(sale, "u:1", "u:2")

        recorded = drain(sale)

        assert (recorded.orders, recorded.dead) == (1, 1)
        found = connection.run(ledger.find(sale=sale.pk, epoch=EPOCH, shopper="u:1"))
        assert found.entries[0].state is EntryState.UNRECORDED
        assert not found.entries[0].is_recorded(found.recorded_seq)
        other = connection.run(ledger.find(sale=sale.pk, epoch=EPOCH, shopper="u:2"))
        assert other.entries[0].is_recorded(other.recorded_seq)


class TestMark:
    def test_repeats_every_open_dead_letter(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2")
        with Line() as line:
            first, second = line.read_events({sale.pk: 1}, count=9)[sale.pk]
        assert isinstance(first, Event)
        assert isinstance(second, Event)
        for event in (first, second):
            dead_letters.bury(sale=sale, event=event, reason="It was refused.")
        DeadLetter.objects.filter(seq=3).update(ended_at=datetime.now(UTC))

        assert recording.mark(sale_pk=sale.pk, epoch=EPOCH, offset=3) is Outcome.DONE

        states = [
            connection.run(ledger.find(sale=sale.pk, epoch=EPOCH, shopper=shopper)).entries[0].state
            for shopper in ("u:1", "u:2")
        ]
        assert states == [EntryState.UNRECORDED, EntryState.BOUGHT]

    def test_never_lowers_the_number(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(published=True)
        buy(sale, "u:1", "u:2")
        recording.mark(sale_pk=sale.pk, epoch=EPOCH, offset=3)

        assert recording.mark(sale_pk=sale.pk, epoch=EPOCH, offset=2) is Outcome.SAME

        assert in_ledger(sale).recorded_seq == 3

    def test_does_not_make_a_lost_ledger_look_present(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()

        assert recording.mark(sale_pk=sale.pk, epoch=EPOCH, offset=2) is Outcome.NO_LEDGER

        assert not raw().exists(SaleKeys.of(sale.pk).meta)

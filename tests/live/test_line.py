"""The keeper's own connection: it breaks for good, loads scripts, and reads the stream as it is."""

from uuid import uuid4

import pytest

from sales.domain.outcomes import Outcome
from sales.live import embedded, ledger
from sales.live.line import LedgerRefused, LedgerUnavailable, Line, Unreadable
from sales.live.stream import Event, EventKind
from tests.conftest import Servers
from tests.live.conftest import MakeLiveSale


class TestALine:
    def test_cannot_be_opened_to_a_server_that_is_away(self, own_servers: Servers) -> None:
        own_servers.ledger.kill()

        with pytest.raises(LedgerUnavailable):
            Line()

    def test_stays_broken_when_the_server_comes_back(self, own_servers: Servers) -> None:
        with Line() as line:
            line.run_id()
            own_servers.ledger.kill()
            with pytest.raises(LedgerUnavailable):
                line.run_id()

            with embedded.start(server=own_servers.ledger.server), pytest.raises(LedgerUnavailable):
                line.run_id()

    def test_tells_one_run_of_the_server_from_the_next(self, own_servers: Servers) -> None:
        with Line() as line:
            before = line.run_id()
        own_servers.ledger.kill()

        with embedded.start(server=own_servers.ledger.server), Line() as line:
            assert line.run_id() != before

    def test_loads_the_scripts_that_a_new_run_lacks(self, own_servers: Servers) -> None:
        with Line() as line:
            assert not line.has_scripts()

            line.load_scripts()

            assert line.has_scripts()

    def test_reads_settings_back(self, own_servers: Servers) -> None:
        with Line() as line:
            assert line.settings("appendfsync", "maxmemory-policy") == {
                "appendfsync": "always",
                "maxmemory-policy": "noeviction",
            }
            assert line.role() == "master"

    def test_runs_a_script_that_is_not_loaded(self, own_servers: Servers, key_prefix: str) -> None:
        with Line() as line:
            assert line.run(ledger.snapshot(sale=1, epoch=None)).outcome is Outcome.NO_LEDGER
            assert not line.has_scripts()


class TestReadingEvents:
    def test_follows_the_offset_of_each_sale(self, live_sale: MakeLiveSale) -> None:
        one, other = live_sale(), live_sale()
        taken = one.buy("u:1", key="morning")
        assert taken.entry

        with Line() as line:
            events = line.read_events({one.pk: 1, other.pk: 1}, count=10)

        assert events == {
            one.pk: [
                Event(
                    seq=2,
                    epoch=one.epoch,
                    what=EventKind.BOUGHT,
                    unit=1,
                    shopper="u:1",
                    slot=1,
                    order_id=taken.entry.order_id,
                    key_digest="morning____",
                    time_ms=taken.now_ms,
                    taken_ms=taken.now_ms,
                )
            ]
        }

    def test_says_when_a_unit_that_was_held_was_taken(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(hold_ms=60_000)
        held = sale.buy("u:1")
        assert held.entry
        sale.wait_past(held.now_ms)
        bought = sale.confirm("u:1", held.entry.order_id)

        with Line() as line:
            [event] = line.read_events({sale.pk: 2}, count=10)[sale.pk]

        assert isinstance(event, Event)
        assert (event.taken_ms, event.time_ms) == (held.now_ms, bought.now_ms)

    def test_waits_for_the_first_one_no_longer_than_told(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        with Line() as line:
            assert line.read_events({sale.pk: 1}, count=10, wait_ms=20) == {}

    def test_reads_no_sales_where_there_are_none(self, live: Servers) -> None:
        with Line() as line:
            assert line.read_events({}, count=10, wait_ms=5_000) == {}

    @pytest.mark.parametrize(
        "fields",
        [
            {"what": "bought"},
            {"what": "stolen", "epoch": 1, "unit": 1, "shopper": "u:1", "slot": 1, "order": "", "key": "", "time": 1},
            {
                "what": "bought",
                "epoch": 1,
                "unit": "one",
                "shopper": "u:1",
                "slot": 1,
                "order": "",
                "key": "",
                "time": 1,
            },
        ],
    )
    def test_hands_over_what_it_cannot_read(self, live_sale: MakeLiveSale, fields: dict[str, str | int]) -> None:
        sale = live_sale()
        sale.redis.xadd(sale.keys.events, fields, id="2-0")

        with Line() as line:
            [found] = line.read_events({sale.pk: 1}, count=10)[sale.pk]

        assert isinstance(found, Unreadable)
        assert (found.seq, found.fields["what"]) == (2, fields["what"])

    def test_says_when_a_key_is_no_stream(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.redis.delete(sale.keys.events)
        sale.redis.set(sale.keys.events, uuid4().hex)

        with Line() as line:
            with pytest.raises(LedgerRefused):
                line.read_events({sale.pk: 1}, count=10)
            assert line.role() == "master"

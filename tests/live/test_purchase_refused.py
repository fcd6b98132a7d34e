"""The purchase script on a real server: what a refusal leaves behind, and what it makes of an unsound ledger."""

import pytest

from sales.domain.outcomes import Outcome
from tests.live.conftest import LiveSale, MakeLiveSale


class TestASlotOutOfLine:
    def test_is_refused(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(limit=3)

        assert sale.buy("u:1", slot=2).outcome is Outcome.UNKNOWN_SLOT


class TestARefusal:
    @pytest.mark.parametrize(
        ("numbers", "outcome"),
        [
            ({"opens_ms": 9_999_999_999_999}, Outcome.UPCOMING),
            ({"closes_ms": 1}, Outcome.ENDED),
            ({"stock": 1}, Outcome.SOLD_OUT),
            ({"epoch": 9}, Outcome.STALE_EPOCH),
        ],
    )
    def test_writes_nothing(self, live_sale: MakeLiveSale, numbers: dict[str, int], outcome: Outcome) -> None:
        sale = live_sale()
        sale.buy("u:1")
        sale.move(**numbers)
        before = sale.dump()

        assert sale.buy("u:2", key="morning").outcome is outcome

        assert sale.dump() == before


class TestAnUnsoundLedger:
    def test_is_said_to_be_missing(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.redis.delete(*sale.keys.named("meta", "shoppers", "events"))

        assert sale.buy("u:1").outcome is Outcome.NO_LEDGER

    @pytest.mark.parametrize("key", ["meta", "shoppers", "returned", "deadlines", "events"])
    def test_is_said_to_be_corrupt_where_a_key_has_the_wrong_type(self, live_sale: MakeLiveSale, key: str) -> None:
        sale = live_sale()
        sale.buy("u:1")
        name = getattr(sale.keys, key)
        sale.redis.delete(name)
        sale.redis.set(name, "something else")
        before = sale.dump()

        assert sale.buy("u:2").outcome is Outcome.CORRUPT
        assert sale.dump() == before

    @pytest.mark.parametrize("key", ["shoppers", "returned", "deadlines", "events"])
    def test_is_said_to_be_corrupt_where_a_key_vanished(self, live_sale: MakeLiveSale, key: str) -> None:
        sale = live_sale(stock=9, hold_ms=60_000, limit=2)
        held = sale.buy("u:1", key="morning")
        assert held.entry
        sale.release("u:1", held.entry.order_id)
        sale.buy("u:2")
        sale.buy("u:3")
        sale.redis.zrem(sale.keys.returned, 1)
        sale.redis.zadd(sale.keys.returned, {"1": 1, "7": 7})
        sale.move(next_unit=sale.snapshot().next_unit + 1)
        sale.redis.delete(getattr(sale.keys, key))

        assert sale.buy("u:4").outcome is Outcome.CORRUPT

    def test_is_said_to_be_corrupt_where_keys_were_forgotten(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(limit=2)
        sale.buy("u:1", key="morning")
        sale.redis.delete(sale.keys.keys)

        assert sale.buy("u:1", key="morning").outcome is Outcome.CORRUPT

    @pytest.mark.parametrize(
        "field", ["stock", "sold", "held", "next_unit", "opens_ms", "closes_ms", "limit", "clock_ms"]
    )
    def test_is_said_to_be_corrupt_where_a_number_is_missing(self, live_sale: MakeLiveSale, field: str) -> None:
        sale = live_sale()
        sale.redis.hdel(sale.keys.meta, field)

        assert sale.buy("u:1").outcome is Outcome.CORRUPT

    def test_does_not_sell_twice_when_the_stream_ran_ahead(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        sale.redis.xadd(sale.keys.events, {"what": "bought"}, id="7-0")
        before = sale.dump()

        assert sale.buy("u:1").outcome is Outcome.CORRUPT
        assert sale.dump() == before


class TestTheClock:
    def test_never_goes_back(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        ahead = sale.now_ms() + 3_000
        sale.move(clock_ms=ahead)

        taken = sale.buy("u:1")

        assert taken.now_ms == ahead

    def test_is_stored_with_what_it_decided(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()

        taken = sale.buy("u:1")

        assert int(sale.redis.hget(sale.keys.meta, "clock_ms")) == taken.now_ms


class TestAnotherSale:
    def test_is_not_touched(self, live_sale: MakeLiveSale) -> None:
        one, other = live_sale(), live_sale()
        before = other.dump()

        one.buy("u:1", key="morning")

        assert other.dump() == before

    def test_has_keys_of_its_own(self, live_sale: MakeLiveSale) -> None:
        one, other = live_sale(), live_sale()
        one.buy("u:1", key="morning")

        assert other.buy("u:2", key="morning").outcome is Outcome.BOUGHT


def test_a_live_sale_names_people_as_they_are(live_sale: MakeLiveSale) -> None:
    sale: LiveSale = live_sale()

    taken = sale.buy("x:shop/one:Zoë/7 🜁")

    assert taken.outcome is Outcome.BOUGHT
    assert sale.find("x:shop/one:Zoë/7 🜁").entries == (taken.entry,)

"""Several purchases, or payments, in one run of a script: as if they were asked one after the other."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django_redis import get_redis_connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sales.domain.outcomes import Outcome
from sales.domain.rates import Rate
from sales.live import connection, keys, ledger, limiter
from sales.live.calls import Call
from sales.live.limiter import Allowance, Bucket
from sales.live.results import Taken
from tests.conftest import Servers
from tests.live.conftest import LiveSale, MakeLiveSale
from tests.together import run_together

EXAMPLES = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


WINDOWS = {"a": 60, "b": 150, "c": 240, "d": 330}
"""Seconds, so far apart that no slowness of the machine changes which one ends last."""


def purchase(sale: LiveSale, shopper: str, *, slot: int = 0, order: int = 0, key: str = "") -> Call[Taken]:
    return ledger.purchase(
        sale=sale.pk,
        epoch=sale.epoch,
        shopper=shopper,
        slot=slot,
        order_id=UUID(int=order) if order else uuid4(),
        key_digest=key and f"{key:_<11}"[:11],
    )


def contents(sale: LiveSale) -> list[Any]:
    """All that is stored for the sale; hashes by what they hold, since their order says nothing."""
    hashes = [sale.redis.hgetall(name) for name in sale.keys.named("meta", "shoppers", "keys")]
    return [
        *hashes,
        sale.redis.zrange(sale.keys.returned, 0, -1, withscores=True),
        sale.redis.zrange(sale.keys.deadlines, 0, -1, withscores=True),
        sale.redis.xrange(sale.keys.events),
    ]


asked = st.lists(
    st.tuples(
        st.sampled_from(["u:1", "u:2", "u:3", "x:shop/a:4"]),
        st.sampled_from([0, 0, 1, 2, 3]),
        st.integers(1, 40),
        st.sampled_from(["", "", "first", "second"]),
    ),
    min_size=1,
    max_size=12,
)


class TestPurchasesTogether:
    @EXAMPLES
    @given(
        rounds=st.lists(asked, min_size=1, max_size=4),
        terms=st.fixed_dictionaries(
            {"stock": st.integers(1, 6), "limit": st.integers(1, 3), "hold_ms": st.sampled_from([0, 10])}
        ),
        let_go=st.booleans(),
    )
    def test_are_as_many_one_after_the_other(
        self, live_sale: MakeLiveSale, rounds: list[Any], terms: dict[str, int], let_go: bool
    ) -> None:
        """A copy of the sale is asked one by one. Its clock is set ahead, so that both stand at the same instant."""
        sales = [live_sale(**terms) for _ in range(2)]
        now_ms = sales[0].now_ms() + 600_000
        for sale in sales:
            sale.move(opens_ms=now_ms - 1, closes_ms=now_ms + 1_000)
            sale.redis.xtrim(sale.keys.events, maxlen=0)  # when it was published differs
        for number, purchases in enumerate(rounds):
            for sale in sales:
                sale.move(clock_ms=now_ms + number * 7)
            one, other = (
                [purchase(sale, who, slot=slot, order=order, key=key) for who, slot, order, key in purchases]
                for sale in sales
            )
            taken = [connection.run(call) for call in one]
            assert run_together(other) == taken
            for sale in sales:
                if let_go and taken[0].outcome is Outcome.HELD and taken[0].entry:
                    sale.release(purchases[0][0], taken[0].entry.order_id)

            assert contents(sales[1]) == contents(sales[0])

    def test_sell_each_unit_once_until_it_is_sold_out(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=3)

        taken = run_together([purchase(sale, f"u:{number}") for number in range(5)])

        assert [each.outcome for each in taken] == [Outcome.BOUGHT] * 3 + [Outcome.SOLD_OUT] * 2
        assert [each.left for each in taken] == [2, 1, 0, 0, 0]
        assert [each.entry.unit for each in taken if each.entry] == [1, 2, 3]
        assert taken[4].moment_ms == taken[2].now_ms

    def test_know_what_the_same_shopper_took_before(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9, limit=2)

        first, retry, second, third = run_together(
            [purchase(sale, "u:1", order=number) for number in (1, 1, 2, 3)],
        )

        assert (first.outcome, second.outcome, third.outcome) == (Outcome.BOUGHT, Outcome.BOUGHT, Outcome.ALREADY)
        assert retry.entry == first.entry
        assert third.entry == second.entry

    def test_know_a_key_that_was_used_before(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9, limit=2)

        first, same, other = run_together(
            [purchase(sale, "u:1", key="a"), purchase(sale, "u:1", key="a"), purchase(sale, "u:2", key="a")]
        )

        assert (first.outcome, same.outcome, other.outcome) == (Outcome.BOUGHT, Outcome.BOUGHT, Outcome.KEY_TAKEN)
        assert same.entry == first.entry
        assert sale.snapshot().sound

    def test_take_over_each_hold_once(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=2, hold_ms=50)
        last = run_together([purchase(sale, "u:1"), purchase(sale, "u:2")])[1]
        sale.move(clock_ms=last.now_ms + 100)

        taken = run_together([purchase(sale, who) for who in ("u:3", "u:1", "u:2")])

        assert [each.outcome for each in taken] == [Outcome.HELD, Outcome.HELD, Outcome.SOLD_OUT]
        assert sale.snapshot().sound

    def test_are_answered_each_where_the_sale_is_of_another_epoch(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale()
        calls = [purchase(sale, "u:1"), purchase(sale, "u:2")]
        sale.move(epoch=9)

        assert [each.outcome for each in run_together(calls)] == [Outcome.STALE_EPOCH] * 2


class TestPurchasesTogetherInAnUnsoundLedger:
    @pytest.mark.parametrize("key", ["meta", "shoppers", "returned", "deadlines", "events"])
    def test_change_nothing_where_a_key_has_the_wrong_type(self, live_sale: MakeLiveSale, key: str) -> None:
        sale = live_sale(stock=9)
        sale.buy("u:1")
        name = getattr(sale.keys, key)
        sale.redis.delete(name)
        sale.redis.set(name, "something else")
        before = sale.dump()

        taken = run_together([purchase(sale, f"u:{number}", key="morning") for number in range(2, 6)])

        assert [each.outcome for each in taken] == [Outcome.CORRUPT] * 4
        assert sale.dump() == before

    def test_change_nothing_where_the_stream_ran_ahead(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9)
        sale.redis.xadd(sale.keys.events, {"what": "bought"}, id="7-0")
        before = sale.dump()

        taken = run_together([purchase(sale, f"u:{number}") for number in range(3)])

        assert [each.outcome for each in taken] == [Outcome.CORRUPT] * 3
        assert sale.dump() == before

    def test_are_corrupt_alone_where_one_entry_is_no_entry(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=9)
        sale.redis.hset(sale.keys.shoppers, "u:2/1", "no entry")

        taken = run_together([purchase(sale, f"u:{number}") for number in (1, 2, 3)])

        assert [each.outcome for each in taken] == [Outcome.BOUGHT, Outcome.CORRUPT, Outcome.BOUGHT]
        assert (sale.snapshot().sound, sale.snapshot().sold) == (True, 2)

    def test_count_what_was_written_before_one_that_is_corrupt(self, live_sale: MakeLiveSale) -> None:
        sale = live_sale(stock=2, hold_ms=50)
        held = sale.buy("u:1")
        sale.redis.hset(sale.keys.shoppers, "u:1/1", "no entry")
        sale.move(clock_ms=held.now_ms + 100)

        taken = run_together([purchase(sale, f"u:{number}") for number in (2, 3)])

        assert [each.outcome for each in taken] == [Outcome.HELD, Outcome.CORRUPT]
        snapshot = sale.snapshot()
        assert (snapshot.sound, snapshot.held + snapshot.due, snapshot.seq) == (True, 2, snapshot.last_seq)
        assert len(sale.find("u:2").open_holds) == 1


class TestPaymentsTogether:
    @EXAMPLES
    @given(
        payments=st.lists(
            st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5)), min_size=1, max_size=3),
            min_size=1,
            max_size=12,
        ),
        paid=st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)),
    )
    def test_are_as_many_one_after_the_other(self, live: Servers, payments: list[Any], paid: dict[str, int]) -> None:
        stem = uuid4().hex

        def spend(where: str) -> list[Call[Allowance]]:
            return [
                limiter.spend([Bucket(stem + where + name, Rate(count, WINDOWS[name])) for name, count in payment])
                for payment in payments
            ]

        cache: Any = get_redis_connection("default")
        for where in "12":
            for name, count in paid.items():
                cache.set(keys.bucket(stem + where + name), count, px=WINDOWS[name] * 500)
        alone = [connection.run(call) for call in spend("1")]
        together = run_together(spend("2"))

        assert [plain(each, stem) for each in together] == [plain(each, stem) for each in alone]
        assert all(abs(one.reset_ms - other.reset_ms) < 10_000 for one, other in zip(alone, together, strict=True))
        for name in "abcd":
            one, other = (keys.bucket(stem + where + name) for where in "12")
            assert cache.get(one) == cache.get(other)
            assert abs(cache.pttl(one) - cache.pttl(other)) < 10_000

    def test_leave_a_counter_its_end(self, live: Servers) -> None:
        cache: Any = get_redis_connection("default")
        call = limiter.spend([Bucket("known", Rate(count=9, seconds=60))])
        cache.set(call.keys[0], 1, px=30_000)

        spent = run_together([call, call])

        assert [each.remaining for each in spent] == [7, 6]
        assert all(0 < each.reset_ms <= 30_000 for each in spent)
        assert 0 < cache.pttl(call.keys[0]) <= 30_000


def plain(allowance: Allowance, stem: str) -> tuple[bool | None, str, int]:
    assert allowance.bucket
    return allowance.allowed, allowance.bucket.name.removeprefix(stem)[1:], allowance.remaining

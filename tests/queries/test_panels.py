"""What the public stub says, and when two of them are the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sales.domain import polling
from sales.domain.outcomes import UNDECIDED, Outcome
from sales.domain.states import LedgerState, SaleState
from sales.live.results import Snapshot
from sales.queries import panels
from sales.queries.catalogue import SaleEntry

NOW = datetime(2026, 11, 22, 17, 17, 32, tzinfo=UTC)
SALE = SaleEntry(
    pk=7,
    slug="night-ferry",
    state=SaleState.PUBLISHED,
    name="Night Ferry",
    subtitle="",
    price=Decimal(48),
    currency="EUR",
    stock=100,
    limit=1,
    opens_at=NOW - timedelta(minutes=17),
    closes_at=NOW + timedelta(minutes=43),
    time_zone="Europe/Berlin",
    hold_seconds=0,
    hold_extension_seconds=0,
    cancelled_counts=False,
    recorded=0,
)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def snapshot(**changed: Any) -> Snapshot:
    values = {
        "outcome": Outcome.FOUND,
        "now_ms": ms(NOW),
        "stock": 100,
        "sold": 58,
        "held": 5,
        "opens_ms": ms(SALE.opens_at),
        "closes_ms": ms(SALE.closes_at),
    }
    return Snapshot(**{**values, **changed})


def panel(sale: SaleEntry = SALE, chance: float = 0.5, **changed: Any) -> panels.Panel:
    return panels.of(sale, snapshot(**changed), chance=chance, now=NOW)


class TestAPanel:
    def test_shows_times_in_the_zone_of_the_sale(self):
        made = panel()

        assert f"{made.as_of:%H:%M:%S %Z}" == "18:17:32 CET"
        assert f"{made.closes_at:%H:%M}" == "19:00"
        assert made.ends_in_minutes == 43

    def test_says_how_fast_it_went_only_where_that_is_known(self):
        assert panel(sold=100, held=0, sold_out_ms=ms(SALE.opens_at) + 192_401).went_in_seconds == 192
        assert panel(sold=100, held=0, sold_out_ms=0).went_in_seconds is None
        assert panel(sold=58, held=0, sold_out_ms=ms(SALE.opens_at) + 192_401).went_in_seconds is None

    def test_ends_with_the_end_or_when_the_shop_closes_it(self):
        assert panel(now_ms=ms(SALE.closes_at)).delay_ms is None
        assert panel(state=LedgerState.CLOSED).state == "ended"
        assert panel(state=LedgerState.CLOSED).closed_early


class TestWithoutNumbers:
    @pytest.mark.parametrize("outcome", sorted(UNDECIDED))
    def test_is_degraded_while_the_window_is_open_and_asks_again(self, outcome):
        made = panel(outcome=outcome)

        assert (made.state, made.look, made.stock, made.step) == ("degraded", "live", None, polling.DEGRADED)

    def test_is_never_sold_out(self):
        assert {panel(outcome=outcome).state for outcome in UNDECIDED} == {"degraded"}

    def test_still_counts_down_and_is_over_by_the_record(self):
        coming = replace(SALE, opens_at=NOW + timedelta(minutes=5))
        over = replace(SALE, closes_at=NOW - timedelta(seconds=1))

        assert panel(coming, outcome=Outcome.UNREACHABLE).state == "near"
        assert panel(over, outcome=Outcome.UNREACHABLE).state == "ended"


class TestTheFingerprint:
    def test_is_the_same_a_second_later_with_another_delay(self):
        assert panel().fingerprint() == panel(chance=0.9, now_ms=ms(NOW) + 1_000).fingerprint()

    @pytest.mark.parametrize(
        "changed",
        [
            {"sold": 59},
            {"held": 6},
            {"state": LedgerState.PAUSED},
            {"now_ms": ms(NOW) + 60_000},  # "in 42 minutes"
            {"closes_ms": ms(SALE.closes_at) + 60_000},
            {"outcome": Outcome.UNREACHABLE},
        ],
    )
    def test_is_another_once_something_is_said_differently(self, changed):
        assert panel().fingerprint() != panel(**changed).fingerprint()

    def test_is_another_in_another_step_of_the_delay(self):
        coming = replace(SALE, opens_at=NOW + timedelta(minutes=5))
        opens_ms = ms(coming.opens_at)
        steps = {
            panel(coming, opens_ms=opens_ms, now_ms=opens_ms - before).fingerprint()
            for before in (1_000_000, 300_000, 60_000, 20_000)
        }

        assert len(steps) == 4

    def test_is_another_in_another_language_and_after_a_deploy(self):
        assert len({panel().fingerprint(*salt) for salt in ((), ("en",), ("de",), ("en", "x"))}) == 4

"""What a pass is worth once its web session has ended, through lane and Django alike."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from sales.live import ledger
from sales.models import Account, Sale
from sales.queries import ended_sessions
from tests.lane.both import Got, Sent, through_django, through_lane
from tests.lane.conftest import MakeTwin, Shopper

Through = Callable[[Sent], Got]


@pytest.fixture
def sale(make_twin: MakeTwin) -> Sale:
    return make_twin("twin-a", "live")


@pytest.fixture(params=[through_django, through_lane], ids=["django", "lane"])
def through(request: Any) -> Through:
    way: Through = request.param
    return way


def click(sale: Sale, shopper: Shopper, written: str) -> Sent:
    return Sent(
        method="POST",
        target=f"/sales/{sale.slug}/buy",
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "cookie": shopper.cookie,
            "hx-request": "true",
        },
        body=urlencode({"pass": written}).encode(),
    )


def sign_out(shopper: Shopper) -> None:
    client = Client()
    client.cookies["sessionid"] = shopper.session_key
    assert client.post("/accounts/logout/").status_code == 302
    assert not Session.objects.filter(session_key=shopper.session_key).exists()


def switch_off(shopper: Shopper) -> None:
    shopper.account.is_active = False
    shopper.account.save()


def change_password(shopper: Shopper) -> None:
    shopper.account.set_password("another long password")
    shopper.account.save(update_fields=["password"])


class TestAPass:
    @pytest.mark.parametrize("end", [sign_out, switch_off, change_password])
    def test_dies_with_its_web_session(
        self, sale: Sale, early_shopper: Shopper, through: Through, end: Callable[[Shopper], None]
    ) -> None:
        written = early_shopper.pass_for(sale)
        end(early_shopper)

        got = through(click(sale, early_shopper, written))

        assert got.status == 403
        assert "You signed out or in meanwhile" in got.text

    def test_lives_while_nothing_of_that_happens(self, sale: Sale, early_shopper: Shopper, through: Through) -> None:
        written = early_shopper.pass_for(sale)
        Account.objects.get(pk=early_shopper.account.pk).save()

        assert through(click(sale, early_shopper, written)).status == 200

    def test_of_somebody_else_lives_on(
        self, sale: Sale, early_shopper: Shopper, late_shopper: Shopper, through: Through
    ) -> None:
        written = late_shopper.pass_for(sale)
        switch_off(early_shopper)

        assert through(click(sale, late_shopper, written)).status == 200

    def test_gets_the_same_unit_when_it_is_sent_again(
        self, sale: Sale, early_shopper: Shopper, through: Through
    ) -> None:
        sent = click(sale, early_shopper, early_shopper.pass_for(sale))

        first, again = through(sent), through(sent)

        assert (first.status, again.status) == (200, 200)
        assert "number 1 of 3" in first.text
        assert "number 1 of 3" in again.text

    def test_is_good_while_its_key_is_still_trusted(
        self, sale: Sale, early_shopper: Shopper, through: Through, settings: Any
    ) -> None:
        sent = click(sale, early_shopper, early_shopper.pass_for(sale))
        former, settings.SECRET_KEY = settings.SECRET_KEY, "a new key of this site, long enough for anybody"

        settings.SECRET_KEY_FALLBACKS = []
        refused = through(sent)
        settings.SECRET_KEY_FALLBACKS = [former]
        taken = through(sent)

        assert (refused.status, taken.status) == (403, 200)

    def test_would_outlive_its_session_if_nobody_read_the_list(
        self, sale: Sale, early_shopper: Shopper, through: Through, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The broken twin: the list is what ends it, and nothing else."""
        sent = click(sale, early_shopper, early_shopper.pass_for(sale))
        sign_out(early_shopper)
        monkeypatch.setattr(ended_sessions.EndedSessions, "has", lambda *_, **__: False)

        assert through(sent).status == 200

    def test_holds_for_a_second_at_most_once_its_session_ended(
        self, sale: Sale, early_shopper: Shopper, settings: Any
    ) -> None:
        settings.SALES = replace(settings.SALES, catalogue_max_age_ms=1_000)
        ended_sessions.current()
        early, later = early_shopper.pass_for(sale), early_shopper.pass_for(sale, slot=1)
        sign_out(early_shopper)

        at_once = through_lane(click(sale, early_shopper, early))
        ended_sessions._copy._kept = replace(ended_sessions._copy._kept, began_at=0.0)  # type: ignore[type-var]
        afterwards = through_lane(click(sale, early_shopper, later))

        assert (at_once.status, afterwards.status) == (200, 403)


class TestAPurchaseWithAPass:
    @pytest.mark.parametrize(("state", "finds"), [("live", 0), ("two_each", 1)])
    def test_asks_for_more_only_where_more_may_be_had(
        self,
        make_twin: MakeTwin,
        early_shopper: Shopper,
        state: str,
        finds: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        sale = make_twin("twin-a", state)
        found: list[str] = []
        find = ledger.find

        def counted(**asked: Any) -> Any:
            found.append(asked["shopper"])
            return find(**asked)

        monkeypatch.setattr(ledger, "find", counted)

        written = early_shopper.pass_for(sale)

        got = through_lane(click(sale, early_shopper, written))

        assert (got.status, len(found)) == (200, finds)
        assert (written in got.text) == (not finds)  # else there is one for the next unit

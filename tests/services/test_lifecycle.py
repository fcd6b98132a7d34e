"""Publish, pause, resume, close: on record first, in the ledger after, refused in sentences."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sales.domain.outcomes import Outcome
from sales.domain.states import FOLLOWERS, LedgerState, SaleState
from sales.live import connection, ledger
from sales.live.results import Snapshot
from sales.models import Account, LedgerServer, Sale, TrailEntry
from sales.services import acting, following, lifecycle
from sales.services.acting import Actor
from tests.conftest import MakeSale, Servers

SELLER = Actor(who="seller@example.com")


def in_ledger(sale: Sale, *, epoch: int = 1) -> Snapshot:
    return connection.run(ledger.snapshot(sale=sale.pk, epoch=epoch))


def buy(sale: Sale, shopper: str = "u:1") -> Outcome:
    return connection.run(ledger.purchase(sale=sale.pk, epoch=1, shopper=shopper, order_id=uuid4())).outcome


class TestPublish:
    def test_puts_the_sale_on_record_and_into_the_ledger(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(stock=7, limit=2, hold_seconds=60, hold_extension_seconds=30)

        act = lifecycle.publish(sale_pk=sale.pk, by=SELLER)

        assert act.reached_ledger
        assert (act.sale.state, act.sale.state_number, act.sale.ledger_epoch) == (SaleState.PUBLISHED, 1, 1)
        assert act.sale.published_at is not None
        seen = in_ledger(sale)
        assert (seen.stock, seen.limit, seen.hold_ms, seen.hold_extension_ms) == (7, 2, 60_000, 30_000)
        assert (seen.state, seen.state_number) == (LedgerState.OPEN, 1)
        assert seen.opens_ms == following.in_ms(sale.opens_at)
        assert seen.closes_ms == following.in_ms(sale.closes_at)

    def test_writes_who_did_it_when_and_why_into_the_trail(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        seller = Account.objects.create_user("seller@example.com", "secret")
        sale = make_sale()

        lifecycle.publish(sale_pk=sale.pk, by=Actor(who=seller.email, account_pk=seller.pk), why=" It is time. ")

        entry = TrailEntry.objects.get()
        assert (entry.sale, entry.account, entry.who) == (sale, seller, "seller@example.com")
        assert (entry.act, entry.why) == ("publish", "It is time.")
        assert entry.before == {"state": "draft", "state_number": 0}
        assert entry.after == {"state": "published", "state_number": 1}

    def test_refuses_a_sale_that_would_be_over(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(opens_in=-7_200, closes_in=-3_600)

        with pytest.raises(lifecycle.Refused, match="would be over before it is published"):
            lifecycle.publish(sale_pk=sale.pk, by=SELLER)

        sale.refresh_from_db()
        assert sale.state == SaleState.DRAFT
        assert not TrailEntry.objects.exists()
        assert in_ledger(sale).outcome is Outcome.NO_LEDGER

    def test_refuses_a_draft_with_mistakes_that_no_form_has_seen(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(time_zone="Europe/Atlantis")

        with pytest.raises(lifecycle.Refused, match="This is not a time zone"):
            lifecycle.publish(sale_pk=sale.pk, by=SELLER)

    def test_refuses_a_product_with_mistakes(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        type(sale.product).objects.update(currency="XXQ")

        with pytest.raises(lifecycle.Refused, match="This is not a currency"):
            lifecycle.publish(sale_pk=sale.pk, by=SELLER)

    def test_refuses_a_reason_of_a_thousand_characters(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        with pytest.raises(lifecycle.Refused, match="at most 500 characters"):
            lifecycle.publish(sale_pk=make_sale().pk, by=SELLER, why="x" * 1_000)

    def test_stands_on_record_where_no_ledger_was_ever_proven(self, live: Servers, make_sale: MakeSale) -> None:
        act = lifecycle.publish(sale_pk=make_sale().pk, by=SELLER)

        assert not act.reached_ledger
        assert (act.sale.state, act.sale.ledger_epoch) == (SaleState.PUBLISHED, 0)

    def test_stands_on_record_while_the_ledger_is_away(
        self, own_servers: Servers, key_prefix: str, make_sale: MakeSale
    ) -> None:
        LedgerServer.objects.create(name=LedgerServer.THE_LEDGER, run_id="x", epoch=1, proven_at=timezone.now())
        own_servers.ledger.kill()

        act = lifecycle.publish(sale_pk=make_sale().pk, by=SELLER)

        assert not act.reached_ledger
        assert act.sale.state == SaleState.PUBLISHED

    @pytest.mark.django_db(transaction=True)
    def test_is_not_to_be_part_of_another_transaction(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()

        with pytest.raises(RuntimeError), transaction.atomic():
            lifecycle.publish(sale_pk=sale.pk, by=SELLER)

        assert in_ledger(sale).outcome is Outcome.NO_LEDGER


class TestPauseAndResume:
    def test_stops_selling_and_sells_on(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        lifecycle.publish(sale_pk=sale.pk, by=SELLER)

        paused = lifecycle.pause(sale_pk=sale.pk, by=SELLER, why="The picture is wrong.")
        refused = buy(sale)
        resumed = lifecycle.resume(sale_pk=sale.pk, by=SELLER)
        bought = buy(sale)

        assert paused.reached_ledger
        assert resumed.reached_ledger
        assert (refused, bought) == (Outcome.PAUSED, Outcome.BOUGHT)
        assert resumed.sale.state_number == 3
        assert list(TrailEntry.objects.order_by("pk").values_list("act", flat=True)) == ["publish", "pause", "resume"]

    def test_publishing_moment_stays(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        published = lifecycle.publish(sale_pk=sale.pk, by=SELLER).sale

        lifecycle.pause(sale_pk=sale.pk, by=SELLER)
        resumed = lifecycle.resume(sale_pk=sale.pk, by=SELLER).sale

        assert resumed.published_at == published.published_at


class TestClose:
    @pytest.mark.parametrize("paused", [False, True])
    def test_ends_the_sale_for_good(self, proven: LedgerServer, make_sale: MakeSale, *, paused: bool) -> None:
        sale = make_sale()
        lifecycle.publish(sale_pk=sale.pk, by=SELLER)
        if paused:
            lifecycle.pause(sale_pk=sale.pk, by=SELLER)

        closed = lifecycle.close(sale_pk=sale.pk, by=SELLER).sale

        assert (closed.state, closed.closed_at is not None) == (SaleState.CLOSED, True)
        assert in_ledger(sale).state is LedgerState.CLOSED
        assert buy(sale) is Outcome.ENDED


class TestWhatMayFollow:
    VERBS = (lifecycle.PUBLISH, lifecycle.PAUSE, lifecycle.RESUME, lifecycle.CLOSE)

    @pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
    @pytest.mark.parametrize("state", list(SaleState))
    def test_anything_else_is_refused_with_a_sentence_and_changes_nothing(
        self, proven: LedgerServer, make_sale: MakeSale, state: SaleState, verb: Any
    ) -> None:
        sale = make_sale(state=state, state_number=4)
        act = getattr(lifecycle, verb.name)

        if state in verb.begins:
            assert act(sale_pk=sale.pk, by=SELLER).sale.state == verb.ends
            return
        with pytest.raises(lifecycle.Refused, match=r"^This sale .*\.$"):
            act(sale_pk=sale.pk, by=SELLER)

        sale.refresh_from_db()
        assert (sale.state, sale.state_number) == (state, 4)

    def test_is_what_the_domain_says(self) -> None:
        allowed = {(begin, verb.ends) for verb in self.VERBS for begin in verb.begins}

        settling = {(SaleState.CLOSED, SaleState.SETTLED)}
        assert allowed | settling == {(begin, end) for begin, ends in FOLLOWERS.items() for end in ends}


def careless_pause(*, sale_pk: int, by: Actor) -> None:
    """The broken twin of `lifecycle.pause`: it looks, and then writes as if nobody else could have."""
    sale = Sale.objects.get(pk=sale_pk)
    if SaleState(sale.state) not in lifecycle.PAUSE.begins:
        raise lifecycle.Refused("It is paused already.")
    time.sleep(0.1)
    Sale.objects.filter(pk=sale_pk).update(state=SaleState.PAUSED, state_number=F("state_number") + 1)
    acting.write_trail(by=by, act="pause", sale=sale, before={}, after={})


@pytest.mark.django_db(transaction=True)
class TestTwoAdminsAtOnce:
    def pause_four_times(self, sale: Sale, pause: Callable[..., Any]) -> list[str]:
        told: list[str] = []
        together = threading.Barrier(4)

        def act(name: str) -> None:
            together.wait()
            try:
                pause(sale_pk=sale.pk, by=Actor(who=name))
                told.append("done")
            except lifecycle.Refused as refusal:
                told.append(str(refusal))
            finally:
                database.close()

        threads = [threading.Thread(target=act, args=(f"seller-{n}@example.com",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sale.refresh_from_db()
        return told

    def test_one_wins_and_the_others_are_told(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        lifecycle.publish(sale_pk=sale.pk, by=SELLER)

        told = self.pause_four_times(sale, lifecycle.pause)

        assert told.count("done") == 1
        assert len(told) == 4
        assert sale.state_number == 2
        assert TrailEntry.objects.filter(act="pause").count() == 1

    def test_the_careless_twin_lets_several_win(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        lifecycle.publish(sale_pk=sale.pk, by=SELLER)

        told = self.pause_four_times(sale, careless_pause)

        assert told.count("done") > 1
        assert sale.state_number > 2

    def test_a_late_state_change_does_not_undo_a_newer_one(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale()
        lifecycle.publish(sale_pk=sale.pk, by=SELLER)
        paused = lifecycle.pause(sale_pk=sale.pk, by=SELLER).sale
        lifecycle.resume(sale_pk=sale.pk, by=SELLER)

        following.follow(sale=paused)  # a process that was stopped between record and ledger goes on

        assert in_ledger(sale).state is LedgerState.OPEN


class TestFollow:
    def test_publishes_what_was_published_while_the_ledger_was_away(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1)

        assert following.follow(sale=sale)

        assert in_ledger(sale).state is LedgerState.OPEN
        sale.refresh_from_db()
        assert sale.ledger_epoch == 1

    @pytest.mark.parametrize(
        ("state", "there"), [(SaleState.PAUSED, LedgerState.PAUSED), (SaleState.CLOSED, LedgerState.CLOSED)]
    )
    def test_brings_every_change_that_the_ledger_missed(
        self, proven: LedgerServer, make_sale: MakeSale, state: SaleState, there: LedgerState
    ) -> None:
        sale = make_sale(state=state, state_number=2)

        assert following.follow(sale=sale)

        assert (in_ledger(sale).state, in_ledger(sale).state_number) == (there, 2)

    def test_never_puts_back_a_sale_that_the_ledger_once_had(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1, ledger_epoch=1)

        assert not following.follow(sale=sale)

        assert in_ledger(sale).outcome is Outcome.NO_LEDGER

    def test_never_puts_back_a_sale_of_which_something_is_on_record(
        self, proven: LedgerServer, make_sale: MakeSale
    ) -> None:
        sale = make_sale(state=SaleState.PUBLISHED, state_number=1, stream_offset=1)

        assert not following.follow(sale=sale)

    def test_leaves_drafts_alone(self, proven: LedgerServer, make_sale: MakeSale) -> None:
        sale = make_sale(closes_in=timedelta(hours=1).total_seconds())

        assert following.follow(sale=sale)

        assert in_ledger(sale).outcome is Outcome.NO_LEDGER

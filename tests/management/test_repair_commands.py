"""The commands that repair: what they print, what they change, how they refuse, and their exit codes."""

import json
from typing import Any

import pytest

from sales.live.keys import SaleKeys
from sales.models import LedgerServer, Sale, TrailEntry
from sales.services import fencing
from tests.conftest import EPOCH, MakeSale
from tests.management.test_sale_commands import no_ledger, refusal, run
from tests.selling import buy, in_ledger, raw

__all__ = ["no_ledger"]


@pytest.fixture
def night(proven: LedgerServer, make_sale: MakeSale) -> Sale:
    """A sale with one purchase that is not on record yet."""
    sale = make_sale(slug="night", published=True)
    Sale.objects.filter(pk=sale.pk).update(ledger_epoch=EPOCH)
    buy(sale, "u:1")
    return sale


class TestReconcileSale:
    def test_says_that_a_sale_is_sound(self, night: Sale) -> None:
        assert "sound: complete" in run("reconcile_sale", "night")

    def test_says_what_is_wrong_and_changes_nothing(self, night: Sale) -> None:
        raw().delete(SaleKeys.of(night.pk).shoppers)
        before = raw().dump(SaleKeys.of(night.pk).meta)

        refused = refusal("reconcile_sale", "night")

        assert (refused.returncode, "--repair" in str(refused)) == (1, True)
        assert raw().dump(SaleKeys.of(night.pk).meta) == before

    def test_repairs(self, night: Sale) -> None:
        raw().delete(SaleKeys.of(night.pk).shoppers)

        printed = run("reconcile_sale", "night", "--repair")

        assert "Made anew from events and record: 1 sold." in printed
        buy(night, "u:2", epoch=fencing.epoch())

    def test_accepts_a_loss_only_when_told_to(self, night: Sale) -> None:
        raw().delete(SaleKeys.of(night.pk).events)

        refused = refusal("reconcile_sale", "night", "--repair")
        printed = run("reconcile_sale", "night", "--repair", "--accept-loss")

        assert refused.returncode == 1
        assert "may be missing" in str(refused)
        assert "may be missing" in printed
        assert in_ledger(night, epoch=fencing.epoch()).sold == 1
        assert TrailEntry.objects.get(act="resume").who.startswith("manage.py reconcile_sale")

    def test_prints_json(self, night: Sale) -> None:
        said = json.loads(run("reconcile_sale", "night", "--json"))

        assert (said["slug"], said["worth"], said["ok"]) == ("night", "sound", True)

    def test_refuses_a_loss_without_a_repair(self, night: Sale) -> None:
        refused = refusal("reconcile_sale", "night", "--accept-loss")

        assert (refused.returncode, str(refused)) == (2, "--accept-loss goes with --repair.")

    def test_knows_no_such_sale(self, night: Sale) -> None:
        refused = refusal("reconcile_sale", "nihgt")

        assert refused.returncode == 2
        assert "Did you mean night?" in str(refused)

    def test_has_nothing_to_compare_for_a_draft(self, make_sale: MakeSale) -> None:
        make_sale(slug="draft")

        assert refusal("reconcile_sale", "draft").returncode == 1

    def test_says_that_the_ledger_was_not_reached(self, no_ledger: Any, make_sale: MakeSale) -> None:
        make_sale(slug="far", state="published", state_number=1)

        assert refusal("reconcile_sale", "far").returncode == 3


class TestAuditSales:
    def test_says_that_all_agree(self, night: Sale) -> None:
        assert "All agree." in run("audit_sales")

    def test_says_what_does_not(self, night: Sale) -> None:
        raw().hdel(SaleKeys.of(night.pk).shoppers, "u:1/1")

        refused = refusal("audit_sales")

        assert (refused.returncode, str(refused)) == (1, "1 of 1 sales do not agree.")

    def test_prints_json(self, night: Sale) -> None:
        assert json.loads(run("audit_sales", "--json")) == {"sales": {"night": []}, "ok": True}

    def test_says_that_no_sale_is_published(self, proven: LedgerServer) -> None:
        assert run("audit_sales").strip() == "No sale is published."

    def test_says_that_the_ledger_was_not_reached(self, no_ledger: Any) -> None:
        assert refusal("audit_sales").returncode == 3

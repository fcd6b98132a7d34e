"""Incidents: opened once, ended once, written only when something changed, all of them in the operator's book."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from sales.models import Incident
from sales.services import incidents
from sales.services.incidents import IncidentKind, Trouble
from tests.conftest import MakeSale

BOOK = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
KINDS = (IncidentKind.SALE_DEGRADED, IncidentKind.LEDGER_UNFIT)

pytestmark = pytest.mark.django_db


def trouble(
    sale_pk: int | None = None, *, kind: IncidentKind = IncidentKind.LEDGER_UNFIT, text: str = "It is."
) -> Trouble:
    return Trouble(kind=kind, text=text, sale_pk=sale_pk)


class TestBeginAndEnd:
    def test_open_one_incident_however_often_it_is_said(self) -> None:
        incidents.begin(trouble())
        incidents.begin(trouble())

        assert Incident.objects.get().ended_at is None

    def test_end_it_and_leave_others_alone(self, make_sale: MakeSale) -> None:
        sale = make_sale()
        incidents.begin(trouble())
        incidents.begin(trouble(sale.pk))

        incidents.end(sale_pk=sale.pk, kind=IncidentKind.LEDGER_UNFIT)

        assert Incident.objects.get(sale=sale).ended_at
        assert Incident.objects.get(sale=None).ended_at is None

    def test_open_another_one_after_the_first_has_ended(self) -> None:
        incidents.begin(trouble())
        incidents.end(sale_pk=None, kind=IncidentKind.LEDGER_UNFIT)

        incidents.begin(trouble())

        assert Incident.objects.count() == 2


class TestWatch:
    def test_writes_only_what_changed(self, django_assert_num_queries: Any) -> None:
        watch = incidents.Watch(KINDS)
        watch.see([trouble()])

        with django_assert_num_queries(0):
            watch.see([trouble()])

    def test_says_it_again_where_the_text_changed(self, caplog: pytest.LogCaptureFixture) -> None:
        watch = incidents.Watch(KINDS)

        with caplog.at_level(logging.INFO):
            for text in ("One is missing.", "One is missing.", "Two are missing."):
                watch.see([trouble(text=text)])
            watch.see([])

        assert caplog.messages == ["One is missing.", "Two are missing.", "This is over: Two are missing."]
        assert Incident.objects.count() == 1

    def test_ends_what_an_earlier_process_began_but_not_what_is_none_of_its_business(self, make_sale: MakeSale) -> None:
        incidents.begin(trouble())
        incidents.begin(trouble(make_sale().pk, kind=IncidentKind.DEAD_LETTER))

        incidents.Watch(KINDS).see([])

        assert Incident.objects.get(kind="ledger_unfit").ended_at
        assert Incident.objects.get(kind="dead_letter").ended_at is None


def test_every_kind_is_in_the_operator_s_book() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", BOOK.read_text().partition("## Incidents")[2], re.MULTILINE)

    assert listed == [kind.value for kind in IncidentKind]

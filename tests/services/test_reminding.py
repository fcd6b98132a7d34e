"""Reminders: each who asked gets one mail for each opening, at its time, however many processes send."""

import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend

from sales.domain.states import SaleState
from sales.models import Account, Reminder, Sale
from sales.services import reminding
from sales.services.reminding import Sent

PAGE = "http://shop.example/sales/night-ferry/"


@pytest.fixture
def account(db: None) -> Account:
    made: Account = Account.objects.create_user(email="mara@example.org", password="x")
    return made


@pytest.fixture
def sale(make_sale: Any) -> Sale:
    """It opens in ten minutes, which is less than the half hour before which mails go."""
    made: Sale = make_sale(opens_in=600, state=SaleState.PUBLISHED, state_number=1)
    return made


@pytest.fixture
def asked(account: Account, sale: Sale) -> Reminder:
    reminding.ask(account=account.pk, sale_pk=sale.pk, language="en", page=PAGE)
    return Reminder.objects.get()


def html_of(sent: Any) -> str:
    """Return the other form of a mail."""
    return str(sent.alternatives[0][0])


def now() -> datetime:
    return datetime.now(UTC)


class Grumpy(BaseEmailBackend):
    """A mail server in trouble: each entry of `faults` is raised once, at opening or at sending."""

    at_opening: Exception | None = None
    at_sending: Exception | None = None

    def open(self) -> bool:
        if Grumpy.at_opening:
            raise Grumpy.at_opening
        return True

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        if Grumpy.at_sending:
            raise Grumpy.at_sending
        return 0


@pytest.fixture
def grumpy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[Grumpy]:
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.Grumpy"}}
    monkeypatch.setattr(Grumpy, "at_opening", None)
    monkeypatch.setattr(Grumpy, "at_sending", None)
    return Grumpy


class TestAsking:
    def test_twice_is_one_wish(self, account, sale, asked):
        reminding.ask(account=account.pk, sale_pk=sale.pk, language="de", page=PAGE)

        assert list(Reminder.objects.values_list("language", flat=True)) == ["de"]

    def test_is_taken_back(self, account, sale, asked):
        reminding.take_back(account=account.pk, sale_pk=sale.pk)
        reminding.take_back(account=account.pk, sale_pk=sale.pk)

        assert reminding.send_due(now=now()) == Sent()
        assert mail.outbox == []


class TestTheMail:
    def test_says_what_opens_when_and_where_in_text_and_html(self, asked):
        reminding.send_due(now=now())

        (sent,) = mail.outbox
        assert sent.to == ["mara@example.org"]
        assert sent.subject.startswith("Night Ferry opens at ")
        assert PAGE in sent.body
        assert "There are 3, for €48.00 each." in sent.body
        html = html_of(sent)
        assert f'<a href="{PAGE}">' in html
        assert "<style" not in html

    def test_escapes_in_html_alone(self, asked, product):
        product.name = "Salt & <Pepper>"
        product.save()

        reminding.send_due(now=now())

        (sent,) = mail.outbox
        assert "Salt & <Pepper> opens" in sent.body
        assert sent.subject.startswith("Salt & <Pepper> opens")
        assert "Salt &amp; &lt;Pepper&gt; opens" in html_of(sent)

    def test_has_a_subject_of_one_line_whatever_the_product_is_called(self, asked, product):
        product.name = "Night\r\nBcc: everybody@example.org"
        product.save()

        reminding.send_due(now=now())

        assert mail.outbox[0].subject.startswith("Night Bcc: everybody@example.org opens")
        assert mail.outbox[0].recipients() == ["mara@example.org"]


class TestSending:
    def test_again_sends_nothing(self, asked):
        assert reminding.send_due(now=now()) == Sent(sent=1)
        assert reminding.send_due(now=now()) == Sent()
        assert len(mail.outbox) == 1

    def test_waits_for_the_time(self, account, make_sale):
        later = make_sale(opens_in=3_600, closes_in=7_200, state=SaleState.PUBLISHED, state_number=1)
        reminding.ask(account=account.pk, sale_pk=later.pk, language="en", page=PAGE)

        assert reminding.send_due(now=now()) == Sent()
        assert reminding.send_due(now=later.opens_at - timedelta(minutes=30)) == Sent(sent=1)

    def test_says_nothing_once_it_is_open(self, asked, sale):
        assert reminding.send_due(now=sale.opens_at) == Sent()

    @pytest.mark.parametrize("state", [SaleState.DRAFT, SaleState.PAUSED, SaleState.CLOSED])
    def test_says_nothing_of_a_sale_that_will_not_open(self, state, asked, sale):
        Sale.objects.update(state=state)

        assert reminding.send_due(now=now()) == Sent()

    def test_writes_to_nobody_whose_account_is_closed(self, asked, account):
        Account.objects.update(is_active=False)

        assert reminding.send_due(now=now()) == Sent()

    def test_tells_of_an_opening_that_moved_after_the_mail(self, asked, sale):
        reminding.send_due(now=now())
        moved = sale.opens_at + timedelta(minutes=5)
        Sale.objects.update(opens_at=moved, closes_at=moved + timedelta(hours=1))

        assert reminding.send_due(now=now()) == Sent(sent=1)
        assert "The opening was moved." in mail.outbox[1].body
        assert reminding.send_due(now=now()) == Sent()


class TestTwoProcesses:
    @pytest.fixture
    def both(self, asked) -> list[Reminder]:
        """The row as each of two read it before either sent."""
        (first,), (second,) = reminding._due(now()), reminding._due(now())
        return [first, second]

    def test_send_one_mail(self, both):
        became = [reminding._deliver(read, mailers.default, now()) for read in both]

        assert became == ["sent", "claimed by another"]
        assert len(mail.outbox) == 1

    def test_would_send_two_without_the_condition(self, both, monkeypatch):
        def claim(reminder: Reminder, opening: datetime) -> bool:
            return Reminder.objects.filter(pk=reminder.pk).update(told_opening=opening) == 1

        monkeypatch.setattr(reminding, "_claim", claim)

        became = [reminding._deliver(read, mailers.default, now()) for read in both]

        assert became == ["sent", "sent"]

    def test_send_one_mail_of_an_opening_that_moved(self, asked, sale):
        reminding.send_due(now=now())
        Sale.objects.update(opens_at=sale.opens_at + timedelta(minutes=1))
        (first,), (second,) = reminding._due(now()), reminding._due(now())

        became = [reminding._deliver(read, mailers.default, now()) for read in (first, second)]

        assert became == ["sent", "claimed by another"]


class TestAMailServerInTrouble:
    def test_that_is_away_costs_nobody_the_mail(self, asked, grumpy):
        grumpy.at_opening = ConnectionRefusedError("nobody there")

        assert reminding.send_due(now=now()) == Sent(waiting=1)
        assert Reminder.objects.get().told_opening is None

    @pytest.mark.parametrize(
        "fault",
        [
            smtplib.SMTPRecipientsRefused({"mara@example.org": (450, b"later")}),
            smtplib.SMTPDataError(451, b"later"),
            smtplib.SMTPSenderRefused(421, b"later", "shop@example.org"),
        ],
        ids=str,
    )
    def test_that_says_later_is_asked_again(self, fault, asked, grumpy):
        grumpy.at_sending = fault
        assert reminding.send_due(now=now()) == Sent(waiting=1)

        grumpy.at_sending = None
        assert reminding.send_due(now=now()) == Sent(sent=1)

    @pytest.mark.parametrize(
        "fault",
        [
            TimeoutError("no answer"),
            smtplib.SMTPServerDisconnected("gone"),
            smtplib.SMTPRecipientsRefused({"mara@example.org": (550, b"nobody of this name")}),
        ],
        ids=str,
    )
    def test_that_may_have_taken_it_is_not_asked_twice(self, fault, asked, grumpy):
        grumpy.at_sending = fault
        assert reminding.send_due(now=now()) == Sent(lost=1)

        grumpy.at_sending = None
        assert reminding.send_due(now=now()) == Sent()
        assert Reminder.objects.get().sent_at is None

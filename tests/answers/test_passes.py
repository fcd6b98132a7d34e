"""The pass: what it says, and when it is not taken."""

import pytest
from django.core import signing

from sales.answers import passes
from sales.answers.passes import Flaw, Pass


def mint(**changed) -> str:
    values = {"sale": 7, "account": 3, "slot": 1, "session_key": "early-session", "issued_ms": 1_700_000_000_000}
    return passes.mint(**{**values, **changed})


def read(written: str, *, sale: int = 7, session_key: str = "early-session") -> Pass | Flaw:
    return passes.read(written, sale=sale, session_key=session_key)


class TestPass:
    def test_says_what_it_was_made_of(self):
        found = read(mint())

        assert isinstance(found, Pass)
        assert (found.sale, found.shopper, found.slot, found.issued_ms) == (7, "u:3", 1, 1_700_000_000_000)

    def test_is_short(self):
        assert len(mint(sale=123_456, account=12_345_678, slot=100)) < 120

    def test_does_not_hold_the_session(self):
        assert "early-session" not in mint()

    def test_knows_when_it_was_made(self):
        found = read(passes.mint(sale=7, account=3, slot=1, session_key="early-session"))

        assert isinstance(found, Pass)
        assert found.issued_ms > 1_700_000_000_000

    @pytest.mark.parametrize(
        "changed", ["", "x", "7.3.1.x.1", "7.3.1.x.1:y", "é", "\x00", "a" * 5_000, "::::", "1:2:3"]
    )
    def test_refuses_what_nobody_signed(self, changed):
        assert read(changed) is Flaw.TAMPERED

    def test_refuses_every_single_character_changed(self):
        written = mint()

        for place, character in enumerate(written):
            other = "0" if character != "0" else "1"
            assert isinstance(read(written[:place] + other + written[place + 1 :]), Flaw)

    def test_refuses_another_slot_under_the_same_signature(self):
        text, signature = mint().rsplit(":", 1)

        assert read(f"{text.replace('.3.1.', '.3.2.')}:{signature}") is Flaw.TAMPERED

    def test_refuses_what_was_signed_for_something_else(self):
        assert read(signing.Signer(salt="another").sign("7.3.1.x.1")) is Flaw.TAMPERED
        assert read(signing.Signer(salt="sales.pass").sign("7.3.1")) is Flaw.TAMPERED

    def test_refuses_another_sale(self):
        assert read(mint(), sale=8) is Flaw.OTHER_SALE

    @pytest.mark.parametrize("session_key", ["", "late-session"])
    def test_refuses_another_web_session_and_none(self, session_key):
        assert read(mint(), session_key=session_key) is Flaw.OTHER_SESSION

    def test_outlives_a_change_of_the_secret_key_while_the_former_one_is_trusted(self, settings):
        written = mint()

        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
        assert isinstance(read(written), Pass)

        settings.SECRET_KEY_FALLBACKS = []
        assert read(written) is Flaw.TAMPERED


class TestOrderId:
    def test_is_the_same_for_the_same_pass_also_under_a_new_key(self, settings):
        written = mint()
        before = read(written)

        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
        after = read(written)

        assert isinstance(before, Pass)
        assert isinstance(after, Pass)
        assert before.order_id == after.order_id
        assert before.order_id.version == 4

    @pytest.mark.parametrize(
        "changed", [{"sale": 8}, {"account": 4}, {"slot": 2}, {"session_key": "x"}, {"issued_ms": 1_700_000_000_001}]
    )
    def test_is_another_for_another_attempt(self, changed):
        values = {"sale": 7, "session_key": "early-session", **changed}
        known = {name: values[name] for name in ("sale", "session_key")}

        one, other = read(mint()), read(mint(**changed), **known)

        assert isinstance(one, Pass)
        assert isinstance(other, Pass)
        assert one.order_id != other.order_id


class TestSessionKeyOf:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("sessionid=abc", "abc"),
            ("csrftoken=x; sessionid=abc; other=1", "abc"),
            ("other=1", ""),
            ("", ""),
            ("=;;=\x00", ""),
        ],
    )
    def test_reads_the_cookie_or_nothing(self, header, expected):
        assert passes.session_key_of(header) == expected

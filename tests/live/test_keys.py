"""Names and texts of the ledger: keys, digests, entries."""

import pickle
from dataclasses import astuple
from uuid import UUID, uuid4

import pytest

from sales.live import keys
from sales.live.entries import Entry, EntryState, read_order_id, write_order_id
from sales.live.keys import SaleKeys


class TestSaleKeys:
    def test_share_one_hash_tag(self, key_prefix: str) -> None:
        names = astuple(SaleKeys.of(7))

        assert all(name.startswith(f"{key_prefix}{{sale:7}}:") for name in names)
        assert len(set(names)) == 6

    def test_are_named_in_the_order_asked_for(self) -> None:
        named = SaleKeys.of(7).named("events", "meta")

        assert [name.rpartition(":")[2] for name in named] == ["events", "meta"]


class TestADigest:
    def test_is_eleven_characters_for_any_key(self) -> None:
        assert {len(keys.digest(client="demo", key=key)) for key in ("", "a", "ü" * 300)} == {11}

    def test_belongs_to_one_client(self) -> None:
        assert keys.digest(client="demo", key="a") != keys.digest(client="shop", key="a")

    def test_does_not_run_client_and_key_together(self) -> None:
        assert keys.digest(client="ab", key="c") != keys.digest(client="a", key="bc")


class TestAnEntry:
    @pytest.mark.parametrize("digest", ["", "0123456789_"])
    def test_is_read_from_fixed_width_text(self, digest: str) -> None:
        order_id = uuid4()
        text = f"b02{63:07}{12345:010}{1_700_000_000_000:013}{1_700_000_000_500:013}{write_order_id(order_id)}{digest}"

        entry = Entry.read(slot=2, text=text.encode())

        assert entry == Entry(
            slot=2,
            state=EntryState.BOUGHT,
            lost=2,
            unit=63,
            seq=12345,
            taken_ms=1_700_000_000_000,
            at_ms=1_700_000_000_500,
            order_id=order_id,
            key_digest=digest,
        )

    @pytest.mark.parametrize("text", ["", "b", "b" * 67, "b" * 68, "z" + "0" * 67])
    def test_refuses_what_is_none(self, text: str) -> None:
        with pytest.raises(ValueError):
            Entry.read(slot=1, text=text)

    def test_is_recorded_once_the_keeper_has_passed_it(self) -> None:
        text = f"b00{1:07}{5:010}{1:013}{1:013}{write_order_id(uuid4())}"
        entry = Entry.read(slot=1, text=text)

        assert (entry.is_recorded(4), entry.is_recorded(5)) == (False, True)

    def test_is_never_recorded_where_the_record_refused_it(self) -> None:
        entry = Entry.read(slot=1, text=f"u00{1:07}{5:010}{1:013}{1:013}{write_order_id(uuid4())}")

        assert not entry.is_recorded(9)


@pytest.mark.parametrize("order_id", [UUID(int=0), UUID(int=2**128 - 1), uuid4()])
def test_an_order_id_survives_the_ledger(order_id: UUID) -> None:
    text = write_order_id(order_id)

    read = read_order_id(text)

    assert len(text) == 22
    assert (read, str(read), hash(read), read.is_safe) == (order_id, str(order_id), hash(order_id), order_id.is_safe)
    assert pickle.loads(pickle.dumps(read)) == order_id


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 21, "A" * 24, "é" * 22])
def test_what_is_no_order_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_order_id(text)

"""Reading bodies: the quick way to what most programs send finds what the strict one finds."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sales.answers import bodies
from sales.answers.ask import Answer, Ask

NAMES = some.sampled_from(["userId", "flashSaleId", "é", ""])
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(NAMES, inner),
    max_leaves=8,
)
PAIRS = some.lists(some.tuples(NAMES, VALUES), max_size=4)
ODD = (
    b'{"userId":"a","userId":"b","flashSaleId":"x"}', b'{"userId":NaN,"flashSaleId":"x"}', b'{"userId":"\\ud800"}',
    b'\xef\xbb\xbf{"userId":"a","flashSaleId":"x"}', b'{"userId":"\xff"}', b'{"userId":1' + b"0" * 5_000 + b"}", b"[]",
    b"0", b"null", b'""', b"{}", b'{"userId":"a","flashSaleId":"x"} ', b'{"userId":"a","flashSaleId":"x"}{}',
    b'{"a":' * 300 + b"1" + b"}" * 300, b'{"a":' * 3_000 + b"1" + b"}" * 3_000, b'{"userId":1e2,"flashSaleId":-0.0}',
)  # fmt: skip


def strictly(content: bytes) -> dict[str, str] | Answer:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bodies, "_plain", lambda _content: None)
        return read(content)


def read(content: bytes) -> dict[str, str] | Answer:
    ask = Ask(method="POST", headers={"content-type": "application/json"}, body=content)
    return bodies.texts(ask, "userId", "flashSaleId")


class TestABody:
    @pytest.mark.parametrize("content", ODD)
    def test_that_is_odd_is_read_the_same_both_ways(self, content: bytes) -> None:
        assert read(content) == strictly(content)

    @given(pairs=PAIRS, compact=some.booleans(), ascii_only=some.booleans())
    def test_is_read_the_same_both_ways(
        self, pairs: list[tuple[str, object]], *, compact: bool, ascii_only: bool
    ) -> None:
        comma, colon = (",", ":") if compact else (", ", ": ")
        written = (
            json.dumps(part, ensure_ascii=ascii_only, separators=(comma, colon)) for pair in pairs for part in pair
        )
        fields = (colon.join(pair) for pair in zip(*[iter(written)] * 2, strict=True))
        content = f"{{{comma.join(fields)}}}".encode(errors="surrogatepass")

        assert read(content) == strictly(content)

    def test_that_is_compact_takes_the_quick_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "_decoded", lambda _content: pytest.fail("the strict way was taken"))

        assert read(b'{"userId":"\xc3\xa9","flashSaleId":"x"}') == {"userId": "é", "flashSaleId": "x"}

    def test_that_names_a_field_twice_would_pass_where_nothing_is_compared(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The broken twin: the quick reader alone takes the last of two."""
        content = b'{"userId":"a","userId":"b","flashSaleId":"x"}'
        assert isinstance(read(content), Answer)

        monkeypatch.setattr(bodies, "_plain", orjson.loads)

        assert read(content) == {"userId": "b", "flashSaleId": "x"}

"""The whole comparison: a sound sale has no differences, each kind of difference is found, and a repair ends it."""

from collections.abc import Callable

import pytest

from sales.live.keys import SaleKeys
from sales.live.line import Line
from sales.models import Sale
from sales.services import comparing, reconciling
from sales.services.judging import Worth
from tests.repair_shop import Shop, buy_held, shop
from tests.selling import raw

__all__ = ["shop"]
pytestmark = pytest.mark.django_db


def differences(sale: Sale) -> list[str]:
    with Line() as line:
        return comparing.differences(line=line, sale=Sale.objects.get(pk=sale.pk))


def rewrite(keys: SaleKeys, place: str, old: bytes, new: bytes) -> None:
    raw().hset(keys.shoppers, place, raw().hget(keys.shoppers, place).replace(old, new, 1))


WRONG: dict[str, tuple[Callable[[SaleKeys], object], str]] = {
    "an entry gone": (lambda keys: raw().hdel(keys.shoppers, "u:2/1"), "u:2/1 has no entry, and event 5"),
    "an entry too many": (
        lambda keys: raw().hset(keys.shoppers, "u:9/1", raw().hget(keys.shoppers, "u:2/1")),
        "The entry of u:9/1 is of event 5, which is not about it.",
    ),
    "another unit": (
        lambda keys: rewrite(keys, "u:2/1", b"b000000002", b"b000000004"),
        "The entry of u:2/1 says bought, unit 4, its event 5 says bought, unit 2.",
    ),
    "a unit twice": (lambda keys: rewrite(keys, "u:2/1", b"b000000002", b"b000000001"), "Unit 1 is u:"),
    "text": (lambda keys: raw().hset(keys.shoppers, "u:2/1", "nonsense"), "The entry of u:2/1 cannot be read."),
    "a sold unit on sale": (
        lambda keys: (raw().zrem(keys.returned, 4), raw().zadd(keys.returned, {"2": 2})),
        "Unit 2 was given back, and is u:2/1's.",
    ),
    "another deadline": (
        lambda keys: raw().zadd(keys.deadlines, {"u:3/1": 5}),
        "The hold of u:3/1 and the index of deadlines disagree.",
    ),
}


class TestSound:
    def test_has_no_differences(self, shop: Shop) -> None:
        assert differences(shop.sale) == []

    def test_has_none_after_it_was_made_anew(self, shop: Shop) -> None:
        raw().delete(shop.keys.shoppers)
        shop.reconcile()
        buy_held(shop, "u:8")

        assert differences(shop.sale) == []

    def test_has_none_after_a_loss_was_accepted(self, shop: Shop) -> None:
        raw().delete(shop.keys.events)
        shop.reconcile(accept_loss=True)
        shop.record()

        assert differences(shop.sale) == []


@pytest.mark.parametrize(("spoil", "says"), WRONG.values(), ids=WRONG)
class TestWrong:
    def test_is_said(self, shop: Shop, spoil: Callable[[SaleKeys], object], says: str) -> None:
        spoil(shop.keys)

        assert says in " ".join(differences(shop.sale))

    def test_is_repaired_by_hand(self, shop: Shop, spoil: Callable[[SaleKeys], object], says: str) -> None:
        spoil(shop.keys)
        with Line() as line:
            assert reconciling.look(line=line, sale=shop.sale).worth is Worth.REBUILD

        done = shop.reconcile(whole=True)

        assert done.ok
        assert differences(shop.sale) == []
        assert shop.adds_up()

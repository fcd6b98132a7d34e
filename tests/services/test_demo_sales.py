"""What the demo sells, at its first start and at every later one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sales.domain.states import OrderState, SaleState
from sales.models import Account, ApiClient, Order, Product, Sale, TrailEntry
from sales.services import demo_sales, lifecycle
from sales.services.demo_sales import ADMIN_EMAIL, BY_DEMO, SLUG, Wanted

pytestmark = pytest.mark.django_db


def start(*, at: datetime | None = None, stock: int = 100) -> Sale:
    """Start the demo as at this moment."""
    now = at or datetime.now(tz=UTC)
    wanted = Wanted(stock=stock, opens_in=timedelta(minutes=1), lasts=timedelta(minutes=59))
    return demo_sales.prepare(wanted=wanted, now=now)


class TestFirstStart:
    def test_publishes_the_sale_that_was_asked_for(self) -> None:
        now = datetime.now(tz=UTC)

        sale = start(at=now, stock=20)

        assert (sale.slug, sale.product.name, sale.state) == (SLUG, "X", SaleState.PUBLISHED)
        assert (sale.stock, sale.limit, sale.hold_seconds) == (20, 1, 0)
        assert (sale.opens_at, sale.closes_at) == (now + timedelta(minutes=1), now + timedelta(hours=1))

    def test_puts_one_upcoming_and_one_ended_sale_beside_it(self) -> None:
        now = datetime.now(tz=UTC)

        start(at=now)

        upcoming = Sale.objects.get(state=SaleState.PUBLISHED, opens_at__gt=now + timedelta(days=1))
        ended = Sale.objects.get(state=SaleState.SETTLED)
        assert upcoming.product.name == "Winter Timetable"
        assert ended.closes_at < now
        assert ended.recorded == ended.orders.filter(state=OrderState.RECORDED).count() == ended.stock

    def test_lets_anybody_call_the_api(self, settings: Any) -> None:
        start()

        assert ApiClient.objects.get(slug=settings.SALES.open_client).is_active

    def test_makes_products_that_an_admin_could_have_made(self) -> None:
        start()

        for product in Product.objects.all():
            product.full_clean()
            assert product.picture


class TestLaterStart:
    def test_keeps_everything_while_the_sale_is_not_over(self) -> None:
        first = start()
        counted = (Sale.objects.count(), Order.objects.count(), Product.objects.count(), TrailEntry.objects.count())

        again = start(stock=20)

        assert (again.pk, again.stock) == (first.pk, 100)
        assert counted == (
            Sale.objects.count(),
            Order.objects.count(),
            Product.objects.count(),
            TrailEntry.objects.count(),
        )

    def test_keeps_a_paused_sale(self) -> None:
        first = start()
        lifecycle.pause(sale_pk=first.pk, by=BY_DEMO)

        assert start().pk == first.pk

    def test_closes_a_sale_that_is_over_and_opens_a_new_one(self) -> None:
        first = start(at=datetime(2030, 11, 22, 5, 0, tzinfo=UTC))

        second = start(at=datetime(2030, 11, 22, 6, 0, tzinfo=UTC))

        first.refresh_from_db()
        assert (first.slug, first.state) == ("sample-sale-1-20301122-050100", SaleState.CLOSED)
        assert (second.slug, second.state) == (SLUG, SaleState.PUBLISHED)
        assert list(first.trail.values_list("act", flat=True)) == ["rename", "close", "publish"]

    def test_does_so_too_when_somebody_closed_it_before_its_time(self) -> None:
        first = start()
        lifecycle.close(sale_pk=first.pk, by=BY_DEMO)

        second = start()

        first.refresh_from_db()
        assert first.slug == f"{SLUG}-{first.opens_at:%Y%m%d-%H%M%S}"
        assert second.pk != first.pk

    def test_goes_on_with_the_draft_of_an_interrupted_start(self) -> None:
        first = start()
        Sale.objects.filter(pk=first.pk).update(state=SaleState.DRAFT, published_at=None)

        again = start(stock=20)

        assert (again.pk, again.stock, again.state) == (first.pk, 20, SaleState.PUBLISHED)

    def test_announces_another_upcoming_sale_once_the_last_one_has_opened(self) -> None:
        now = datetime.now(tz=UTC)
        start(at=now)

        start(at=now + timedelta(days=9))

        assert Sale.objects.filter(product__name="Winter Timetable").count() == 2


class TestAdmin:
    def test_can_sign_in_with_the_password_it_was_given(self) -> None:
        assert not demo_sales.has_admin()

        demo_sales.make_admin(password="twelve grey seals")

        assert demo_sales.has_admin()
        admin = Account.objects.get(email=ADMIN_EMAIL)
        assert admin.is_superuser
        assert admin.check_password("twelve grey seals")

"""Orders in the admin: to find, to read, to take along as a table, and to cancel. Nobody changes one by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, override

from babel.numbers import format_currency
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from sales.admin import order_cancel, order_search, spreadsheets
from sales.admin.base import ModelAdmin, ReadOnly, moment
from sales.admin.trail import OrderTrail
from sales.domain import references, shoppers
from sales.domain.states import OrderState
from sales.models import Account, Order

_COLUMNS = (
    "reference", "order_id", "sale", "product", "unit", "shopper", "slot", "email", "price", "currency", "state",
    "taken_at", "bought_at", "recorded_at", "cancelled_at", "kept_back", "cancel_reason",
)  # fmt: skip
_ROWS_AT_ONCE = 500


@admin.register(Order)
class OrderAdmin(ReadOnly, ModelAdmin[Order]):
    """Every unit bought."""

    list_display = ("reference_spaced", "sale", "unit", "shopper", "price_written", "state", "bought")
    list_filter = ("state", ("sale", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("sale",)
    list_per_page = 50
    search_fields = ("reference",)  # shows the box; what is found is `order_search`'s business
    search_help_text = _("A reference, an order id, an e-mail address or a userId.")
    show_full_result_count = False
    inlines = (OrderTrail,)
    actions = ("as_csv",)
    fieldsets = (
        (None, {"fields": ("reference_spaced", "order_id", "state")}),
        (_("What"), {"fields": ("sale", "product_name", "product_subtitle", "unit", "price_written")}),
        (_("Who"), {"fields": ("shopper", "account", "slot", "key_digest")}),
        (_("When"), {"fields": ("taken", "bought", "recorded", "epoch", "seq")}),
    )
    readonly_fields = (
        "reference_spaced", "price_written", "account", "order_id", "taken", "bought", "recorded", "cancelled",
    )  # fmt: skip
    change_form_template = "admin/sales/order/change_form.html"

    class Media:
        css = {"all": ("ops/admin.css",)}

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> Any:
        """Return the order; what became of it, where it was cancelled."""
        shown = super().get_fieldsets(request, obj)
        if obj is None or obj.state != OrderState.CANCELLED:
            return shown
        return (*shown, (_("Cancelled"), {"fields": ("cancelled", "cancel_reason", "kept_back", "ledger_state")}))

    @override
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the order, with the way to cancel it for who may."""
        order = self.get_object(request, object_id)
        recorded = order is not None and order.state == OrderState.RECORDED
        context = {"may_cancel": recorded and order_cancel.may_cancel(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the page on which an order is cancelled."""

        def cancel(request: HttpRequest, pk: int) -> HttpResponse:
            return order_cancel.page(self, request, pk=pk)

        pages = [path("<int:pk>/cancel/", self.admin_site.admin_view(cancel), name="sales_order_cancel")]
        return pages + super().get_urls()

    @admin.display(description=_("reference"), ordering="order_id")
    def reference_spaced(self, order: Order) -> str:
        """Return the reference as people see it."""
        return references.spaced(order.reference)

    @admin.display(description=_("price"), ordering="price")
    def price_written(self, order: Order) -> str:
        """Return the price as people write it."""
        return format_currency(order.price, order.currency, locale=to_locale(get_language() or "en"))

    taken = moment("taken_at", _("taken"), digits=3)
    bought = moment("bought_at", _("bought"), digits=3)
    recorded = moment("recorded_at", _("recorded"), digits=3)
    cancelled = moment("cancelled_at", _("cancelled"))

    @admin.display(description=_("account"))
    def account(self, order: Order) -> str:
        """Return a link to the account that bought, or say whose user it was."""
        pk = shoppers.account_pk(order.shopper)
        if pk is None:
            client, user_id = shoppers.client_and_user(order.shopper) or ("", order.shopper)
            return str(_("user %(user)s of API client %(client)s")) % {"user": user_id, "client": client}
        email = Account.objects.filter(pk=pk).values_list("email", flat=True).first()
        if email is None:
            return str(_("an account that is no longer there"))
        return format_html('<a href="{}">{}</a>', reverse("admin:sales_account_change", args=[pk]), email)

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Find by what a person has in hand."""
        return (queryset.filter(order_search.matching(typed=search_term)) if search_term.strip() else queryset), False

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def as_csv(self, _request: HttpRequest, queryset: QuerySet[Order]) -> StreamingHttpResponse:
        """Send the chosen orders as a table."""
        name = f"orders-{timezone.localtime():%Y%m%d-%H%M%S}.csv"
        return spreadsheets.response(name=name, heads=_COLUMNS, rows=_rows(queryset))


def _rows(orders: QuerySet[Order]) -> Iterator[tuple[Any, ...]]:
    """Yield the orders' cells, some hundreds read at once, their accounts' addresses with one more query each time."""
    chunk: list[Order] = []
    for order in orders.select_related("sale").iterator(chunk_size=_ROWS_AT_ONCE):
        chunk.append(order)
        if len(chunk) == _ROWS_AT_ONCE:
            yield from _cells(chunk)
            chunk = []
    yield from _cells(chunk)


def _cells(orders: list[Order]) -> Iterator[tuple[Any, ...]]:
    pks = {pk for order in orders if (pk := shoppers.account_pk(order.shopper)) is not None}
    emails = dict(Account.objects.filter(pk__in=pks).values_list("pk", "email"))
    for order in orders:
        yield (
            order.reference,
            order.order_id,
            order.sale.slug,
            order.product_name,
            order.unit,
            order.shopper,
            order.slot,
            emails.get(shoppers.account_pk(order.shopper) or 0, ""),
            order.price,
            order.currency,
            order.state,
            _utc(order.taken_at),
            _utc(order.bought_at),
            _utc(order.recorded_at),
            _utc(order.cancelled_at),
            "yes" if order.kept_back else "",
            order.cancel_reason,
        )


def _utc(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"

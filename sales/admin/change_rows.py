"""Changes of stock and window in the admin, to read: below their sale, and on a page of their own."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sales.admin.base import ModelAdmin, ReadOnly, Rows, moment
from sales.models import StockChange

_FIELDS = ("asked", "who", "change", "state", "why", "refusal")


class _Told:
    asked = moment("asked_at", gettext_lazy("when"))
    ended = moment("ended_at", gettext_lazy("ended"))

    @admin.display(description=gettext_lazy("from → to"))
    def change(self, change: StockChange) -> str:
        """Return what was to change; times by the clocks of the sale's zone."""

        def shown(moment: datetime) -> str:
            return date_format(moment.astimezone(change.sale.zone), "j M Y H:i:s")

        pairs: tuple[tuple[str, Any, Any], ...] = (
            (_("stock"), change.stock_from, change.stock_to),
            (_("opens"), shown(change.opens_from), shown(change.opens_to)),
            (_("ends"), shown(change.closes_from), shown(change.closes_to)),
        )
        return "; ".join(f"{name}: {before} → {after}" for name, before, after in pairs if before != after)


class ChangeRows(_Told, Rows):
    """The changes of a sale, refused ones and the one that is not done yet among them."""

    model = StockChange
    fields = _FIELDS
    readonly_fields = _FIELDS


@admin.register(StockChange)
class StockChangeAdmin(_Told, ReadOnly, ModelAdmin[StockChange]):
    """All changes, the newest first."""

    list_display = ("asked", "sale", "who", "change", "state", "why", "refusal")
    list_filter = ("state", ("sale", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("sale",)
    fields = ("asked", "sale", "number", "who", "account", "change", "order", "state", "why", "refusal", "ended")
    readonly_fields = fields
    show_full_result_count = False
    actions = None

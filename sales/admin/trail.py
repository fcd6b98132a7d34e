"""The trail in the admin: a page of its own, and rows under the sale or the order that they are about."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from sales.admin.base import ModelAdmin, ReadOnly, TabularInline
from sales.models import TrailEntry


def change(entry: TrailEntry) -> str:
    """Return what changed, one `name: from → to` after the other."""
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    return "; ".join(f"{name}: {_written(entry.before, name)} → {_written(entry.after, name)}" for name in names)


def _written(side: dict[str, Any], name: str) -> str:
    value = side.get(name)
    return "—" if value is None else str(value)


class TrailRows(ReadOnly, TabularInline[TrailEntry, Any]):
    """Rows of the trail below what they are about, the newest first."""

    model = TrailEntry
    extra = 0
    can_delete = False
    fields = ("at", "who", "act", "change", "why")
    readonly_fields = fields
    ordering = ("-at", "-pk")
    verbose_name_plural = _("trail")

    @admin.display(description=_("from → to"))
    def change(self, entry: TrailEntry) -> str:
        """Return what changed."""
        return change(entry)


class SaleTrail(TrailRows):
    """What was done to a sale."""

    fk_name = "sale"


class OrderTrail(TrailRows):
    """What was done to an order."""

    fk_name = "order"


@admin.register(TrailEntry)
class TrailEntryAdmin(ReadOnly, ModelAdmin[TrailEntry]):
    """All acts, the newest first."""

    list_display = ("at", "who", "act", "sale", "order", "change", "why")
    list_filter = ("act", ("sale", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("sale", "order")
    search_fields = ("who", "why", "sale__slug", "order__reference")
    fields = ("at", "who", "account", "act", "sale", "order", "change", "why")
    readonly_fields = fields
    show_full_result_count = False
    actions = None

    @admin.display(description=_("from → to"))
    def change(self, entry: TrailEntry) -> str:
        """Return what changed."""
        return change(entry)

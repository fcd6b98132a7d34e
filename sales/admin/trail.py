"""The trail in the admin: a page of its own, and rows under the sale or the order that they are about."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from sales.admin.base import ModelAdmin, ReadOnly, Rows, moment
from sales.models import TrailEntry

_SAYS_NOTHING = {"state_number"}  # for the ledger, not for people


def change(entry: TrailEntry) -> str:
    """Return what changed, one `name: from → to` after the other."""
    names = [name for name in {**entry.before, **entry.after} if name not in _SAYS_NOTHING]
    if not entry.before:
        return "; ".join(f"{name}: {_written(entry.after[name])}" for name in names if entry.after[name] is not None)
    return "; ".join(
        f"{name}: {_written(entry.before.get(name))} → {_written(entry.after.get(name))}" for name in names
    )


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "—" if value is None else str(value)


class TrailRows(Rows):
    """Rows of the trail below what they are about, the newest first."""

    model = TrailEntry
    fields = ("when", "who", "act", "change", "why")
    readonly_fields = fields
    ordering = ("-at", "-pk")
    verbose_name_plural = _("trail")

    when = moment("at", _("when"))

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

    list_display = ("when", "act", "about", "who", "why", "change")
    list_filter = ("act", ("sale", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("sale", "order")
    search_fields = ("who", "why", "sale__slug", "order__reference")
    fields = ("when", "who", "account", "act", "sale", "order", "change", "why")
    readonly_fields = fields
    show_full_result_count = False
    actions = None

    when = moment("at", _("when"))

    @admin.display(description=_("about"))
    def about(self, entry: TrailEntry) -> str:
        """Return what the act was done to."""
        return str(entry.order or entry.sale or entry.after.get("client", "—"))

    @admin.display(description=_("from → to"))
    def change(self, entry: TrailEntry) -> str:
        """Return what changed."""
        return change(entry)

"""What the record knows of the ledger, to read: servers, refused events, incidents."""

from typing import override

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sales.admin.base import ModelAdmin, ReadOnly, moment
from sales.models import DeadLetter, Incident, LedgerServer


class EndedFilter(admin.SimpleListFilter):
    """Open or ended."""

    title = _("state")
    parameter_name = "ended"

    @override
    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:  # type: ignore[type-arg]
        """Return the two."""
        return [("no", str(_("open"))), ("yes", str(_("ended")))]

    @override
    def queryset[M: Model](self, request: HttpRequest, queryset: QuerySet[M]) -> QuerySet[M]:
        """Return the rows in the chosen state."""
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "no")


class _Ends:
    ended = moment("ended_at", _("ended"))

    @admin.display(description=_("state"), ordering="ended_at")
    def state(self, row: DeadLetter | Incident) -> str:
        """Say whether somebody has dealt with it."""
        return str(_("open")) if row.ended_at is None else str(_("ended"))


@admin.register(LedgerServer)
class LedgerServerAdmin(ReadOnly, ModelAdmin[LedgerServer]):
    """Ledger servers as last proven."""

    list_display = ("name", "epoch", "run_id", "proven", "keeper_seen")
    proven = moment("proven_at", _("proven"))
    keeper_seen = moment("keeper_seen_at", _("keeper seen"))
    ordering = ("name",)


@admin.register(DeadLetter)
class DeadLetterAdmin(_Ends, ReadOnly, ModelAdmin[DeadLetter]):
    """Events that the record refused."""

    since = moment("created_at", _("since"))
    list_display = ("sale", "seq", "reason", "state", "since", "ended")
    list_filter = (EndedFilter, ("sale", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("sale",)
    fields = ("sale", "epoch", "seq", "event", "reason", "state", "since", "ended")
    readonly_fields = fields


@admin.register(Incident)
class IncidentAdmin(_Ends, ReadOnly, ModelAdmin[Incident]):
    """What should not be."""

    began = moment("began_at", _("began"))
    list_display = ("kind", "sale", "text", "state", "began", "ended")
    list_filter = (EndedFilter, "kind", ("sale", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("sale",)
    fields = ("kind", "sale", "text", "state", "began", "ended")
    readonly_fields = fields

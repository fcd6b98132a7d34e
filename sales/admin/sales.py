"""Sales in the admin: one form to make one, its numbers beside it, and the way to the acts (`sale_acts`)."""

from functools import partial
from typing import Any, override

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sales.admin import sale_acts, sale_changes
from sales.admin.base import ModelAdmin, refused
from sales.admin.change_rows import ChangeRows
from sales.admin.sale_form import SEEN_STATE, WINDOW, SaleForm
from sales.admin.site import actor
from sales.admin.trail import SaleTrail
from sales.domain.states import SaleState
from sales.models import Sale
from sales.queries import operations, verdicts
from sales.queries.operations import Standing
from sales.services import lifecycle, sale_edits

_WINDOW_ENTERED = ("time_zone", ("opens_at", "closes_at"))
_WINDOW_SHOWN = ("time_zone", ("opens_shown", "closes_shown"))
# Changing these in a running sale takes a script in the ledger as well; here they are only read.
_CHANGED_BY_ACTS = ("stock", "time_zone", *WINDOW)


@admin.register(Sale)
class SaleAdmin(ModelAdmin[Sale]):
    """Sales."""

    form = SaleForm
    list_display = ("slug", "product", "state", "opens_shortly", "left", "held", "sold", "on_record")
    list_filter = ("state",)
    list_select_related = ("product",)
    search_fields = ("slug", "product__name")
    autocomplete_fields = ("product",)
    inlines = (SaleTrail,)
    actions = ("publish", "pause", "resume")
    change_form_template = "admin/sales/sale/change_form.html"

    class Media:
        css = {"all": ("ops/admin.css",)}

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Sale | None = None) -> Any:
        """Return the form; a window that cannot be changed here is shown with its zone."""
        may_change = self.has_change_permission(request, obj)
        fixed = obj is not None and (obj.state != SaleState.DRAFT or not may_change)
        own = ("state", *((SEEN_STATE,) if may_change else ())) if obj else ()
        return (
            (
                None,
                {
                    "fields": (*own, "slug", "product", "stock", "limit"),
                    "description": _(
                        "This sale is public: its product, limit and hold time are fixed for good. Its stock and "
                        "window are changed by the buttons above, as long as it is not closed."
                    )
                    if obj and obj.state != SaleState.DRAFT
                    else "",
                },
            ),
            (_("Window"), {"fields": _WINDOW_SHOWN if fixed else _WINDOW_ENTERED}),
            (_("Holds"), {"fields": ("hold_seconds", "hold_extension_seconds")}),
            (_("Rules"), {"fields": ("cancelled_counts", "on_ledger_loss")}),
        )

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Sale | None = None) -> tuple[str, ...]:
        """Return what this page does not change: of a draft little, of a published sale nearly all."""
        shown = ("state", "opens_shown", "closes_shown")
        if obj is None or obj.state == SaleState.DRAFT:
            return shown
        return (*shown, *Sale.FIXED_ONCE_PUBLISHED, *_CHANGED_BY_ACTS)

    @override
    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Sale | None:
        """Return the sale; locked while a form is stored, so that nobody publishes the draft under it."""
        sale = super().get_object(request, object_id, from_field)
        resolved = request.resolver_match
        if sale and request.method == "POST" and resolved and resolved.url_name == "sales_sale_change":
            return Sale.objects.select_for_update().get(pk=sale.pk)
        return sale

    @override
    def save_model(self, request: HttpRequest, obj: Sale, form: Any, change: bool) -> None:
        """Store what the form has, and nothing else of the row."""
        sale_edits.save(sale=obj, fields=form.cleaned_data, by=actor(request))

    @override
    def get_inlines(self, request: HttpRequest, obj: Sale | None) -> Any:
        """Return the trail, and the changes of a published sale; a sale that is being made has neither."""
        if obj is None:
            return ()
        return self.inlines if obj.state == SaleState.DRAFT else (ChangeRows, *self.inlines)

    # --- Deleting: drafts only

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Sale | None = None) -> bool:
        """Let nobody delete what was ever public."""
        return (obj is None or obj.state == SaleState.DRAFT) and super().has_delete_permission(request, obj)

    @override
    def get_actions(self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST) -> Any:
        """Return the list's actions, without the one that deletes many at once."""
        actions = super().get_actions(request, action_location)
        actions.pop("delete_selected", None)
        return actions

    @override
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse, in a sentence, to delete what was public."""
        sale = self.get_object(request, object_id)
        if sale and sale.state != SaleState.DRAFT and self.has_view_permission(request, sale):
            sentence = gettext(
                "The sale %(sale)s was published. A published sale is closed and settled, never deleted."
            )
            return refused(request, sentence % {"sale": sale.slug}, row=sale)
        return super().delete_view(request, object_id, extra_context)

    # --- Numbers

    @override
    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the page of the list, with the numbers of its sales: one question to the ledger for all."""
        page = super().get_changelist_instance(request)
        found = operations.standings(pks=[sale.pk for sale in page.result_list])
        for sale in page.result_list:
            sale.standing = found.get(sale.pk)
        return page

    @override
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form below the numbers and the acts that may follow."""
        sale = self.get_object(request, object_id) if request.method == "GET" else None
        found = operations.standing(slug=sale.slug) if sale else None
        context: dict[str, Any] = {}
        if sale and found:
            context = {
                "standing": found,
                "verdict": verdicts.verdict(found),
                "lag_ms": operations.record_lag_ms(of=found),
                "acts": self._acts(request, sale),
            }
        try:
            return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})
        except lifecycle.Refused as refusal:
            return refused(request, str(refusal), row=Sale.objects.get(pk=object_id))

    def _acts(self, request: HttpRequest, sale: Sale) -> tuple[sale_acts.SaleAct | sale_changes.SaleChange, ...]:
        """Return what can be done to the sale now by who asks."""
        if not self.has_change_permission(request, sale):
            return ()
        return (*sale_acts.acts_for(sale), *sale_changes.changes_for(sale))

    @admin.display(description=_("left"))
    def left(self, sale: Sale) -> str:
        """Return how many can be taken now."""
        return _number(sale, "left")

    @admin.display(description=_("held"))
    def held(self, sale: Sale) -> str:
        """Return how many are held."""
        return _number(sale, "held")

    @admin.display(description=_("sold"))
    def sold(self, sale: Sale) -> str:
        """Return how many the ledger has sold."""
        return _number(sale, "sold")

    @admin.display(description=_("on record"), ordering="recorded")
    def on_record(self, sale: Sale) -> int:
        """Return how many orders are on record."""
        return sale.recorded

    @admin.display(description=_("opens"), ordering="opens_at")
    def opens_shortly(self, sale: Sale) -> str:
        """Return the opening by the clocks of the sale's zone, which is named where it is not the shop's."""
        clocks = date_format(sale.opens_at.astimezone(sale.zone), "j M Y H:i")
        return clocks if sale.time_zone == settings.TIME_ZONE else f"{clocks} ({sale.time_zone})"

    @admin.display(description=_("opens"), ordering="opens_at")
    def opens_shown(self, sale: Sale) -> str:
        """Return the opening by the clocks of the sale's zone."""
        return _by_its_clocks(sale, "opens_at")

    @admin.display(description=_("ends"), ordering="closes_at")
    def closes_shown(self, sale: Sale) -> str:
        """Return the end by the clocks of the sale's zone."""
        return _by_its_clocks(sale, "closes_at")

    # --- Acts

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add a page for each act."""
        pages: list[URLPattern] = [
            path(
                f"<int:pk>/{act.name}/",
                self.admin_site.admin_view(partial(sale_acts.page, self, act=act)),
                name=f"sales_sale_{act.name}",
            )
            for act in sale_acts.ACTS
        ]
        pages += [
            path(
                f"<int:pk>/{change.name}/",
                self.admin_site.admin_view(partial(sale_changes.page, self, change=change)),
                name=f"sales_sale_{change.name}",
            )
            for change in sale_changes.CHANGES
        ]
        return pages + super().get_urls()

    @admin.action(description=_("Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Sale]) -> None:
        """Publish the chosen drafts."""
        sale_acts.do_many(request, sale_acts.PUBLISH, queryset)

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Sale]) -> None:
        """Pause the chosen sales."""
        sale_acts.do_many(request, sale_acts.PAUSE, queryset)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Sale]) -> None:
        """Resume the chosen sales."""
        sale_acts.do_many(request, sale_acts.RESUME, queryset)


def _number(sale: Sale, name: str) -> str:
    """Return one live number of a row in the list, or why there is none."""
    standing: Standing | None = getattr(sale, "standing", None)
    number = getattr(standing, name, None)
    if number is not None:
        return str(number)
    return gettext("not reachable") if standing and standing.is_live else "—"


def _by_its_clocks(sale: Sale, field: str) -> str:
    moment = getattr(sale, field)
    return f"{date_format(moment.astimezone(sale.zone), 'j M Y H:i:s')} ({sale.time_zone})" if moment else "—"

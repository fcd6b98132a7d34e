"""The one form in which a sale is made and changed. What may be changed when is the admin class' business."""

import zoneinfo
from datetime import datetime
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sales.admin import zones
from sales.admin.base import ModelForm, SlugField
from sales.models import Sale

WINDOW = ("opens_at", "closes_at")
SEEN_STATE = "seen_state"  # not a field of the sale


class SaleForm(ModelForm[Sale]):
    """A sale, its window entered and shown as the clocks of its own time zone show it."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("The window is read, and shown in the shop, in this zone.")
    )
    opens_at = zones.WallClockField(label=_("Opens"), help_text=_("By the clocks of the time zone above."))
    closes_at = zones.WallClockField(
        label=_("Ends"), help_text=_("The first moment at which nobody can buy any more, by the same clocks.")
    )

    seen_state = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Sale
        fields = (
            "slug",
            "product",
            "stock",
            "limit",
            "time_zone",
            "opens_at",
            "closes_at",
            "hold_seconds",
            "hold_extension_seconds",
            "cancelled_counts",
            "on_ledger_loss",
        )
        field_classes = {"slug": SlugField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial[SEEN_STATE] = self.instance.state
        if not self.instance.pk:
            self.initial.setdefault("time_zone", settings.TIME_ZONE)
        if "time_zone" in self.fields:
            field = cast("forms.ChoiceField", self.fields["time_zone"])
            field.choices = zones.choices_with(self.initial.get("time_zone", ""))
        for name in WINDOW:
            if isinstance(moment := self.initial.get(name), datetime) and moment.tzinfo is not None:
                self.initial[name] = zones.shown(moment=moment, zone=self.instance.zone)

    def clean(self) -> dict[str, Any]:
        """Turn what the clocks show into instants; refuse times that stand for none or two."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.pop(SEEN_STATE, "") not in ("", self.instance.state):
            sentence = _("This sale is %(state)s since you opened the form. Nothing was saved; look at it again.")
            self.add_error(None, ValidationError(sentence, params={"state": self.instance.state}))
        # With a zone that is none nothing is stored; the other mistakes are still found, by any clocks.
        zone = zoneinfo.ZoneInfo(cleaned.get("time_zone") or "UTC")
        for name in WINDOW:
            if (wall := cleaned.get(name)) is not None:
                try:
                    cleaned[name] = self._instant(name, wall, zone)
                except ValidationError as refusal:
                    self.add_error(name, refusal)
        return cleaned

    def _instant(self, name: str, wall: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
        """Return the instant meant; an untouched one as it was, also where clocks show its time twice."""
        if wall == self.initial.get(name) and zone.key == self.initial.get("time_zone") and self.instance.pk:
            untouched: datetime = getattr(self.instance, name)
            return untouched
        return zones.instant(wall=wall, zone=zone)

"""The trail: who did what to a sale or an order, when, from what to what, and why."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sales.models.orders import Order
from sales.models.sales import Sale


class TrailEntry(models.Model):
    """One act. Rows are only ever added."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    who = models.CharField(_("who"), max_length=150, help_text=_("An e-mail address, or the program that acted."))
    sale = models.ForeignKey(
        Sale, on_delete=models.PROTECT, null=True, blank=True, related_name="trail", verbose_name=_("sale")
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="trail", verbose_name=_("order")
    )
    act = models.CharField(_("what"), max_length=40)
    before = models.JSONField(_("before"), default=dict, blank=True)
    after = models.JSONField(_("after"), default=dict, blank=True)
    why = models.CharField(_("why"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("trail entry")
        verbose_name_plural = _("trail")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.act} ({self.who})"

"""Changes of stock and window of a running sale: asked, then in the ledger and on record, then done. Or refused."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sales.domain.states import ChangeState
from sales.models.orders import Order
from sales.models.sales import MAX_STOCK, Sale


class StockChange(models.Model):
    """One change of a sale. Its values are absolute, so that saying them again is harmless.

    `number` is that of the last change done, plus one. A refused change keeps its reason and gives its number back. At
    most one change of a sale is asked at any time: whoever comes second is told who is changing it.
    """

    States = ChangeState

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="stock_changes", verbose_name=_("sale"))
    number = models.PositiveIntegerField(_("number"))
    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stock_changes",
        verbose_name=_("order"),
        help_text=_("The cancelled order whose unit is kept back; a change of its own has none."),
    )
    stock_from = models.PositiveIntegerField(_("stock before"))
    stock_to = models.PositiveIntegerField(_("stock after"))
    opens_from = models.DateTimeField(_("opening before"))
    opens_to = models.DateTimeField(_("opening after"))
    closes_from = models.DateTimeField(_("end before"))
    closes_to = models.DateTimeField(_("end after"))
    state = models.CharField(
        _("state"), max_length=10, choices=[(s.value, s.value) for s in ChangeState], default=ChangeState.ASKED
    )
    refusal = models.CharField(_("why refused"), max_length=500, blank=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("account"),
    )
    who = models.CharField(_("who"), max_length=150)
    why = models.CharField(_("why"), max_length=500)
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    ended_at = models.DateTimeField(_("done or refused"), null=True, blank=True)

    class Meta:
        verbose_name = _("change of stock or window")
        verbose_name_plural = _("changes of stock and window")
        ordering = ("-asked_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("sale", "number"), condition=~Q(state=ChangeState.REFUSED), name="change_number_once_per_sale"
            ),
            models.UniqueConstraint(
                fields=("sale",), condition=Q(state=ChangeState.ASKED), name="change_one_open_per_sale"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="change_numbers_from_one"),
            models.CheckConstraint(condition=Q(stock_to__lte=MAX_STOCK), name="change_stock_in_range"),
            models.CheckConstraint(condition=Q(closes_to__gt=F("opens_to")), name="change_ends_after_it_opens"),
            models.CheckConstraint(condition=Q(state__in=list(ChangeState)), name="change_state_known"),
            models.CheckConstraint(
                condition=Q(state=ChangeState.ASKED, ended_at=None)
                | (~Q(state=ChangeState.ASKED) & Q(ended_at__isnull=False)),
                name="change_ended_has_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sale} #{self.number}"

    @property
    def raises_stock(self) -> bool:
        """Whether the record goes first: the ledger must never sell from more than is on record."""
        return self.stock_to > self.stock_from

    @property
    def moves_window(self) -> bool:
        """Whether opening or end change."""
        return (self.opens_from, self.closes_from) != (self.opens_to, self.closes_to)

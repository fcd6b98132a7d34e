"""Orders on record: one per unit bought, with all that must outlive the live ledger."""

from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sales.domain import references
from sales.domain.states import ChangeState, OrderState
from sales.models.sales import Sale


class Order(models.Model):
    """A unit that somebody bought.

    Unique where not cancelled: the unit, and the shopper's slot, within the sale. The order id is unique for good.
    """

    States = OrderState

    order_id = models.UUIDField(_("order id"), unique=True, editable=False)
    reference = models.CharField(_("reference"), max_length=8, editable=False)  # found by the order ids it stands for
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="orders", verbose_name=_("sale"))
    shopper = models.CharField(_("shopper"), max_length=250)
    slot = models.PositiveIntegerField(_("slot"))
    unit = models.PositiveIntegerField(_("unit"))
    epoch = models.BigIntegerField(_("ledger epoch"))
    seq = models.BigIntegerField(_("event number"))
    key_digest = models.CharField(_("Idempotency-Key digest"), max_length=11, blank=True)
    taken_at = models.DateTimeField(_("taken"))
    bought_at = models.DateTimeField(_("bought"))
    recorded_at = models.DateTimeField(_("recorded"))
    product_name = models.CharField(_("product"), max_length=120)
    product_subtitle = models.CharField(_("subtitle"), max_length=160, blank=True)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=3)
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(
        _("state"), max_length=10, choices=[(s.value, s.value) for s in OrderState], default=OrderState.RECORDED
    )
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    cancel_reason = models.CharField(_("reason"), max_length=500, blank=True)
    kept_back = models.BooleanField(
        _("kept back"), default=False, help_text=_("Whether its unit was kept back when it was cancelled.")
    )
    ledger_state = models.CharField(
        _("cancelled in the ledger"),
        max_length=10,
        blank=True,
        choices=[(s.value, s.value) for s in (ChangeState.ASKED, ChangeState.DONE)],
        help_text=_("Asked: it is cancelled on record, and the ledger is about to be told."),
    )

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ("-bought_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("sale", "unit"), condition=~Q(state=OrderState.CANCELLED), name="order_unit_once_per_sale"
            ),
            models.UniqueConstraint(
                fields=("sale", "shopper", "slot"),
                condition=~Q(state=OrderState.CANCELLED),
                name="order_slot_once_per_shopper",
            ),
            models.CheckConstraint(condition=Q(unit__gte=1, slot__gte=1), name="order_numbers_from_one"),
            models.CheckConstraint(condition=Q(state__in=list(OrderState)), name="order_state_known"),
            models.CheckConstraint(
                condition=Q(state=OrderState.CANCELLED, cancelled_at__isnull=False)
                | Q(state=OrderState.RECORDED, cancelled_at=None),
                name="order_cancelled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(ledger_state="")
                | Q(ledger_state__in=[ChangeState.ASKED, ChangeState.DONE], state=OrderState.CANCELLED),
                name="order_asked_only_if_cancelled",
            ),
        )
        indexes = (
            models.Index(fields=("shopper", "-bought_at"), name="order_by_shopper"),
            models.Index(fields=("sale", "key_digest"), name="order_by_key"),
            models.Index(fields=("sale", "seq"), name="order_by_seq"),
            models.Index(fields=("sale",), condition=Q(ledger_state=ChangeState.ASKED), name="order_cancel_asked"),
        )

    def __str__(self) -> str:
        return references.spaced(self.reference)

    @staticmethod
    def reference_of(order_id: UUID) -> str:
        """Return the eight characters under which people know an order."""
        return references.of(order_id)

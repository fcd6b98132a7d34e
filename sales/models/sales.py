"""A sale on record: what is sold, how many, when, to whom, and how far the stream has been recorded."""

import zoneinfo
from datetime import UTC, datetime
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sales.domain.states import FOLLOWERS, LIVE_STATES, SaleState
from sales.models.products import Product

MAX_STOCK = 9_999_999  # the ledger writes a unit's number with seven digits
MAX_LIMIT = 100
MAX_HOLD_SECONDS = 86_400


class OnLedgerLoss(models.TextChoices):
    """What to do when the live ledger may have lost purchases that were not yet on record."""

    WAIT = "wait", _("stop until somebody decides")
    SELL_ON = "sell_on", _("sell on, and say what may be missing")


class Sale(models.Model):
    """One product, a stock of units, a window, a limit per shopper.

    `recorded` counts the orders that are not cancelled. It moves in the transaction that writes or cancels them, and a
    constraint keeps it within the stock: whatever the live ledger says, the database cannot store an oversell.
    """

    States = SaleState

    slug = models.SlugField(
        _("slug"),
        max_length=80,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Use small letters, digits and single dashes."))],
        help_text=_("The sale's name in addresses and in the API. It stays for good."),
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="sales", verbose_name=_("product"))
    stock = models.PositiveIntegerField(_("stock"), validators=[MinValueValidator(1), MaxValueValidator(MAX_STOCK)])
    limit = models.PositiveSmallIntegerField(
        _("limit per shopper"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_LIMIT)]
    )
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("ends"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    hold_seconds = models.PositiveIntegerField(
        _("hold time"),
        default=0,
        validators=[MaxValueValidator(MAX_HOLD_SECONDS)],
        help_text=_("Seconds that a unit is kept while its shopper confirms. 0: bought at once."),
    )
    hold_extension_seconds = models.PositiveIntegerField(
        _("hold extension"),
        default=0,
        validators=[MaxValueValidator(MAX_HOLD_SECONDS)],
        help_text=_("Seconds that a shopper may add once. 0: no extension."),
    )
    cancelled_counts = models.BooleanField(
        _("a cancelled order counts to the limit"),
        default=False,
        help_text=_("If so, whose order was cancelled cannot buy again in this sale."),
    )
    on_ledger_loss = models.CharField(
        _("when the ledger lost purchases"), max_length=10, choices=OnLedgerLoss, default=OnLedgerLoss.WAIT
    )

    state = models.CharField(
        _("state"),
        max_length=10,
        choices=[(s.value, s.value) for s in SaleState],
        default=SaleState.DRAFT,
        editable=False,
    )
    state_number = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Counts state changes, so that the ledger can tell a late one.")
    )
    recorded = models.PositiveIntegerField(_("orders on record"), default=0, editable=False)
    stream_offset = models.BigIntegerField(
        default=0, editable=False, help_text=_("Number of the last event that is on record.")
    )
    ledger_epoch = models.BigIntegerField(
        default=0,
        editable=False,
        help_text=_("Epoch in which the live ledger was last known to hold this sale. 0: it was never put there."),
    )
    quiet_number = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text=_("Number of the pause or close after which nothing was held and everything was on record."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True, editable=False)

    FIXED_ONCE_PUBLISHED: ClassVar = (
        "slug",
        "product",
        "limit",
        "hold_seconds",
        "hold_extension_seconds",
        "cancelled_counts",
    )

    class Meta:
        verbose_name = _("sale")
        verbose_name_plural = _("sales")
        ordering = ("-opens_at", "-pk")
        constraints = (
            # 0 where the last unit of a running sale was kept back; a new sale starts with 1 at the least.
            models.CheckConstraint(condition=Q(stock__gte=0, stock__lte=MAX_STOCK), name="sale_stock_in_range"),
            models.CheckConstraint(condition=Q(limit__gte=1, limit__lte=MAX_LIMIT), name="sale_limit_in_range"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")),
                name="sale_ends_after_it_opens",
                violation_error_message=_("A sale must end after it opens."),
            ),
            models.CheckConstraint(condition=Q(state__in=list(SaleState)), name="sale_state_known"),
            models.CheckConstraint(
                condition=Q(recorded__gte=0, recorded__lte=F("stock")),
                name="sale_recorded_within_stock",
                violation_error_message=_("There are more orders on record than this stock."),
            ),
            models.CheckConstraint(
                condition=Q(hold_seconds__lte=MAX_HOLD_SECONDS, hold_extension_seconds__lte=MAX_HOLD_SECONDS)
                & (Q(hold_extension_seconds=0) | Q(hold_seconds__gt=0)),
                name="sale_hold_in_range",
                violation_error_message=_("Only a sale with a hold time can have an extension."),
            ),
        )
        indexes = (models.Index(fields=("state", "-opens_at"), name="sale_by_state"),)

    def __str__(self) -> str:
        return self.slug

    @property
    def is_live(self) -> bool:
        """Whether the live ledger answers for this sale."""
        return self.state in LIVE_STATES

    @property
    def is_new_to_ledger(self) -> bool:
        """Whether the live ledger never had this sale, so that putting it there can sell nothing twice."""
        return self.ledger_epoch == 0 and self.stream_offset == 0 and self.recorded == 0

    @property
    def is_quiet(self) -> bool:
        """Whether it is paused or closed, and since then nothing could have been sold that is not on record."""
        return self.state in (SaleState.PAUSED, SaleState.CLOSED) and self.quiet_number == self.state_number

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone in which the shop thinks of this sale."""
        return zoneinfo.ZoneInfo(self.time_zone)

    def may_become(self, state: SaleState) -> bool:
        """Whether this state may follow the present one."""
        return state in FOLLOWERS[SaleState(self.state)]

    def clean(self) -> None:
        """Refuse mistakes with a sentence at the field."""
        mistakes: dict[str, str] = {}
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            mistakes["closes_at"] = gettext("A sale must end after it opens.")
        if self.time_zone not in zoneinfo.available_timezones():
            mistakes["time_zone"] = gettext("This is not a time zone. Use a name such as Europe/Berlin.")
        if self.hold_extension_seconds and not self.hold_seconds:
            mistakes["hold_extension_seconds"] = gettext("Only a sale with a hold time can have an extension.")
        if self.stock is not None and self.stock < self.recorded:
            mistakes["stock"] = gettext("%(count)d are on record already; stock cannot be less.") % {
                "count": self.recorded
            }
        if self.state == SaleState.DRAFT and self.closes_at and self.closes_at <= datetime.now(UTC):
            mistakes.setdefault("closes_at", gettext("This sale would be over before it is published."))
        mistakes.update(self._changed_though_fixed())
        if mistakes:
            raise ValidationError(mistakes)

    def _changed_though_fixed(self) -> dict[str, str]:
        if self.pk is None or self.state == SaleState.DRAFT:
            return {}
        before = Sale.objects.get(pk=self.pk)
        sentence = gettext("This is fixed once a sale is published.")
        return {name: sentence for name in self.FIXED_ONCE_PUBLISHED if getattr(before, name) != getattr(self, name)}

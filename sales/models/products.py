"""What is sold: name, words, picture and price. Price and names are copied into each order."""

from pathlib import PurePath
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pictures.models import PictureField

from sales.domain import currencies


class CompareAtMeaning(models.TextChoices):
    """What the other price is. A struck price without a source is not shown."""

    BEFORE = "before", _("our price before")
    LOWEST_30_DAYS = "lowest_30_days", _("our lowest price in the last 30 days")
    RECOMMENDED = "recommended", _("the maker's recommended price")


def _place(_product: "Product", name: str) -> str:
    """Return where a picture is kept: under a name of ours, of which only the ending is its owner's."""
    return f"products/{uuid4().hex}{PurePath(name).suffix.lower()}"


class Product(models.Model):
    """One thing that a shop sells, whatever the sale."""

    name = models.CharField(_("name"), max_length=120)
    subtitle = models.CharField(
        _("subtitle"), max_length=160, blank=True, help_text=_("One line above the name: kind, size, edition.")
    )
    description = models.TextField(_("description"), blank=True)
    picture = PictureField(
        _("picture"),
        upload_to=_place,
        blank=True,
        width_field="picture_width",
        height_field="picture_height",
        # 400, 800 and 1,600 pixels wide, as far as there are so many, in each format; none is made larger than it is.
        container_width=800,
        grid_columns=2,
        breakpoints={"wide": 768},
        file_types=["AVIF", "WEBP", "JPEG"],
    )
    picture_width = models.PositiveIntegerField(null=True, blank=True, editable=False)
    picture_height = models.PositiveIntegerField(null=True, blank=True, editable=False)
    picture_alt = models.CharField(
        _("picture in words"), max_length=250, blank=True, help_text=_("For those who cannot see it.")
    )
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=3, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3, help_text=_("Three letters, such as EUR."))
    compare_at_price = models.DecimalField(
        _("compare-at price"), max_digits=12, decimal_places=3, null=True, blank=True, help_text=_("Shown struck.")
    )
    compare_at_meaning = models.CharField(
        _("what the compare-at price is"), max_length=20, choices=CompareAtMeaning, blank=True
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ("name", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(price__gte=0),
                name="product_price_not_negative",
                violation_error_message=_("A price cannot be negative."),
            ),
            models.CheckConstraint(
                condition=Q(compare_at_price=None) | Q(compare_at_price__gt=F("price")),
                name="product_compare_at_above_price",
                violation_error_message=_("The compare-at price must be above the price."),
            ),
            models.CheckConstraint(
                condition=Q(compare_at_price=None, compare_at_meaning="")
                | (Q(compare_at_price__isnull=False) & Q(compare_at_meaning__in=CompareAtMeaning.values)),
                name="product_compare_at_has_meaning",
                violation_error_message=_("Say what the compare-at price is, and give one only with its meaning."),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse mistakes with a sentence at the field."""
        self.currency = self.currency.upper()
        mistakes: dict[str, str] = {}
        if not currencies.is_known(self.currency):
            mistakes["currency"] = gettext("This is not a currency. Use its three letters, such as EUR, USD or JPY.")
        else:
            for field in ("price", "compare_at_price"):
                amount = getattr(self, field)
                if amount is not None and not currencies.fits(amount=amount, currency=self.currency):
                    mistakes[field] = gettext("%(currency)s has %(digits)d decimal places.") % {
                        "currency": self.currency,
                        "digits": currencies.digits(self.currency),
                    }
        if self.compare_at_price is not None:
            if self.price is not None and self.compare_at_price <= self.price:
                mistakes["compare_at_price"] = gettext("The compare-at price must be above the price.")
            if not self.compare_at_meaning:
                mistakes["compare_at_meaning"] = gettext(
                    "Say what the compare-at price is. Without a source it is not shown."
                )
        elif self.compare_at_meaning:
            mistakes["compare_at_price"] = gettext("Give the price that this describes, or leave both empty.")
        if self.picture and not self.picture_alt:
            mistakes["picture_alt"] = gettext("Say in a sentence what the picture shows.")
        if mistakes:
            raise ValidationError(mistakes)

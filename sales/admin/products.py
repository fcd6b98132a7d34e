"""Products in the admin. What a mistake is, is the model's business."""

from decimal import Decimal
from pathlib import PurePath
from typing import Any, override

from babel.numbers import format_currency
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext, to_locale
from django.utils.translation import gettext_lazy as _
from PIL import Image

from sales import conf
from sales.admin.base import ModelAdmin, ModelForm, refused
from sales.domain import currencies
from sales.models import Product

MOST_PICTURE_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
PICTURES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".avif": "AVIF", ".gif": "GIF"}


class ProductForm(ModelForm[Product]):
    """The product as the model has it; only the inputs are ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in ("price", "compare_at_price"):
            amount = self.initial.get(field)
            if isinstance(amount, Decimal) and currencies.is_known(self.instance.currency):
                self.initial[field] = round(amount, currencies.digits(self.instance.currency))

    def clean_picture(self) -> Any:
        """Refuse what browsers do not show, and what would make the shop slow."""
        picture = self.cleaned_data["picture"]
        if not picture or "picture" not in self.changed_data:
            return picture
        # The ending decides as what it is served, so it must be that of the content.
        if PICTURES.get(PurePath(picture.name).suffix.lower()) != picture.image.format:
            raise ValidationError(
                _("Browsers do not show this kind of picture. Use JPEG, PNG, WebP, AVIF or GIF, named for what it is.")
            )
        if picture.image.width * picture.image.height > MOST_PIXELS:
            raise ValidationError(
                _("This picture has %(width)s by %(height)s pixels. Make it smaller first."),
                params={"width": picture.image.width, "height": picture.image.height},
            )
        if picture.size > MOST_PICTURE_BYTES:
            raise ValidationError(
                _("This picture has %(size)s; the most is %(most)s. Make it smaller first."),
                params={"size": filesizeformat(picture.size), "most": filesizeformat(MOST_PICTURE_BYTES)},
            )
        _look_through(picture)
        return picture

    class Meta:
        widgets = {
            "currency": forms.TextInput(attrs={"size": 4, "maxlength": 3, "autocapitalize": "characters"}),
            "subtitle": forms.TextInput(attrs={"class": "vTextField"}),
            "picture_alt": forms.TextInput(attrs={"class": "vTextField"}),
        }


def _look_through(picture: Any) -> None:
    """Refuse a picture that ends early or is damaged inside: no smaller one could be made of it."""
    picture.seek(0)
    try:
        with Image.open(picture) as opened:
            opened.load()
    except (OSError, SyntaxError, ValueError) as fault:
        raise ValidationError(_("This picture is damaged. Save it anew and upload that.")) from fault
    finally:
        picture.seek(0)


@admin.register(Product)
class ProductAdmin(ModelAdmin[Product]):
    """What is sold."""

    form = ProductForm
    list_display = ("name", "subtitle", "price_written", "compare_at_written", "created_at")
    search_fields = ("name", "subtitle")
    ordering = ("name", "pk")
    readonly_fields = ("picture_shown", "created_at")
    actions = None  # products go one at a time, so that a refusal can say why
    fieldsets = (
        (None, {"fields": ("name", "subtitle", "description")}),
        (_("Picture"), {"fields": ("picture", "picture_shown", "picture_alt")}),
        (
            _("Price"),
            {
                "fields": (("price", "currency"), ("compare_at_price", "compare_at_meaning")),
                "description": _(
                    "Price and names are copied into each order: changing them here changes no order that exists."
                ),
            },
        ),
        (None, {"fields": ("created_at",)}),
    )

    @admin.display(description=_("price"), ordering="price")
    def price_written(self, product: Product) -> str:
        """Return the price as people write it."""
        return format_currency(product.price, product.currency, locale=_locale())

    @admin.display(description=_("compare-at price"), ordering="compare_at_price")
    def compare_at_written(self, product: Product) -> str:
        """Return the other price with what it is."""
        if product.compare_at_price is None:
            return ""
        price = format_currency(product.compare_at_price, product.currency, locale=_locale())
        return f"{price} ({product.get_compare_at_meaning_display()})"

    @admin.display(description=_("as shown"))
    def picture_shown(self, product: Product) -> str:
        """Return the picture, small."""
        if not product.picture:
            return str(_("No picture. The shop shows a drawing in its place."))
        return format_html('<img src="{}" alt="{}" height="160">', product.picture.url, product.picture_alt)

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the shop's own currency."""
        return {"currency": conf.current().shop_currency, **super().get_changeform_initial_data(request)}

    @override
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse, in a sentence, what a sale still needs."""
        product = self.get_object(request, object_id)
        if product and self.has_delete_permission(request, product) and (sales := product.sales.count()):
            sentence = ngettext(
                "%(product)s stays: %(count)d sale sells it. Only a product without sales can be deleted.",
                "%(product)s stays: %(count)d sales sell it. Only a product without sales can be deleted.",
                sales,
            )
            return refused(request, sentence % {"product": product.name, "count": sales}, row=product)
        return super().delete_view(request, object_id, extra_context)


def _locale() -> str:
    return to_locale(get_language() or "en")

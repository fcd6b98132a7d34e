"""How forms that are not ours are shown: the words of this shop on a field, and nothing written into it beforehand."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def label(field: BoundField) -> str:
    """Name a field; one for an e-mail address is called so wherever it stands."""
    is_address = getattr(field.field.widget, "input_type", "") == "email"
    return _("E-mail") if is_address else str(field.label)


@register.filter(name="input")
def without_placeholder(field: BoundField) -> SafeString:
    """Write a field without a placeholder, which would only repeat its label and then vanish."""
    return field.as_widget(attrs={"placeholder": False})

"""What our admin classes have in common: types for Django's generics, read-only tables, refusals in a sentence.

Nothing here knows a model.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.validators import RegexValidator
from django.db.models import Model
from django.forms import SlugField as DjangoSlugField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

__all__ = [
    "AdminUserCreationForm",
    "ModelAdmin",
    "ModelForm",
    "ReadOnly",
    "Rows",
    "SlugField",
    "TabularInline",
    "UserAdmin",
    "UserChangeForm",
    "change_url",
    "clock",
    "moment",
    "refused",
]

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.contrib.auth.admin import UserAdmin
    from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
    from django.forms import ModelForm
    from django.utils.functional import _StrPromise
else:
    # For the type checker these classes take the model as a parameter; Django's own do not, so here they ignore it.
    from django import forms
    from django.contrib.auth import admin as auth_admin
    from django.contrib.auth import forms as auth_forms

    def _with_parameter(django_class):
        return type(django_class)(
            django_class.__name__,
            (django_class,),
            {"__module__": __name__, "__class_getitem__": classmethod(lambda cls, _model: cls)},
        )

    ModelAdmin = _with_parameter(admin.ModelAdmin)
    TabularInline = _with_parameter(admin.TabularInline)
    UserAdmin = _with_parameter(auth_admin.UserAdmin)
    AdminUserCreationForm = _with_parameter(auth_forms.AdminUserCreationForm)
    UserChangeForm = _with_parameter(auth_forms.UserChangeForm)
    ModelForm = _with_parameter(forms.ModelForm)


class SlugField(DjangoSlugField):
    """A slug, with our one sentence where Django's own would allow capitals and underscores first."""

    default_validators = [
        RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Use small letters, digits and single dashes."))
    ]


class ReadOnly:
    """Mixed into an admin or inline class: who may see the rows may see them, and nobody changes them by hand."""

    def has_add_permission(self, *_asked: Any) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, *_asked: Any) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, *_asked: Any) -> bool:
        """Nobody."""
        return False


class Rows(ReadOnly, TabularInline[Any, Any]):
    """Rows below the one whose page it is, only to be read."""

    template = "admin/sales/rows.html"
    extra = 0
    can_delete = False


def clock(moment: datetime | None, *, digits: int = 0) -> str:
    """Return what the shop's clocks show, to the second, with so many digits after it."""
    if moment is None:
        return "—"
    local = timezone.localtime(moment)
    fraction = f".{local.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{date_format(local, 'j M Y H:i:s')}{fraction}"


def moment(field: str, description: "str | _StrPromise", *, digits: int = 0) -> Callable[[Any, Any], str]:
    """Return a method for a class of the admin: the column that shows this field as `clock` does."""

    @admin.display(description=description, ordering=field)
    def shown(_admin: Any, row: Any) -> str:
        return clock(getattr(row, field), digits=digits)

    return shown


def change_url(row: Model) -> str:
    """Return the address of the page on which this row is changed."""
    return reverse(f"admin:sales_{type(row).__name__.lower()}_change", args=[row.pk])


def refused(request: HttpRequest, sentence: str, *, row: Model) -> HttpResponse:
    """Go back to the row's page, with the sentence that says why not."""
    messages.error(request, sentence)
    return HttpResponseRedirect(change_url(row))

"""Accounts in the admin: by e-mail address, without a user name. Signing in and out is allauth's business."""

from typing import Any, override

import allauth.account.admin  # noqa: F401 (registers a class of its own, which is taken away below)
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sales.admin.base import AdminUserCreationForm, UserAdmin, UserChangeForm
from sales.models import Account

# Whoever may write there could give an account that may do more an address of their own, and reset its password.
admin.site.unregister(EmailAddress)

_POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


class AccountCreationForm(AdminUserCreationForm[Account]):
    """A new account: its address and, if it has one, its password."""

    class Meta:
        model = Account
        fields = ("email",)


class AccountChangeForm(UserChangeForm[Account]):
    """An account that exists."""

    class Meta:
        model = Account
        fields = "__all__"


@admin.register(Account)
class AccountAdmin(UserAdmin[Account]):
    """Who signs in here."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Name"), {"fields": ("first_name", "last_name")}),
        (
            _("May"),
            {
                "fields": ("is_active", *_POWERS),
                "description": _("An account is never deleted, because its orders name it. Make it inactive instead."),
            },
        ),
        (_("When"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Let nobody change the account of somebody who may do more, or its password would be theirs."""
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Nobody: orders name the account."""
        return False

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """Let only those who may do everything say who may do what."""
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *_POWERS)

    @override
    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Save; with a new address, forget those confirmed before: their owners could still reset the password."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).exclude(email__iexact=obj.email).delete()

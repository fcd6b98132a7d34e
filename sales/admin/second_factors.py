"""Second factors in the admin: to take away one whose owner lost it. What is secret in one is shown to nobody."""

from typing import Any, override

import allauth.mfa.admin  # noqa: F401 (registers a class of its own, which is replaced below)
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.http import HttpRequest

from sales.admin.base import ModelAdmin

# allauth's own form shows the secret and lets it be written.
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class SecondFactorAdmin(ModelAdmin[Any]):
    """Who has which second factor."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    actions = None
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: its owner sets it up."""
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody weaken the door of somebody who may do more."""
        above = obj is not None and obj.user.is_superuser and not request.user.is_superuser
        return not above and super().has_delete_permission(request, obj)

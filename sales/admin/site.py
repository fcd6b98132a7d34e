"""The admin site itself: its name, and its door.

Staff sign in where everybody does, so that limits and the second factor hold for them, too.
"""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sales.admin import door
from sales.models import Account
from sales.services.acting import Actor

admin.site.site_header = _("Flash sales")
admin.site.site_title = _("Flash sales")
admin.site.index_title = _("The shop, from behind")
admin.site.login = secure_admin_login(door.leads_to_a_factor(admin.site.login))  # type: ignore[method-assign]
_is_staff = admin.site.has_permission


def may_enter(request: HttpRequest) -> bool:
    """Whether this request may see the admin: one of staff, with a second factor where that is asked for."""
    return _is_staff(request) and door.is_open(request)


admin.site.has_permission = may_enter  # type: ignore[method-assign]


def actor(request: HttpRequest) -> Actor:
    """Return who acts in this request; the admin has made sure that somebody is signed in."""
    account = request.user
    if not isinstance(account, Account):
        raise TypeError("Nobody is signed in.")
    return Actor(who=account.email[:150], account_pk=account.pk)

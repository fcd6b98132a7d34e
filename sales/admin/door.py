"""The second lock on the admin's door: where REQUIRE_STAFF_MFA is on, a session of staff needs a second factor.

It counts for the session in which it was shown: at sign-in, when asked again, or when it was set up. Who has none is
led to set one up, who did not show it is asked. What a factor is, and its pages, is allauth's business.
"""

from collections.abc import Callable
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa import signals
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from sales import conf

_SET_UP_BY = "second_factor_set_up_by"

type View = Callable[..., HttpResponse]


def is_open(request: HttpRequest) -> bool:
    """Whether this request may go in, as far as the second lock is concerned."""
    return not conf.current().require_staff_mfa or (_was_shown(request) and is_mfa_enabled(request.user))


def leads_to_a_factor(login: View) -> View:
    """Wrap the admin's login: staff who are signed in and stand before the second lock are led to what opens it."""

    def led(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if is_open(request):
            return login(request, extra_context)
        if is_mfa_enabled(request.user):
            return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': _wanted(request)})}")
        messages.info(request, _("The admin opens with a second factor. Set one up, and then come back."))
        return redirect("mfa_activate_totp")

    return led


@receiver(signals.authenticator_added, dispatch_uid="door")
def remember(request: HttpRequest, user: Any, **_: object) -> None:
    """Whoever sets a factor up has just shown it."""
    request.session[_SET_UP_BY] = user.pk


def _was_shown(request: HttpRequest) -> bool:
    methods = {record.get("method") for record in get_authentication_records(request, request.user)}
    return "mfa" in methods or request.session.get(_SET_UP_BY) == request.user.pk


def _wanted(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("admin:index")

"""API clients in the admin, with their keys: make one (its text is shown once), revoke one."""

from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sales.admin.base import ModelAdmin, ModelForm, Rows, SlugField, change_url, moment
from sales.admin.site import actor
from sales.admin.zones import WallClockInput
from sales.models import ApiClient, ApiKey
from sales.services import api_clients
from sales.services.acting import WHY_LENGTH


class KeyForm(forms.Form):
    """What a new key may be used for, and until when."""

    scopes = forms.MultipleChoiceField(
        label=_("May"),
        choices=ApiKey.Scopes,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what the key may be used for.")},
    )
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=WallClockInput(),
        help_text=_("By the shop's clock. Empty: it does not expire."),
        error_messages={"invalid": _("This is not a date and a time. Write them like 2026-11-27 18:00.")},
    )

    def clean_expires_at(self) -> Any:
        """Refuse a key that would be of no use."""
        expires_at = self.cleaned_data["expires_at"]
        if expires_at and expires_at <= timezone.now():
            raise forms.ValidationError(_("This time has passed."))
        return expires_at


class ApiClientForm(ModelForm[ApiClient]):
    """A client as the model has it."""

    class Meta:
        field_classes = {"slug": SlugField}


class RevokeForm(forms.Form):
    """Why; it goes into the trail."""

    why = forms.CharField(
        label=_("Why"), max_length=WHY_LENGTH, required=False, widget=forms.TextInput(attrs={"class": "vTextField"})
    )


class KeyRows(Rows):
    """The keys of a client."""

    model = ApiKey
    fields = readonly_fields = ("shown", "may", "created", "expires", "revoked", "revoke")
    created = moment("created_at", _("created"))
    expires = moment("expires_at", _("expires"))
    revoked = moment("revoked_at", _("revoked"))

    @admin.display(description=_("key"))
    def shown(self, key: ApiKey) -> str:
        """Return the half that is no secret."""
        return str(key)

    @admin.display(description=_("may"))
    def may(self, key: ApiKey) -> str:
        """Return the scopes in words."""
        return "; ".join(str(ApiKey.Scopes(scope).label) for scope in key.scopes if scope in ApiKey.Scopes.values)

    @admin.display(description="")
    def revoke(self, key: ApiKey) -> str:
        """Return the way to the page that revokes it."""
        if key.revoked_at is not None:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("admin:sales_apikey_revoke", args=[key.pk]), _("Revoke"))


@admin.register(ApiClient)
class ApiClientAdmin(ModelAdmin[ApiClient]):
    """Programs that buy for their own users."""

    form = ApiClientForm

    class Media:
        css = {"all": ("ops/admin.css",)}

    list_display = ("slug", "name", "is_active", "purchase_rate", "lookup_rate", "usable_keys")
    list_filter = ("is_active",)
    search_fields = ("slug", "name")
    readonly_fields = ("created_at",)
    inlines = (KeyRows,)
    actions = None
    change_form_template = "admin/sales/apiclient/change_form.html"
    fieldsets = (
        (
            None,
            {
                "fields": ("slug", "name", "is_active"),
                "description": _(
                    "A client is never deleted, because its users are named after it. An inactive one cannot call."
                ),
            },
        ),
        (
            _("How often it may ask"),
            {
                "fields": ("purchase_rate", "lookup_rate"),
                "description": _("A count, a slash and a unit: 600/m, 20/10s."),
            },
        ),
        (None, {"fields": ("created_at",)}),
    )

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: ApiClient | None = None) -> tuple[str, ...]:
        """Keep the slug: it is part of who the client's users are."""
        return ("created_at", "slug") if obj else ("created_at",)

    @override
    def get_inlines(self, request: HttpRequest, obj: ApiClient | None) -> Any:
        """Return the keys; a client that is being made has none."""
        return self.inlines if obj else ()

    @override
    def has_delete_permission(self, request: HttpRequest, obj: ApiClient | None = None) -> bool:
        """Nobody."""
        return False

    @admin.display(description=_("keys in use"))
    def usable_keys(self, client: ApiClient) -> int:
        """Return how many keys could be used now."""
        now = timezone.now()
        return sum(key.holds_at(now) for key in client.keys.all())

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Return clients with their keys, in two queries."""
        return super().get_queryset(request).prefetch_related("keys")

    @override
    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        """Store it, with a row in the trail."""
        api_clients.save_client(client=obj, changed=form.changed_data, by=actor(request))

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the two pages about keys."""
        guard = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<int:pk>/make-key/", guard(self.make_key), name="sales_apiclient_make_key"),
            path("keys/<int:pk>/revoke/", guard(self.revoke_key), name="sales_apikey_revoke"),
        ]
        return pages + super().get_urls()

    def make_key(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what the key may do; on POST make it and show it, this once."""
        client = self._client(request, pk)
        form = KeyForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            issued = api_clients.issue_key(client_pk=client.pk, by=actor(request), **form.cleaned_data)
            return self._page(request, "key_made", client, title=gettext("A key for %s") % client, issued=issued)
        return self._page(request, "make_key", client, title=gettext("Make a key for %s") % client, form=form)

    def revoke_key(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what revoking means; on POST do it."""
        key = ApiKey.objects.filter(pk=pk).first()
        if key is None:
            raise Http404(gettext("There is no such key."))
        client = self._client(request, key.client_id)
        form = RevokeForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            if api_clients.revoke_key(key_pk=pk, by=actor(request), why=form.cleaned_data["why"]):
                messages.success(request, gettext("The key %s is revoked. Nobody can use it any more.") % key)
            else:
                messages.warning(request, gettext("The key %s was revoked already.") % key)
            return HttpResponseRedirect(change_url(client))
        return self._page(request, "revoke_key", client, title=gettext("Revoke %s") % key, form=form, key=key)

    def _client(self, request: HttpRequest, pk: int) -> ApiClient:
        """Return the client, if whoever asks may change it."""
        client = ApiClient.objects.filter(pk=pk).first()
        if client is None:
            raise Http404(gettext("There is no such client."))
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        return client

    def _page(self, request: HttpRequest, name: str, client: ApiClient, **more: Any) -> HttpResponse:
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "POST"])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": client,
            "media": self.media,
            **more,
        }
        return TemplateResponse(request, f"admin/sales/apiclient/{name}.html", context)

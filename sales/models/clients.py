"""Programs that may buy for their own users: API clients and their keys.

A key is shown once, when it is made; what is stored is its public half and a SHA-256 of the whole. A key is 256 random
bits, so a fast hash is enough: there is nothing to guess. Rotating keys does not change who a client's users are.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from sales.domain.rates import Rate


def check_rate(written: str) -> None:
    """Refuse what is not a rate such as `600/m`."""
    try:
        Rate.parse(written)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Scope(models.TextChoices):
    """What a key may be used for."""

    PURCHASE = "purchase", _("buy, confirm, extend and let go")
    LOOKUP = "lookup", _("look up purchases")


class ApiClient(models.Model):
    """A program that buys for its own users, each known by a userId."""

    slug = models.SlugField(
        _("slug"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$", _("Use small letters, digits and single dashes."))],
        help_text=_("Part of who its users are: it stays for good."),
    )
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)
    purchase_rate = models.CharField(_("purchases"), max_length=20, default="6000/m", validators=[check_rate])
    lookup_rate = models.CharField(_("look-ups"), max_length=20, default="12000/m", validators=[check_rate])
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """One key of a client: `fs_<public>_<secret>`."""

    Scopes = Scope

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="keys", verbose_name=_("client"))
    public = models.CharField(_("public half"), max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"fs_{self.public}_…"

    def holds_at(self, moment: datetime) -> bool:
        """Whether the key may be used at this moment; its client must be active, too."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

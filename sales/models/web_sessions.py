"""Web sessions that ended: what tells every worker that passes made in them are worth nothing any more."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class WebSessionEnd(models.Model):
    """One end: of one web session, by its digest; or of all that an account had until then."""

    at = models.DateTimeField(_("when"), db_index=True)
    session = models.CharField(_("web session"), max_length=16, blank=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("account"),
    )

    class Meta:
        verbose_name = _("end of a web session")
        verbose_name_plural = _("ends of web sessions")

    def __str__(self) -> str:
        return self.session or f"{self.account}, {self.at}"

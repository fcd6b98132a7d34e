"""Who asked to be reminded by e-mail before a sale opens. When mails go, and that none goes twice: `reminding`."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sales.models.sales import Sale


class Reminder(models.Model):
    """One wish of one account for one sale.

    `told_opening` is the opening for which a mail is taken care of: whoever moves it from what it read to the sale's
    own, in one conditional update, sends that mail. An opening that moves is thereby told of anew.
    """

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reminders", verbose_name=_("account")
    )
    sale = models.ForeignKey(Sale, on_delete=models.CASCADE, related_name="reminders", verbose_name=_("sale"))
    language = models.CharField(_("language"), max_length=15, help_text=_("That of the page on which it was asked."))
    page = models.CharField(_("page"), max_length=500, help_text=_("The sale's address, as it was when it was asked."))
    asked_at = models.DateTimeField(_("asked"), auto_now_add=True)
    told_opening = models.DateTimeField(_("opening that it is about"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints = (models.UniqueConstraint(fields=("account", "sale"), name="reminder_once_per_account"),)

    def __str__(self) -> str:
        return f"{self.account}: {self.sale}"

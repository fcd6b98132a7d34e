"""What the record knows of the live ledger: its servers, the events it could not take, and what went wrong."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sales.models.sales import Sale


class LedgerServer(models.Model):
    """One ledger server as last proven: which run of it, and the epoch that sells.

    Web processes take the epoch from here and not from the ledger, so that an old ledger cannot vouch for itself.
    `proven_at` is empty from the moment in which the epoch is raised until every sale has been looked at.
    """

    THE_LEDGER: ClassVar = "ledger"  # name of the one server there is

    name = models.CharField(max_length=40, unique=True)
    run_id = models.CharField(max_length=40, blank=True)
    replication_id = models.CharField(max_length=40, blank=True)  # changes where a replica becomes the primary
    promoted_epoch = models.BigIntegerField(default=0)  # begun with a promoted replica: what it has may lack the end
    epoch = models.BigIntegerField(default=0)
    proven_at = models.DateTimeField(null=True, blank=True)
    keeper_seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("ledger server")
        verbose_name_plural = _("ledger servers")

    def __str__(self) -> str:
        return self.name


class DeadLetterEnd(models.TextChoices):
    """What a person decided."""

    RETRIED = "retried", _("it is an order now")
    SETTLED = "settled", _("it is cancelled")


class DeadLetter(models.Model):
    """An event of the stream that the record refused; the rest goes on without it."""

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="dead_letters", verbose_name=_("sale"))
    epoch = models.BigIntegerField()
    seq = models.BigIntegerField(_("event number"))
    event = models.JSONField(_("event"))
    reason = models.TextField(_("reason"))
    created_at = models.DateTimeField(_("since"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    decision = models.CharField(
        _("decision"), max_length=10, blank=True, choices=[(each.value, each.value) for each in DeadLetterEnd]
    )
    ledger_asked = models.BooleanField(
        default=False, help_text=_("Whether it is decided on record, and the ledger is about to be told.")
    )

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering = ("-created_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("sale", "seq"), name="dead_letter_once_per_event"),)

    def __str__(self) -> str:
        return f"{self.sale} #{self.seq}"


class Incident(models.Model):
    """Something that should not be: what, by how much, since when, and when it ended."""

    sale = models.ForeignKey(
        Sale, on_delete=models.PROTECT, related_name="incidents", null=True, blank=True, verbose_name=_("sale")
    )
    kind = models.CharField(_("kind"), max_length=40)
    text = models.TextField(_("what"))
    began_at = models.DateTimeField(_("began"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-began_at", "-pk")
        indexes = (models.Index(fields=("kind",), condition=Q(ended_at=None), name="incident_open"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"

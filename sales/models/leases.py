"""Who alone may do something long: repair a sale's ledger, settle it. What may be done is the services' business."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Lease(models.Model):
    """One right, and who has it until when. Whoever takes it writes a token of its own; every write checks it."""

    name = models.CharField(max_length=60, unique=True)
    owner = models.CharField(max_length=150)
    token = models.UUIDField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return f"{self.name} ({self.owner})"

"""The row-lock baseline's two tables."""

import uuid
from typing import ClassVar

from django.db import models


class LockedSale(models.Model):
    """A sale whose row is locked by everybody who buys."""

    slug = models.SlugField(unique=True)
    stock = models.PositiveIntegerField()
    left = models.PositiveIntegerField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()

    objects: ClassVar[models.Manager["LockedSale"]] = models.Manager()

    class Meta:
        app_label = "rowlock"

    def __str__(self) -> str:
        return self.slug


class LockedPurchase(models.Model):
    """One unit of one user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sale = models.ForeignKey(LockedSale, on_delete=models.CASCADE)
    user = models.CharField(max_length=128)
    bought_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["LockedPurchase"]] = models.Manager()

    class Meta:
        app_label = "rowlock"
        constraints = (models.UniqueConstraint(fields=("sale", "user"), name="one_unit_per_user"),)

    def __str__(self) -> str:
        return str(self.pk)

"""The Django app: its label, its kind of primary key, and what must be loaded with it. Nothing else."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SalesConfig(AppConfig):
    """Flash sales."""

    name = "sales"
    label = "sales"
    verbose_name = _("Flash sales")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what listens to signals."""
        from sales.services import web_sessions  # noqa: F401, PLC0415 - models can be had only now

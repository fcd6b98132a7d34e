"""Pause a sale from a terminal. What may be paused is `sales.services.lifecycle`'s business."""

from sales.management.sale_command import ActCommand
from sales.services import lifecycle


class Command(ActCommand):
    """pause_sale SLUG."""

    help = "Pause a published sale: nobody can buy until resume_sale. Units held can still be confirmed."
    act = staticmethod(lifecycle.pause)
    done = "{slug} is paused."

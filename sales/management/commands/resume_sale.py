"""Resume a sale from a terminal. What may be resumed is `sales.services.lifecycle`'s business."""

from sales.management.sale_command import ActCommand
from sales.services import lifecycle


class Command(ActCommand):
    """resume_sale SLUG."""

    help = "Resume a paused sale: it sells on within its window."
    act = staticmethod(lifecycle.resume)
    done = "{slug} sells on."

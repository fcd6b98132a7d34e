"""Close a sale from a terminal. What may be closed is `sales.services.lifecycle`'s business."""

from sales.management.sale_command import ActCommand
from sales.services import lifecycle


class Command(ActCommand):
    """close_sale SLUG --why REASON."""

    help = "Close a sale for good, before its time or after. It cannot be opened again; orders stay."
    act = staticmethod(lifecycle.close)
    done = "{slug} is closed."
    needs_why = True

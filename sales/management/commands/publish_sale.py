"""Publish a sale from a terminal. What may be published is `sales.services.lifecycle`'s business."""

from sales.management.sale_command import ActCommand
from sales.services import lifecycle


class Command(ActCommand):
    """publish_sale SLUG."""

    help = "Publish a draft: it gets its page, and the ledger sells it within its window."
    act = staticmethod(lifecycle.publish)
    done = "{slug} is published."

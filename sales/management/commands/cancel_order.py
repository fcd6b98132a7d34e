"""Cancel an order from a terminal. What may be cancelled is `sales.services.cancelling`'s business."""

import contextlib
import json
import uuid
from typing import Any, override

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from sales.domain import references
from sales.management.change_command import add_reason_and_json
from sales.management.sale_command import LEDGER_NOT_REACHED, REFUSED, USAGE, OperatorCommand
from sales.models import Order
from sales.services import cancelling, lifecycle


class Command(OperatorCommand):
    """cancel_order REFERENCE|ORDER_ID [--keep-back] --why REASON [--json]."""

    help = (
        "Cancel an order that is on record. Its unit goes back on sale, or is kept back. "
        "Exit code 0: done; 1: refused; 2: wrong usage or no such order; 3: on record, but the ledger was not reached."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", help="The order's reference, such as K7QF2M9D, or its order id.")
        parser.add_argument(
            "--keep-back", action="store_true", help="Keep its unit back: stock is lowered by one instead."
        )
        add_reason_and_json(parser)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        order = _order(options["order"])
        kept_back: bool = options["keep_back"]
        try:
            act = cancelling.cancel(order_pk=order.pk, kept_back=kept_back, actor=self.actor, why=options["why"])
        except lifecycle.Refused as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(_values(order, act, kept_back=kept_back), indent=2))
        if not act.reached_ledger:
            raise CommandError(
                f"The order {order} is cancelled on record; the ledger was not reached. "
                "It follows once the keeper reaches it.",
                returncode=LEDGER_NOT_REACHED,
            )
        if not options["json"]:
            fate = "kept back" if kept_back else "back on sale"
            sentence = f"The order {order} is cancelled: unit {order.unit} of {act.sale.slug} is {fate}."
            self.stdout.write(self.style.SUCCESS(sentence))


def _order(text: str) -> Order:
    """Return the order that is meant; several may share a reference, and none may have it."""
    reference = references.typed(text)
    meant = Q(order_id__range=references.order_ids(reference)) if reference else Q(pk=None)
    with contextlib.suppress(ValueError):
        meant |= Q(order_id=uuid.UUID(text))
    found = list(Order.objects.filter(meant).order_by("pk")[:10])
    if not found:
        raise CommandError(
            f"There is no order {text} on record. Write its reference or its order id; an order that was accepted "
            "a moment ago is on record within seconds.",
            returncode=USAGE,
        )
    if len(found) > 1:
        these = ", ".join(f"{each.order_id} ({each.sale.slug}, {each.state})" for each in found)
        raise CommandError(
            f"Several orders have the reference {text}; name one by its order id: {these}.", returncode=USAGE
        )
    return found[0]


def _values(order: Order, act: lifecycle.Act, *, kept_back: bool) -> dict[str, Any]:
    return {
        "order_id": str(order.order_id),
        "reference": order.reference,
        "sale": act.sale.slug,
        "unit": order.unit,
        "kept_back": kept_back,
        "stock": act.sale.stock,
        "recorded": act.sale.recorded,
        "reached_ledger": act.reached_ledger,
    }

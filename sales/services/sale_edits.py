"""What the admin changes in a sale beside its state. Stock and window of a published sale are another matter."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext

from sales.domain.states import SaleState
from sales.models import Sale
from sales.services.acting import Actor, write_trail
from sales.services.lifecycle import Refused


def save(*, sale: Sale, fields: Iterable[str], by: Actor) -> None:
    """Store these fields of a valid sale, and no others; of a new draft all. Raises Refused.

    Never the whole row: the keeper counts orders in it while a form is open. Only in the state in which the fields were
    found valid: another admin may publish the draft meanwhile, and then most of them are fixed. A change to a sale that
    is public leaves a row in the trail; drafts are nobody's business yet.
    """
    names = list(fields)
    if not sale.pk:
        sale.save()
        return
    with transaction.atomic():
        before = Sale.objects.get(pk=sale.pk)
        changed = [name for name in names if getattr(before, name) != getattr(sale, name)]
        unmoved = Sale.objects.filter(pk=sale.pk, state=sale.state)
        if not unmoved.update(**{name: getattr(sale, name) for name in names}):
            sentence = gettext("Somebody has changed this sale meanwhile: it is %(state)s now. Nothing was saved.")
            raise Refused(sentence % {"state": before.state})
        if changed and sale.state != SaleState.DRAFT:
            write_trail(
                by=by,
                act="edit",
                sale=sale,
                before={name: str(getattr(before, name)) for name in changed},
                after={name: str(getattr(sale, name)) for name in changed},
            )

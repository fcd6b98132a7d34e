"""`manage.py resize_pictures`: make the sizes and formats of every product's picture anew."""

from typing import Any

from django.core.management.base import CommandError
from django.tasks import TaskResult
from django.tasks.signals import task_finished

from sales.management.sale_command import OperatorCommand
from sales.models import Product

_SIZES = ("picture_width", "picture_height")


class Command(OperatorCommand):
    """For pictures that were saved before the sizes were what they are now, or whose files were lost."""

    help = "Make the sizes and formats of every product's picture anew. Saving a product does it for that one."

    def handle(self, *_: Any, **_options: Any) -> None:
        unreadable, unwritten, done = [], [], 0
        # Without sizes on record, a product reads them from its picture's file when it is loaded.
        Product.objects.exclude(picture="").update(**dict.fromkeys(_SIZES))
        for pk, written in Product.objects.exclude(picture="").values_list("pk", "picture"):
            try:
                product = Product.objects.get(pk=pk)
                product.save(update_fields=_SIZES)
            except OSError as fault:
                Product.objects.filter(pk=pk).update(picture="")
                unreadable.append(f"{written}: {fault}")
                continue
            if why_not := _why_not_made(product):
                unwritten.append(f"{written}: {why_not}")
            else:
                done += 1
        self.stdout.write(f"{done} pictures in all their sizes.")
        trouble = [
            *_listed("The drawing stands for these, which cannot be read; upload them again:", unreadable),
            *_listed("Sizes of these could not be made; run this again once that is mended:", unwritten),
        ]
        if trouble:
            raise CommandError("\n".join(trouble))


def _listed(head: str, lines: list[str]) -> list[str]:
    return [head, *lines] if lines else []


def _why_not_made(product: Product) -> str:
    """Make the files of all sizes; return why that failed, or nothing. A task says so in its result alone."""
    said: list[str] = []

    def note(*, task_result: "TaskResult[..., Any]", **_: Any) -> None:
        said.extend(error.traceback.strip().splitlines()[-1] for error in task_result.errors)

    task_finished.connect(note)
    try:
        product.picture.save_all()
    finally:
        task_finished.disconnect(note)
    return " ".join(said)

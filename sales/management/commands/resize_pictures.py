"""`manage.py resize_pictures`: make the sizes and formats of every product's picture anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sales.models import Product

_SIZES = ("picture_width", "picture_height")


class Command(BaseCommand):
    """For pictures that were saved before the sizes were what they are now, or whose files were lost."""

    help = "Make the sizes and formats of every product's picture anew. Saving a product does it for that one."

    def handle(self, *_: Any, **_options: Any) -> None:
        failed, done = [], 0
        # Without sizes on record, a product reads them from its picture's file when it is loaded.
        Product.objects.exclude(picture="").update(**dict.fromkeys(_SIZES))
        for pk, written in Product.objects.exclude(picture="").values_list("pk", "picture"):
            try:
                product = Product.objects.get(pk=pk)
                product.save(update_fields=_SIZES)
                product.picture.save_all()
                done += 1
            except OSError as fault:
                Product.objects.filter(pk=pk).update(picture="")
                failed.append(f"{written}: {fault}")
        self.stdout.write(f"{done} pictures in all their sizes.")
        if failed:
            raise CommandError(
                "The drawing stands for these, which cannot be read; upload them again:\n" + "\n".join(failed)
            )

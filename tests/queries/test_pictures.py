"""Pictures in the sizes and formats that pages show, made when a product is saved and never when one is asked for."""

import errno
import re
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from pictures.models import PillowPicture
from PIL import Image

from sales.conf import Site
from sales.models import Product
from sales.queries import pictures

pytestmark = pytest.mark.django_db(transaction=True)  # files are made once the product is committed


@pytest.fixture(autouse=True)
def on_disk(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    }  # fmt: skip
    return tmp_path


def saved(*, size: tuple[int, int], kind: str = "PNG", **written: Any) -> Product:
    drawn = BytesIO()
    Image.new("RGB", size, "navy").save(drawn, kind, **written)
    product = Product(name="Night Ferry", price=48, currency="EUR", picture_alt="A ferry.")
    name = f"ferry.{kind.lower()}"
    product.picture.save(name, ContentFile(drawn.getvalue(), name=name), save=True)
    return product


def of(product: Product) -> pictures.Picture:
    shown = pictures.of(product)
    assert shown
    return shown


class TestAPicture:
    def test_is_made_in_three_formats_and_never_larger_than_it_is(self, on_disk):
        shown = of(saved(size=(1000, 1250)))

        assert (shown.width, shown.height) == (800, 1000)
        assert [source.kind for source in shown.sources] == ["image/avif", "image/webp"]
        assert re.fullmatch(r"/media/products/\w{32}/400w\.avif 400w, \S+/800w\.avif 800w", shown.sources[0].srcset)
        made = sorted(path.name for path in on_disk.rglob("*w.*"))
        assert made == ["400w.avif", "400w.jpeg", "400w.webp", "800w.avif", "800w.jpeg", "800w.webp"]
        for path in on_disk.rglob("*w.*"):
            with Image.open(path) as opened:
                assert opened.size == (int(path.stem[:-1]), int(path.stem[:-1]) * 5 // 4)
                assert opened.format == path.suffix[1:].upper()

    def test_tells_nothing_of_where_it_was_taken(self, on_disk):
        exif = Image.Exif()
        exif[0x010E] = "taken at home"
        saved(size=(800, 1000), kind="JPEG", exif=exif)

        for path in on_disk.rglob("*w.*"):
            assert b"taken at home" not in path.read_bytes()

    def test_stands_upright_as_its_camera_was_held(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        shown = of(saved(size=(1000, 800), kind="JPEG", exif=exif))

        assert (shown.width, shown.height) == (800, 1000)

    def test_that_is_small_is_shown_as_it_is(self):
        product = saved(size=(40, 30))

        assert of(product) == pictures.Picture(url=product.picture.url, width=40, height=30)

    def test_is_none_where_the_product_has_none(self):
        assert pictures.of(Product(name="x", price=1, currency="EUR")) is None

    def test_is_shown_from_what_is_on_record_without_opening_a_file(self, on_disk):
        product = saved(size=(800, 1000))
        before = of(Product.objects.get())
        for path in on_disk.rglob("*.*"):
            path.unlink()

        assert of(Product.objects.get(pk=product.pk)) == before


class TestServing:
    def test_comes_with_its_type_and_may_do_nothing(self, client: Client):
        response = client.get(of(saved(size=(800, 1000))).sources[0].srcset.split()[0])
        response.close()

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/avif"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]

    def test_is_left_to_the_server_in_front_in_production(self, client: Client, settings: Any):
        address = of(saved(size=(800, 1000))).sources[0].srcset.split()[0]
        settings.SALES = replace(settings.SALES, site=Site.PRODUCTION)

        assert client.get(address).status_code == 404


class TestMakingThemAnew:
    def test_brings_back_files_and_sizes(self, on_disk):
        product = saved(size=(800, 1000))
        Product.objects.update(picture_width=None, picture_height=None)
        for path in on_disk.rglob("*w.*"):
            path.unlink()
        said = StringIO()

        call_command("resize_pictures", stdout=said)

        assert said.getvalue() == "1 pictures in all their sizes.\n"
        product.refresh_from_db()
        assert (product.picture_width, product.picture_height) == (800, 1000)
        assert Product.objects.filter(picture_width=800).exists()
        assert len(list(on_disk.rglob("*w.*"))) == 6

    def test_names_what_cannot_be_read(self, on_disk):
        product = saved(size=(800, 1000))
        (on_disk / product.picture.name).unlink()

        with pytest.raises(CommandError, match=r"upload them again:\nproducts/"):
            call_command("resize_pictures", stdout=StringIO())
        assert pictures.of(Product.objects.get()) is None

    def test_keeps_a_picture_whose_sizes_cannot_be_written(self, on_disk, monkeypatch):
        product = saved(size=(800, 1000))

        def fill_the_disk(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(PillowPicture, "save", fill_the_disk)

        with pytest.raises(CommandError, match=r"could not be made[^\n]*\nproducts/.*No space left on device"):
            call_command("resize_pictures", stdout=StringIO())
        assert Product.objects.get().picture == product.picture.name

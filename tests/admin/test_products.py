"""A product in the admin: its form, its mistakes, its picture, and what keeps it from being deleted."""

import re
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from sales.models import CompareAtMeaning, Product
from tests.admin.desk import Desk, mistakes, said, text_of
from tests.conftest import MakeSale


def filled(**changed: Any) -> dict[str, Any]:
    """Return a form that is right, but for what is changed."""
    return {
        "name": "Night Ferry",
        "subtitle": "Linocut, 30 by 40 cm",
        "description": "",
        "picture_alt": "",
        "price": "48.00",
        "currency": "EUR",
        "compare_at_price": "",
        "compare_at_meaning": "",
        **changed,
    }


def picture(*, size: tuple[int, int] = (40, 30), name: str = "ferry.png") -> SimpleUploadedFile:
    drawn = BytesIO()
    Image.new("RGB", size, "navy").save(drawn, "PNG")
    return SimpleUploadedFile(name, drawn.getvalue(), "image/png")


class TestTheForm:
    def test_makes_a_product_with_all_that_a_page_needs(self, desk: Desk) -> None:
        fields = filled(
            picture=picture(),
            picture_alt="A ferry at night.",
            currency="eur",
            compare_at_price="56",
            compare_at_meaning=CompareAtMeaning.BEFORE,
        )

        answer = desk.post("sales_product_add", **fields)

        assert answer.status_code == 302
        product = Product.objects.get()
        assert (product.name, product.price, product.currency) == ("Night Ferry", Decimal("48.000"), "EUR")
        assert re.fullmatch(r"products/[0-9a-f]{32}\.png", str(product.picture))
        assert (product.picture_width, product.picture_height) == (40, 30)

    def test_begins_with_the_shops_currency(self, desk: Desk) -> None:
        assert desk.get("sales_product_add").context["adminform"].form["currency"].value() == "EUR"

    @pytest.mark.parametrize(
        ("changed", "field", "sentence"),
        [
            ({"name": ""}, "name", "This field is required."),
            ({"name": "x" * 121}, "name", "Ensure this value has at most 120 characters (it has 121)."),
            ({"name": "a\x00b"}, "name", "Null characters are not allowed."),
            ({"price": "cheap"}, "price", "Enter a number."),
            ({"price": "NaN"}, "price", "Enter a number."),
            ({"price": "-1"}, "price", "Ensure this value is greater than or equal to 0."),
            ({"price": "48.005"}, "price", "EUR has 2 decimal places."),
            ({"price": "4800.50", "currency": "JPY"}, "price", "JPY has 0 decimal places."),
            ({"price": "1e30"}, "price", "Ensure that there are no more than 12 digits in total."),
            (
                {"currency": "ERU"},
                "currency",
                "This is not a currency. Use its three letters, such as EUR, USD or JPY.",
            ),
            ({"currency": ""}, "currency", "This field is required."),
            (
                {"compare_at_price": "40", "compare_at_meaning": "before"},
                "compare_at_price",
                "The compare-at price must be above the price.",
            ),
            (
                {"compare_at_price": "56"},
                "compare_at_meaning",
                "Say what the compare-at price is. Without a source it is not shown.",
            ),
            (
                {"compare_at_meaning": "before"},
                "compare_at_price",
                "Give the price that this describes, or leave both empty.",
            ),
            (
                {"compare_at_price": "56", "compare_at_meaning": "guess"},
                "compare_at_meaning",
                "Select a valid choice. guess is not one of the available choices.",
            ),
        ],
    )
    def test_refuses_a_mistake_with_a_sentence_at_its_field(
        self, desk: Desk, changed: dict[str, Any], field: str, sentence: str
    ) -> None:
        answer = desk.post("sales_product_add", **filled(**changed))

        assert sentence in mistakes(answer)[field]
        assert not Product.objects.exists()

    def test_refuses_a_picture_without_words(self, desk: Desk) -> None:
        answer = desk.post("sales_product_add", **filled(picture=picture()))

        assert mistakes(answer) == {"picture_alt": ["Say in a sentence what the picture shows."]}

    def test_refuses_a_file_that_is_no_picture(self, desk: Desk) -> None:
        fake = SimpleUploadedFile("ferry.png", b"<svg onload=alert(1)>", "image/png")

        answer = desk.post("sales_product_add", **filled(picture=fake, picture_alt="A ferry."))

        assert "Upload a valid image." in mistakes(answer)["picture"][0]

    @pytest.mark.parametrize(
        ("name", "kind"), [("ferry.tiff", "TIFF"), ("ferry.pdf", "PNG"), ("ferry.png", "BMP"), ("a.jpg", "PNG")]
    )
    def test_refuses_a_picture_that_browsers_do_not_show(self, desk: Desk, name: str, kind: str) -> None:
        drawn = BytesIO()
        Image.new("RGB", (4, 3)).save(drawn, kind)
        odd = SimpleUploadedFile(name, drawn.getvalue(), "image/png")

        answer = desk.post("sales_product_add", **filled(picture=odd, picture_alt="A ferry."))

        sentence = "Browsers do not show this kind of picture. Use JPEG, PNG, WebP, AVIF or GIF, named for what it is."
        assert mistakes(answer) == {"picture": [sentence]}

    def test_refuses_a_picture_that_ends_early(self, desk: Desk) -> None:
        whole = picture(size=(400, 300)).read()
        half = SimpleUploadedFile("ferry.png", whole[: len(whole) // 2], "image/png")

        answer = desk.post("sales_product_add", **filled(picture=half, picture_alt="A ferry."))

        assert list(mistakes(answer)) == ["picture"]
        assert not Product.objects.exists()

    def test_refuses_a_picture_with_more_pixels_than_anybody_sees(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sales.admin.products.MOST_PIXELS", 1_000)

        answer = desk.post("sales_product_add", **filled(picture=picture(), picture_alt="A ferry."))

        assert mistakes(answer) == {"picture": ["This picture has 40 by 30 pixels. Make it smaller first."]}

    def test_refuses_a_picture_that_would_make_the_shop_slow(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sales.admin.products.MOST_PICTURE_BYTES", 50)

        answer = desk.post("sales_product_add", **filled(picture=picture(), picture_alt="A ferry."))

        assert "the most is 50\xa0bytes. Make it smaller first." in mistakes(answer)["picture"][0]

    def test_shows_the_picture_and_the_price_with_its_coins(self, desk: Desk) -> None:
        desk.post("sales_product_add", **filled(picture=picture(), picture_alt="A ferry at night."))
        product = Product.objects.get()

        content = desk.get("sales_product_change", product.pk).content.decode()

        assert f'<img src="{product.picture.url}" alt="A ferry at night." height="160">' in content
        assert 'value="48.00"' in content


class TestTheList:
    def test_shows_prices_with_their_currency(self, desk: Desk, product: Product) -> None:
        Product.objects.filter(pk=product.pk).update(
            compare_at_price=Decimal(56), compare_at_meaning=CompareAtMeaning.BEFORE
        )

        page = text_of(desk.get("sales_product_changelist"))

        assert "€48.00" in page
        assert "€56.00 (our price before)" in page


class TestDeleting:
    def test_is_refused_in_a_sentence_while_a_sale_sells_it(self, desk: Desk, make_sale: MakeSale) -> None:
        product = make_sale().product

        answer = desk.post("sales_product_delete", product.pk, post="yes")

        assert said(answer) == [
            "Night Ferry stays: 1 sale sells it. Only a product without sales can be deleted.",
        ]
        assert Product.objects.filter(pk=product.pk).exists()

    def test_is_done_while_none_does(self, desk: Desk, product: Product) -> None:
        desk.post("sales_product_delete", product.pk, post="yes")

        assert not Product.objects.exists()

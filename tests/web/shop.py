"""What a shopper does in a page, in one line each."""

from typing import Any

from django.test import Client
from django.utils.http import urlencode

from sales.models import Sale
from tests.web.dom import Element, parsed


def page(client: Client, sale: Sale) -> Element:
    response = client.get(f"/sales/{sale.slug}/")
    assert response.status_code == 200
    return parsed(response.content)


def pass_in(tree: Element) -> str:
    """Return the pass of the page's form."""
    fields = {each.attrs.get("name"): each.attrs.get("value", "") for each in tree.id("buy").tagged("input")}
    return fields["pass"]


def hold_in(tree: Element) -> dict[str, str]:
    """Return the fields of the hold's first form."""
    forms = ({each.attrs["name"]: each.attrs["value"] for each in form.tagged("input")} for form in tree.tagged("form"))
    return next(fields for fields in forms if "order" in fields)


def press(client: Client, sale: Sale, what: str = "buy", *, htmx: bool = True, fields: dict[str, str]) -> Any:
    """Press a button of the page, with its fields."""
    headers = {"HX-Request": "true"} if htmx else {}
    kind = "application/x-www-form-urlencoded"
    return client.post(f"/sales/{sale.slug}/{what}", urlencode(fields), content_type=kind, headers=headers)

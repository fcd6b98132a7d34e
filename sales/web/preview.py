"""What a sale's page says to those who do not read it as people do: link previews and search engines.

All of it is true of the moment in which the page was written: what is not certain is left out. It is the same for every
visitor, and pages about one person have none of it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from sales import conf
from sales.answers.wire import instant
from sales.domain.phases import Phase
from sales.queries.panels import Panel
from sales.queries.tickets import Ticket

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The page's own address, its picture, a sentence, and the same as data for machines (JSON-LD)."""

    url: str
    image: str
    image_width: int
    image_height: int
    image_alt: str
    description: str
    data: SafeString


def of(request: HttpRequest, ticket: Ticket, panel: Panel) -> Preview:
    """Return the preview of a sale."""
    url = request.build_absolute_uri(reverse("sale", args=[ticket.slug]))
    picture = ticket.picture
    image = request.build_absolute_uri(picture.url if picture else static("preview.png"))
    told = _product(ticket, panel, url=url, image=image if picture else "")
    return Preview(
        url=url,
        image=image,
        image_width=picture.width if picture else 1200,
        image_height=picture.height if picture else 630,
        image_alt=ticket.picture_alt if picture else conf.current().shop_name,
        description=ticket.subtitle or " ".join(ticket.description.split())[:160] or ticket.name,
        data=mark_safe(json.dumps(told, ensure_ascii=False).translate(_ESCAPES)),  # noqa: S308 - escaped here
    )


def _product(ticket: Ticket, panel: Panel, *, url: str, image: str) -> dict[str, Any]:
    offer = {
        "@type": "Offer",
        "url": url,
        "price": str(ticket.price.normalize() if ticket.price == ticket.price.to_integral() else ticket.price),
        "priceCurrency": ticket.currency,
        "validFrom": _instant(panel.opens_at),
        "validThrough": _instant(panel.closes_at),
        "availabilityStarts": _instant(panel.opens_at),
        "availabilityEnds": _instant(panel.closes_at),
        "eligibleQuantity": {"@type": "QuantitativeValue", "minValue": 1, "maxValue": ticket.limit},
        "seller": {"@type": "Organization", "name": conf.current().shop_name},
    }
    if availability := _availability(panel):
        offer["availability"] = f"https://schema.org/{availability}"
    if panel.state == Phase.LIVE and panel.stock:
        offer["inventoryLevel"] = {"@type": "QuantitativeValue", "value": panel.stock.left}
    product = {"@context": "https://schema.org", "@type": "Product", "name": ticket.name, "url": url, "offers": offer}
    if ticket.description or ticket.subtitle:
        product["description"] = ticket.description or ticket.subtitle
    if image:
        product["image"] = [image]
    return product


def _instant(at: datetime) -> str:
    return instant(round(at.timestamp() * 1_000))


def _availability(panel: Panel) -> str:
    """Return schema.org's word; nothing where none is true: before the opening, while paused, and out of sight."""
    if panel.state == Phase.LIVE:
        return "LimitedAvailability"
    if panel.state == Phase.SOLD_OUT:
        return "OutOfStock" if panel.stock and panel.stock.held else "SoldOut"
    if panel.state == Phase.ENDED:
        return "SoldOut" if panel.stock and not panel.stock.left else "Discontinued"
    return ""

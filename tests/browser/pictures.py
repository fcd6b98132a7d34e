"""Takes the pictures of docs/pictures from a shop that runs, and writes the table of states into docs/pages.md.

`make pictures`, or `python -m tests.browser.pictures`.
"""

import itertools
import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from PIL import Image  # noqa: E402
from playwright.sync_api import Page  # noqa: E402

from sales.management.demo_children import PROJECT  # noqa: E402
from sales.web import guide  # noqa: E402
from sales.web.states import STATES  # noqa: E402
from tests.browser import sheets, shop  # noqa: E402
from tests.browser.conftest import launched  # noqa: E402
from tests.browser.shop import DESKTOP, PHONE, Shop, seen  # noqa: E402
from tests.running_demo import started  # noqa: E402

PICTURES, PAGES = PROJECT / "docs" / "pictures", PROJECT / "docs" / "pages.md"
MOST_BYTES = 2_500_000
SHEETS = {"phone": (PHONE, 8, 195), "desktop": (DESKTOP, 5, 320)}  # size of the screen, columns, width on the sheet
SCHEMES = ("light", "dark")
ZONE = "Europe/Berlin"  # of the visitor, as of the shop: no time is told twice
FOR_STRANGERS = ("sign-up", "sign-in")
BEGIN, END = "<!-- states: written by make pictures -->", "<!-- end of states -->"
FERRY = {
    "name": "Night Ferry",
    "subtitle": "Screen print, 50 × 70 cm. 100 made, one each.",
    "description": "Five colours on 300 g cotton paper, pulled by hand. Each sheet carries its number in pencil.",
    "price": 48,
    "picture": "night-ferry.png",
    "picture_alt": "Screen print: a ferry with lit windows crosses a dark sea under a yellow moon.",
}


@dataclass(slots=True)
class Told:
    """What a state says: its heading, its note, and all of its words but times, with scripts and without."""

    heading: str = ""
    note: str = ""
    words: dict[bool, str] = field(default_factory=dict)


def take_states(running: Shop) -> dict[str, Told]:
    """Take the sheets: phone and desktop, light and dark, with scripts and without. Return what each state says."""
    told = {name: Told() for name in STATES}
    for (kind, (size, columns, width)), scheme, scripts in itertools.product(SHEETS.items(), SCHEMES, (True, False)):
        look: dict[str, Any] = {"size": size, "color_scheme": scheme, "java_script_enabled": scripts}
        with running.visitor(signed_in=False, timezone_id=ZONE, **look) as context:
            tab, taken = context.new_page(), {}
            for name, each in told.items():
                taken[name] = picture_of(tab, f"{running.url}/states/{name}/")
                each.heading, each.note = _text(tab, "#stub-h"), _text(tab, ".note :is(h2, h3)")
                each.words[scripts] = re.sub(r"\d\d(:\d\d)*", "", tab.locator("main").inner_text())
        name = f"states-{kind}-{scheme}{'' if scripts else '-without-scripts'}.png"
        save(sheets.sheet(taken, columns=columns, width=width), name)
    return told


def take_others(running: Shop) -> None:
    """Take the sheet of all other pages: lists, receipts, errors, accounts."""
    visitor = running.visitor(size=PHONE, is_verified=True, email="grace@example.org", timezone_id=ZONE)
    stranger = running.visitor(signed_in=False, size=PHONE, timezone_id=ZONE)
    with visitor as somebody, stranger as nobody:
        tab, signed_out = somebody.new_page(), nobody.new_page()
        taken = {name: picture_of(tab, f"{running.url}/states/{name}/") for name in guide.PAGES}
        for name, address in guide.accounts().items():
            taken[name] = picture_of(signed_out if name in FOR_STRANGERS else tab, running.url + address)
            if name == "is-it-you":  # what comes after it is shown to who has answered
                tab.get_by_label("Password").fill("harbour lights at seven")
                with tab.expect_navigation():
                    tab.get_by_role("button", name="Go on").click()
    columns, width = SHEETS["phone"][1:]
    save(sheets.sheet(taken, columns=columns, width=width), "others-phone-light.png")


def take_phone(running: Shop) -> None:
    """Take one sale on a phone: before it opens, on sale, held, bought."""
    name = running.product(**FERRY)
    into_hour = time.time() % 3_600
    coming = running.sale(slug="night-ferry", product=name, stock=100, opens_in=300 - into_hour % 60)
    on_sale = running.sale(
        slug="night-ferry-now", product=name, stock=100, hold_seconds=600, opens_in=-900 - into_hour % 900, lasts=3_600
    )
    for number in range(62):
        running.buy(on_sale, shopper=f"shopper-{number}", confirmed=number < 58)
    with running.visitor(size=PHONE, email="ada@example.org", timezone_id=ZONE) as context:
        tab = context.new_page()
        taken = [picture_of(tab, coming), picture_of(tab, on_sale)]
        tab.locator("#buy-button").click()
        tab.locator("#confirm").wait_for()
        taken.append(picture(tab))
        tab.locator("#confirm").click()
        tab.get_by_text("In the shop\N{RIGHT SINGLE QUOTATION MARK}s books").wait_for()
        taken.append(picture(tab))
        tab.locator("#receipt").click()
        tab.locator(".qr").wait_for()
        receipt = tab.screenshot(full_page=True)
    save(sheets.beside(taken, width=300), "phone.png")
    with running.visitor(signed_in=False, size=DESKTOP, timezone_id=ZONE) as context:
        desktop = [picture_of(context.new_page(), page) for page in (coming, on_sale)]
    save(sheets.beside(desktop, width=800), "desktop.png")
    save(sheets.beside([receipt], width=390), "receipt.png")


def take_admin(running: Shop) -> None:
    """Take the page of a sale in the admin."""
    with running.visitor(size=DESKTOP, staff=True, email="operator@example.org") as context:
        tab = context.new_page()
        seen(tab, f"{running.url}/admin/sales/sale/?q=night-ferry-now")
        tab.locator("#result_list tbody th a").first.click()
        tab.wait_for_url("**/change/**")
        save(sheets.beside([tab.screenshot()], width=1_100), "admin.png")


def picture_of(tab: Page, address: str) -> bytes:
    seen(tab, address)
    return picture(tab)


def picture(tab: Page) -> bytes:
    """Take what is in the window, with the mouse on nothing."""
    tab.mouse.move(0, 0)
    return tab.screenshot()


def save(picture: Image.Image, name: str) -> None:
    size = sheets.save(picture, PICTURES / name)
    sys.stdout.write(f"{name}: {picture.width} × {picture.height}, {size / 1_000:.0f} kB\n")
    sys.stdout.flush()


def write_table(told: dict[str, Told]) -> None:
    """Put the table of states between its marks."""
    lines = ["| | state | heading | note | without JavaScript |", "| ---: | --- | --- | --- | --- |"]
    for number, (name, each) in enumerate(told.items(), start=1):
        same = "the same" if len(set(each.words.values())) == 1 else "other words"
        lines.append(f"| {number} | `{name}` | {each.heading} | {each.note} | {same} |")
    text = PAGES.read_text()
    before, rest = text.split(BEGIN)
    PAGES.write_text(f"{before}{BEGIN}\n{'\n'.join(lines)}\n{END}{rest.split(END)[1]}")


def _text(tab: Page, selector: str) -> str:
    found = tab.locator(selector)
    return " ".join(found.first.inner_text().split()) if found.count() else ""


def main() -> None:
    """Take all of them."""
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        launched() as browser,
        started(Path(folder)) as demo,
        shop.opened(demo, browser) as running,
    ):
        take_phone(running)
        take_admin(running)
        take_others(running)
        write_table(take_states(running))
    total = sum(each.stat().st_size for each in PICTURES.iterdir())
    if total > MOST_BYTES:
        raise SystemExit(f"The pictures take {total:,} bytes together, and may take {MOST_BYTES:,}.")
    sys.stdout.write(f"{total / 1_000_000:.1f} MB in all, in {PICTURES}\n")


if __name__ == "__main__":
    main()

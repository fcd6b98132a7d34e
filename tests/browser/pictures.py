"""Takes the pictures of docs/pictures from a shop that runs, and writes the table of states into docs/pages.md.

`make pictures`, or `python -m tests.browser.pictures`.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from PIL import Image  # noqa: E402
from playwright.sync_api import Page  # noqa: E402

from sales.management.demo_children import PROJECT  # noqa: E402
from sales.web.states import STATES  # noqa: E402
from tests.browser import sheets, shop  # noqa: E402
from tests.browser.conftest import launched  # noqa: E402
from tests.browser.shop import DESKTOP, PHONE, Shop, seen  # noqa: E402
from tests.running_demo import started  # noqa: E402

PICTURES, PAGES = PROJECT / "docs" / "pictures", PROJECT / "docs" / "pages.md"
MOST_BYTES = 3_000_000
SHEETS = {"phone": (PHONE, 8, 195), "desktop": (DESKTOP, 5, 320)}  # size of the screen, columns, width on the sheet
BEGIN, END = "<!-- states: written by make pictures -->", "<!-- end of states -->"
FERRY = {
    "name": "Night Ferry",
    "subtitle": "Screen print, 50 × 70 cm. 100 made, one each.",
    "description": "Five colours on 300 g cotton paper, pulled by hand. Each sheet carries its number in pencil.",
    "price": 48,
    "picture": "night-ferry.png",
    "picture_alt": "Screen print: a ferry with lit windows crosses a dark sea under a yellow moon.",
}


def take_states(running: Shop) -> dict[str, tuple[str, str, bool]]:
    """Take the sheets; return what each state says: heading, note, and whether it is the same without scripts."""
    told: dict[str, tuple[str, str, bool]] = {}
    for kind, (size, columns, width) in SHEETS.items():
        for scheme in ("light", "dark"):
            with running.visitor(signed_in=False, size=size, color_scheme=scheme) as context:
                tab, taken = context.new_page(), {}
                for name in STATES:
                    seen(tab, f"{running.url}/states/{name}/")
                    taken[name] = tab.screenshot()
                    told[name] = (_text(tab, "#stub-h"), _text(tab, ".note :is(h2, h3)"), False)
            save(sheets.sheet(taken, columns=columns, width=width), f"states-{kind}-{scheme}.png", colours=96)
    return {name: (*words[:2], _is_same_without_scripts(running, name)) for name, words in told.items()}


def _is_same_without_scripts(running: Shop, name: str) -> bool:
    """Whether a state says the same to who runs no scripts. What time it is is no difference."""
    said = []
    for scripts in (True, False):
        with running.visitor(signed_in=False, java_script_enabled=scripts) as context:
            tab = context.new_page()
            seen(tab, f"{running.url}/states/{name}/")
            said.append(re.sub(r"\d\d(:\d\d)*", "", tab.locator("main").inner_text()))
    return said[0] == said[1]


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
    with running.visitor(size=PHONE, email="ada@example.org") as context:
        tab = context.new_page()
        taken = [picture_of(tab, coming), picture_of(tab, on_sale)]
        tab.locator("#buy-button").click()
        tab.locator("#confirm").wait_for()
        taken.append(tab.screenshot())
        tab.locator("#confirm").click()
        tab.get_by_text("In the shop\N{RIGHT SINGLE QUOTATION MARK}s books").wait_for()
        taken.append(tab.screenshot())
        tab.locator("#receipt").click()
        tab.locator(".qr").wait_for()
        receipt = tab.screenshot(full_page=True)
    save(sheets.beside(taken, width=300), "phone.png")
    with running.visitor(signed_in=False, size=DESKTOP) as context:
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
    return tab.screenshot()


def save(picture: Image.Image, name: str, *, colours: int = 128) -> None:
    size = sheets.save(picture, PICTURES / name, colours=colours)
    sys.stdout.write(f"{name}: {picture.width} × {picture.height}, {size / 1_000:.0f} kB\n")
    sys.stdout.flush()


def write_table(told: dict[str, tuple[str, str, bool]]) -> None:
    """Put the table of states between its marks."""
    lines = ["| | state | heading | note | without JavaScript |", "| ---: | --- | --- | --- | --- |"]
    for number, (name, (heading, note, same)) in enumerate(told.items(), start=1):
        lines.append(f"| {number} | `{name}` | {heading} | {note} | {'the same' if same else 'other words'} |")
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
        write_table(take_states(running))
    total = sum(each.stat().st_size for each in PICTURES.iterdir())
    if total > MOST_BYTES:
        raise SystemExit(f"The pictures take {total:,} bytes together, and may take {MOST_BYTES:,}.")
    sys.stdout.write(f"{total / 1_000_000:.1f} MB in all, in {PICTURES}\n")


if __name__ == "__main__":
    main()

"""A person's first purchase on the running demo: sign up, wait for the opening, click, find the order."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.running_demo import SLUG, started

WAIT_MS = 60_000  # a busy machine takes its time


@pytest.fixture(params=["the shop of all tests", pytest.param("a demo of its own", marks=pytest.mark.campaign)])
def sale(request: pytest.FixtureRequest) -> Iterator[str]:
    """A sale that opens in a few seconds: among others, or as who starts the demo meets it, with all of its limits."""
    if request.param == "the shop of all tests":
        yield request.getfixturevalue("shop").sale(stock=100, opens_in=8)
        return
    folder = request.getfixturevalue("tmp_path")
    with started(folder, on_its_own=True, opens_in=12, limits="on") as demo:
        yield f"{demo.url}/sales/{SLUG}/"


def test_a_shopper_signs_up_waits_buys_and_finds_the_order(sale: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(sale)
    page.get_by_role("link", name=re.compile("Sign in")).first.click()
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label(re.compile("E-?mail")).fill("early.shopper@example.org")
    page.get_by_label("Password").fill("harbour lights at seven")
    page.get_by_role("button", name="Sign up").click()

    expect(page).to_have_url(sale)  # straight back, and nothing is bought by it
    expect(page.get_by_text("You are ready")).to_be_visible()
    page.locator("#buy-button").click(timeout=WAIT_MS)  # it comes by itself, with the shop's word

    expect(page.get_by_role("heading", name="It is yours: number 1 of 100")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("In the shop\N{RIGHT SINGLE QUOTATION MARK}s books")).to_be_visible(timeout=WAIT_MS)
    reference = page.locator(".ref").inner_text()

    page.reload()
    expect(page.locator(".ref")).to_have_text(reference)
    page.get_by_role("link", name="My purchases").click()
    expect(page.get_by_text(reference)).to_be_visible()
    page.get_by_role("link", name="X", exact=True).click()
    expect(page.get_by_text("early.shopper@example.org").first).to_be_visible()

    assert complaints == []


def is_complaint(said: ConsoleMessage) -> bool:
    """Whether the browser complains: an error, or a policy that was broken."""
    return said.type in ("error", "warning")

"""The admin works under the site's policy: nothing in its pages is what the policy forbids."""

from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from sales.models import Account


class Forbidden(HTMLParser):
    """Collects what `script-src 'self'; style-src 'self'; img-src 'self' data:` would stop."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in told and not str(told.get("type")).endswith("json")):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in told if name == "style" or name.startswith("on")]
        address = told.get("src") or (told.get("href") if tag == "link" else None) or ""
        if not (address == "" or (address.startswith(("/", "data:image/")) and not address.startswith("//"))):
            self.found.append(f"{tag} {address}")


@pytest.fixture
def seller(db: None, client: Client) -> Client:
    client.force_login(Account.objects.create_superuser("seller@shop.example", "of no account here"))
    return client


class TestTheAdmin:
    def test_has_nothing_in_its_pages_that_the_policy_forbids(self, seller: Client):
        addresses = [reverse("admin:index"), reverse("admin:password_change")]
        for model, of_it in admin.site._registry.items():
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            addresses.append(reverse(f"{name}_changelist"))
            request = seller.get(addresses[-1]).wsgi_request
            if of_it.has_add_permission(request):
                addresses.append(reverse(f"{name}_add"))

        pages = {address: seller.get(address) for address in addresses}

        assert {address: page.status_code for address, page in pages.items() if page.status_code != 200} == {}
        found = {address: Forbidden(page.content.decode()).found for address, page in pages.items()}
        assert {address: listed for address, listed in found.items() if listed} == {}

    def test_has_nothing_on_its_sign_in_that_the_policy_forbids(self, client: Client, db: None):
        page = client.get(reverse("admin:login"), follow=True)

        assert page.status_code == 200
        assert Forbidden(page.content.decode()).found == []

    def test_would_be_noticed_with_something_forbidden(self):
        page = """<script>1</script><style></style><p style="a" onclick="b"><img src="https://else.example/a.png">
        <script src="//else.example/a.js"></script><link rel="stylesheet" href="https://else.example/a.css">"""

        assert len(Forbidden(page).found) == 7

    def test_would_pass_with_what_is_allowed(self):
        page = """<script src="/static/a.js"></script><link href="/static/a.css"><img src="data:image/png;base64,AA==">
        <script type="application/json">{}</script><a href="https://else.example/">elsewhere</a>"""

        assert Forbidden(page).found == []

"""A browser in the admin, as tests drive it: asks for pages and reads what people read."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Desk:
    """One signed-in browser."""

    browser: Client

    def get(self, name: str, /, *args: Any, **query: Any) -> Any:
        return self.browser.get(reverse(f"admin:{name}", args=args), query)

    def post(self, name: str, /, *args: Any, **fields: Any) -> Any:
        return self.browser.post(reverse(f"admin:{name}", args=args), fields)

    def put(self, name: str, /, *args: Any) -> Any:
        return self.browser.put(reverse(f"admin:{name}", args=args))

    def act(self, name: str, action: str, /, *pks: int) -> Any:
        """Choose rows in a list and do something to them."""
        fields = {"action": action, "_selected_action": [str(pk) for pk in pks]}
        return self.browser.post(reverse(f"admin:{name}"), fields)


def said(response: Any) -> list[str]:
    """Return the sentences at the top of the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def mistakes(response: Any) -> dict[str, list[str]]:
    """Return the sentences at the fields of a form that was not taken."""
    assert response.status_code == 200, response.status_code
    form = response.context["adminform"].form if "adminform" in response.context else response.context["form"]
    return {name: [str(sentence) for sentence in sentences] for name, sentences in form.errors.items()}


def text_of(response: Any) -> str:
    """Return what people read on a page, white space as single spaces."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return " ".join("".join(reader.said).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)

"""The hot URLs: which requests the lane knows, and the pure answer to each. A test holds them against Django's URLs.

Only the one method that a URL is for; HEAD, OPTIONS and whatever is not allowed are Django's. To add a URL, add a row.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from django.utils import timezone

from sales.answers import buying, fragments, health, holds, lookup, panel, purchase, status
from sales.answers.ask import Answer, Ask, Asking, Steps
from sales.answers.buying import Reply
from sales.queries.copies import Unavailable

type Outcome = Answer | Reply | None
"""A whole answer; or a reply whose page Django writes; or nothing, and then the request is Django's."""


@dataclass(frozen=True, slots=True)
class Hot:
    """A request that the lane answers. `kind` is a path for whose like the middleware does the same.

    `group` is the name by which it is counted per address, empty where it is not, or counts for itself.
    """

    name: str
    kind: str
    answer: Callable[[Ask], Asking[Outcome]]
    group: str = ""
    takes_body: bool = False


API, HEALTH, PAGE = "/api/flashsale/sales", "/health", "/sales/a-sale/panel"
_POSTS: dict[str, Hot] = {
    f"/api/flashsale/{name}": Hot(f"api:{name}", API, answer, takes_body=True)
    for name, answer in (
        ("purchase", purchase.answer),
        ("confirm", holds.confirm),
        ("release", holds.release),
        ("extend", holds.extend),
    )
}
_CLICKS = {
    "buy": ("buy", buying.buy),
    "confirm": ("confirm", buying.confirm),
    "let-go": ("let_go", buying.let_go),
    "extend": ("extend", buying.extend),
}
_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
_PAGE = re.compile(r"/sales/(?P<slug>[-a-zA-Z0-9_]+)/")
_STATUS, _USER, _PURCHASE, _SALES = "/api/flashsale/status/", "/api/flashsale/user/", "/purchase/", "/sales/"


MOST_CHARACTERS = 512
"""No hot path is longer; whatever is remembered by path stays small."""


def find(method: str, path: str) -> Hot | None:
    """Return what is asked for, if it is hot."""
    return _find(method, path) if len(path) <= MOST_CHARACTERS else None


@lru_cache(maxsize=1_024)
def _find(method: str, path: str) -> Hot | None:
    if method == "POST":
        return _POSTS.get(path) or (_click(path) if path.startswith(_SALES) else None)
    if method != "GET":
        return None
    if path.startswith(_STATUS):
        sale_id = path[len(_STATUS) :]
        answer = partial(status.one, sale_id=sale_id)
        return Hot("api:status", API, answer, group="api") if sale_id and "/" not in sale_id else None
    if path.startswith(_SALES):
        return _panel(path)
    if path.startswith(_USER):
        return _look_up(path)
    return Hot("api:health", HEALTH, lambda ask: health.alive(ask, now=timezone.now())) if path == HEALTH else None


def page_slug(method: str, path: str) -> str:
    """Return the sale whose page is asked for; empty where it is none."""
    found = _PAGE.fullmatch(path) if method == "GET" else None
    return found["slug"] if found else ""


def _panel(path: str) -> Hot | None:
    slug, _, verb = path[len(_SALES) :].partition("/")
    if verb != "panel" or not _SLUG.fullmatch(slug):
        return None

    def answer(ask: Ask) -> Asking[Outcome]:
        made = yield from panel.answer(ask, slug=slug, chance=random.random())  # noqa: S311 - jitter
        return None if made.status in (404, 503) else made  # those have pages

    return Hot("panel", PAGE, answer, group="panel")


def _click(path: str) -> Hot | None:
    slug, _, verb = path[len(_SALES) :].partition("/")
    if verb not in _CLICKS or not _SLUG.fullmatch(slug):
        return None
    name, act = _CLICKS[verb]

    def answer(ask: Ask) -> Asking[Outcome]:
        try:
            reply = yield from act(ask, slug=slug, chance=random.random())  # noqa: S311 - jitter
        except Unavailable:
            return None
        if reply is None:
            return None
        if ask.headers.get("hx-request") == "true":
            return fragments.of(reply)
        return fragments.back_to_sale(reply) if reply.is_done else reply

    return Hot(name, PAGE, answer, takes_body=True)


def _look_up(path: str) -> Hot | None:
    user_id, found, sale_id = path[len(_USER) :].rpartition(_PURCHASE)
    if not found or "/" in sale_id:
        return None

    def answer(ask: Ask) -> Steps:
        return lookup.answer(ask, user_id=user_id, sale_id=sale_id)

    return Hot("api:look_up", API, answer)

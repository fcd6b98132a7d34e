"""What the head of a request means to the lane: a hot URL, the page that everybody gets, or nothing but Django's.

It depends on the head alone and on settings, so it may be remembered for as long as the process lives.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from sales import conf
from sales.answers.ask import Ask
from sales.domain import addresses
from sales.lane import routes
from sales.lane.asked import is_plain
from sales.lane.frames import Frame, Frames
from sales.lane.pages import is_for_all
from sales.lane.routes import Hot

_PAGE = "/sales/a-sale/"


class Known(NamedTuple):
    """One of `hot` and `page` (the slug of a sale) says what is asked for. `ask` has no body yet."""

    ask: Ask
    frame: Frame
    hot: Hot | None = None
    page: str = ""


def known_of(
    frames: Frames,
    *,
    method: str,
    path: str,
    query: str,
    scheme: str,
    peer: str,
    headers: Mapping[str, str],
) -> Known | None:
    """Return what is asked for; None where it is Django's."""
    hot = routes.find(method, path)
    page = "" if hot else routes.page_slug(method, path)
    if not (hot or page) or not is_plain(path):
        return None
    if page and (query or not is_for_all(headers.get("cookie", ""))):
        return None  # whoever may be known is Django's
    frame = frames.around(hot.kind if hot else _PAGE, scheme, headers)
    if frame is None:
        return None
    address = _client_address(peer, headers.get("x-forwarded-for", ""), conf.current().trusted_proxies)
    ask = Ask(
        method=method,
        path=path,
        query=query,
        headers=headers,
        address=address,
        host=headers["host"],
        secure=frame.secure,
    )
    return Known(ask=ask, frame=frame, hot=hot, page=page)


_client_address = lru_cache(maxsize=4_096)(addresses.client_address)  # a visitor asks more than once

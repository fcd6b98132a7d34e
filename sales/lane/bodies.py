"""Reads the body of a request before anybody is kept waiting for it: within a limit, and within ten seconds in all."""

import asyncio
from typing import NamedTuple

from sales.lane.asked import Message, Receive

SECONDS = 10.0


class Body(NamedTuple):
    """What came. `whole` says that it is all; otherwise the limit was passed."""

    content: bytes
    whole: bool


class TooSlow(Exception):
    """The body did not come in time."""


class Gone(Exception):
    """Whoever asked is not there any more, and wants no answer."""


async def read(receive: Receive, *, most: int, seconds: float = SECONDS) -> Body:
    """Read the body, at most `most` bytes of it. Raises TooSlow or Gone."""
    parts: list[bytes] = []
    length, more = 0, True
    try:
        async with asyncio.timeout(seconds):
            while more and length <= most:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                parts.append(part)
                length += len(part)
                more = message.get("more_body", False)
    except TimeoutError:
        raise TooSlow from None
    content = b"".join(parts)
    return Body(content[:most], whole=not more and length <= most)


def again(body: Body, receive: Receive) -> Receive:
    """Return a `receive` that hands out the body that was read, and then listens to the client."""
    handed_out = False

    async def handing_out() -> Message:
        nonlocal handed_out
        if handed_out:
            return await receive()
        handed_out = True
        return {"type": "http.request", "body": body.content, "more_body": False}

    return handing_out

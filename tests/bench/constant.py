"""Servers that answer every request with one text the size of a purchase: what the web server itself can do."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

BODY = (
    b'{"success":true,"message":"Purchase successful!","purchaseId":"6f1c1f0a-8d0e-4d5c-9d2e-0f6a6f3b7a11",'
    b'"remainingStock":4999,"unit":5001,"orderStatus":"pending"}'
)
_HEADERS = {"Content-Type": "application/json", "Content-Length": str(len(BODY)), "Cache-Control": "no-store"}
_RAW = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]

type Message = MutableMapping[str, Any]


async def asgi(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer as the lane's server would, with nothing behind it."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _RAW})
    await send({"type": "http.response.body", "body": BODY})


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer as gunicorn's threads would, with nothing behind them."""
    environ["wsgi.input"].read()
    start_response("200 OK", list(_HEADERS.items()))
    return [BODY]

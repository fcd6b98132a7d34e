"""The ASGI application: decides what is answered here and what is Django's, and writes the answers.

Whatever is not plain and known goes to Django whole: an unknown path, another method, a host that is not ours, a header
that is too long. So the lane has no answer of its own to anything, but that a body came too slowly.
"""

from functools import lru_cache, partial

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils import translation

from sales import conf
from sales.answers import wire
from sales.answers.ask import Answer, Ask
from sales.answers.buying import Reply
from sales.domain import addresses
from sales.domain.reads import Read
from sales.lane import bodies, routes
from sales.lane.asked import Asked, Receive, Scope, Send
from sales.lane.behind import Django, WsgiApp, environ_of, most_bytes
from sales.lane.bodies import Body
from sales.lane.counting import Counting
from sales.lane.driving import Driver
from sales.lane.frames import Frame, Frames, Setting
from sales.lane.pages import Pages, is_for_all
from sales.lane.routes import Hot
from sales.lane.writing import write, write_in_messages
from sales.web import buy, edge, errors, request_id

_PAGE = "/sales/a-sale/"
_HANG_UP = (("Connection", "close"),)


class Lane:
    """One worker's lane in front of Django. `threads` is how many requests Django answers at once."""

    def __init__(self, wsgi: WsgiApp, *, threads: int, body_seconds: float = bodies.SECONDS) -> None:
        self._django = Django(wsgi, threads=threads)
        self._frames = Frames()
        self._driver = Driver()
        self._pages = Pages(self._frames, self._driver)
        self.counting = Counting(self._driver)
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the worker's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._answer(Asked(scope, receive, send))
            except bodies.Gone:
                return

    async def _answer(self, asked: Asked) -> None:
        hot = routes.find(asked.method, asked.path)
        slug = "" if hot else routes.page_slug(asked.method, asked.path)
        if not (hot or slug) or not asked.is_plain:
            await self._hand_over(asked)
            return
        frame = self._frames.around(hot.kind if hot else _PAGE, asked.scheme, asked.headers)
        if frame is None:
            await self._hand_over(asked)
            return
        request_id.begin(asked.headers.get("x-request-id"))
        if hot:
            await self._answer_hot(asked, hot, frame)
        else:
            await self._answer_page(asked, slug, frame.setting)

    async def _answer_hot(self, asked: Asked, hot: Hot, frame: Frame) -> None:
        body = None
        if hot.takes_body and asked.has_body:
            try:
                body = await self._body(asked, most=conf.current().body_limit_bytes + 1)
            except bodies.TooSlow:
                await self._too_slow(asked)
                return
        ask = _ask_of(asked, body=body, secure=frame.secure)
        made: Answer | Reply | None = None
        if not hot.group or self.counting.may_go_on(hot.group, ask.address):
            if hot.kind == routes.PAGE:
                translation.activate(frame.language)
            made = await self._driver.run(hot.answer(ask))
        if isinstance(made, Answer):
            await write(asked, made, frame)
        elif made:
            await self._write_page(asked, made)
        else:
            await self._hand_over(asked, body)

    async def _answer_page(self, asked: Asked, slug: str, setting: Setting) -> None:
        """Answer with the page that everybody gets who is not known; whoever may be known is Django's."""
        cookies = asked.headers.get("cookie", "")
        if asked.query or not is_for_all(cookies) or not self.counting.may_go_on("page", _address_of(asked)):
            await self._hand_over(asked)
            return
        page = await self._pages.get(slug, setting, with_cookies=bool(cookies))
        if page is None:
            await self._hand_over(asked)
        else:
            await write(asked, page.answer())

    async def _write_page(self, asked: Asked, reply: Reply) -> None:
        """Have Django write the page around a refusal: who is signed in stands in its head."""
        request = WSGIRequest(environ_of(asked))
        request.resolver_match = resolve(asked.path)

        def written() -> Answer:
            return _answer_of(self._frames.answered(request, lambda request: buy.refused(request, reply))[0])

        await write(asked, await self._driver.read(Read(written)))

    async def _hand_over(self, asked: Asked, body: Body | None = None) -> None:
        """Give the request to Django, whole."""
        if body is None and asked.has_body:
            try:
                body = await self._body(asked, most=most_bytes(asked.path))
            except bodies.TooSlow:
                await self._too_slow(asked)
                return
        await self._django.answer(asked, body)

    async def _body(self, asked: Asked, *, most: int) -> Body:
        content = asked.shortcut.body() if asked.shortcut else None
        if content is not None:
            return Body(content[:most], whole=len(content) <= most)
        return await bodies.read(asked.receive, most=most, seconds=self._body_seconds)

    async def _too_slow(self, asked: Asked) -> None:
        """Say that the body did not come, and hang up: what may still come of it is no request."""

        def said(request: HttpRequest) -> HttpResponse:
            if asked.path.startswith("/api"):
                return edge.response_of(wire.error(408, "The body did not come in time, please send it again"))
            return errors.too_slow(request)

        read = Read(partial(self._frames.answered, WSGIRequest(environ_of(asked)), said))
        response, _ = await self._driver.read(read)
        await write_in_messages(asked, _answer_of(response).with_headers(_HANG_UP))

    async def _live(self, receive: Receive, send: Send) -> None:
        # The first frame loads what the middleware needs: a third of a second that no shopper is to wait for.
        self._frames.around(routes.API, "http", {"host": "localhost"})
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def close(self) -> None:
        """End threads and connections. The server calls this when every request is answered."""
        await self.counting.close()
        await self._driver.close()
        self._django.close()


def _ask_of(asked: Asked, *, body: Body | None, secure: bool) -> Ask:
    return Ask(
        method=asked.method,
        path=asked.path,
        query=asked.query,
        headers=asked.headers,
        body=body.content if body else b"",
        address=_address_of(asked),
        host=asked.headers["host"],
        secure=secure,
    )


def _address_of(asked: Asked) -> str:
    return _client_address(asked.peer, asked.headers.get("x-forwarded-for", ""), conf.current().trusted_proxies)


_client_address = lru_cache(maxsize=4_096)(addresses.client_address)  # a visitor asks more than once


def _answer_of(response: HttpResponse) -> Answer:
    return Answer(status=response.status_code, headers=tuple(response.items()), body=response.content)

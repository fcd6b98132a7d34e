"""The ASGI application: decides what is answered here and what is Django's, and writes the answers.

Whatever is not plain and known goes to Django whole: an unknown path, another method, a host that is not ours, a header
that is too long. So the lane has no answer of its own to anything, but that a body came too slowly.
"""

from contextvars import copy_context
from functools import partial

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils import translation

from sales import conf
from sales.answers import wire
from sales.answers.ask import Answer, Asking
from sales.answers.buying import Reply
from sales.domain.reads import Read
from sales.lane import bodies, routes
from sales.lane.asked import Asked, Receive, Scope, Send, texts_of
from sales.lane.behind import Django, WsgiApp, environ_of, most_bytes
from sales.lane.bodies import Body
from sales.lane.counting import Counting
from sales.lane.driving import Driver
from sales.lane.frames import Frame, Frames
from sales.lane.known import Known, known_of
from sales.lane.pages import Pages
from sales.lane.request import App, Request
from sales.lane.routes import Hot, Outcome
from sales.lane.writing import headers_of, write, write_at_once
from sales.web import buy, edge, errors, request_id

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

    def take(self, request: Request) -> bool:
        """Answer a request that is whole past the messages of ASGI; False where it has to come in them."""
        head = request.head
        known: Known | None = head.note
        if known is None:
            known = head.note = known_of(
                self._frames,
                method=head.method,
                path=head.path,
                query=head.query.decode("latin-1"),
                scheme=head.scheme,
                peer=head.client[0] if head.client else "",
                headers=texts_of(head.headers),
            )
            if known is None:
                return False
        # A context of its own, as a task would have: for the request's id, and the language of its texts.
        return copy_context().run(self._taken, request, known)

    def _taken(self, request: Request, known: Known) -> bool:
        request_id.begin(known.ask.headers.get("x-request-id"))
        hot = known.hot
        if hot is None:
            return self._page_taken(request, known)
        body = _within(request.body, conf.current().body_limit_bytes + 1) if hot.takes_body and request.body else None

        def made(outcome: Outcome, mistake: Exception | None) -> None:
            if mistake:
                request.fail(mistake)
                return
            try:
                if not (isinstance(outcome, Answer) and write_at_once(request, outcome, known.frame)):
                    request.run(self._rest(outcome, known.frame, body))
            except Exception as unwritten:  # noqa: BLE001 - said and answered by the server
                request.fail(unwritten)

        steps = self._begun(hot, known, body)
        if steps:
            self._driver.drive(steps, made)
        else:
            made(None, None)
        return True

    def _page_taken(self, request: Request, known: Known) -> bool:
        """Show the page that everybody gets, if it was written a moment ago and this is not one too many."""
        page = self._pages.kept(known.page, known.frame.setting, with_cookies="cookie" in known.ask.headers)
        may = page and not request.flow.write_paused and self.counting.may_go_on("page", known.ask.address)
        return bool(page and may and write_at_once(request, page.answer()))

    def _begun(self, hot: Hot, known: Known, body: Body | None) -> Asking[Outcome] | None:
        """Begin the answer to a hot URL; None where it was asked for too often, which is Django's to say."""
        if hot.group and not self.counting.may_go_on(hot.group, known.ask.address):
            return None
        if hot.kind == routes.PAGE:
            translation.activate(known.frame.language)
        return hot.answer(known.ask.with_body(body.content) if body else known.ask)

    def _rest(self, made: Outcome, frame: Frame, body: Body | None) -> App:
        """Return what writes an answer that cannot be written at once."""

        async def rest(scope: Scope, receive: Receive, send: Send) -> None:
            await self._write(Asked(scope, receive, send), made, frame, body)

        return rest

    async def _answer(self, asked: Asked) -> None:
        known = None
        if not asked.scope.get("root_path"):
            known = known_of(
                self._frames,
                method=asked.method,
                path=asked.path,
                query=asked.query,
                scheme=asked.scheme,
                peer=asked.peer,
                headers=asked.headers,
            )
        if known is None:
            await self._hand_over(asked)
            return
        request_id.begin(asked.headers.get("x-request-id"))
        if known.hot:
            await self._answer_hot(asked, known.hot, known)
        else:
            await self._answer_page(asked, known)

    async def _answer_hot(self, asked: Asked, hot: Hot, known: Known) -> None:
        body = None
        if hot.takes_body and asked.has_body:
            try:
                body = await self._body(asked, most=conf.current().body_limit_bytes + 1)
            except bodies.TooSlow:
                await self._too_slow(asked)
                return
        steps = self._begun(hot, known, body)
        await self._write(asked, await self._driver.run(steps) if steps else None, known.frame, body)

    async def _write(self, asked: Asked, made: Outcome, frame: Frame, body: Body | None) -> None:
        if isinstance(made, Answer):
            await write(asked, made, frame)
        elif made:
            await self._write_page(asked, made)
        else:
            await self._hand_over(asked, body)

    async def _answer_page(self, asked: Asked, known: Known) -> None:
        """Answer with the page that everybody gets who is not known."""
        page = None
        if self.counting.may_go_on("page", known.ask.address):
            page = await self._pages.get(known.page, known.frame.setting, with_cookies="cookie" in asked.headers)
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
        return await bodies.read(asked.receive, most=most, seconds=self._body_seconds)

    async def _too_slow(self, asked: Asked) -> None:
        """Say that the body did not come, and hang up: what may still come of it is no request."""

        def said(request: HttpRequest) -> HttpResponse:
            if asked.path.startswith("/api"):
                return edge.response_of(wire.error(408, "The body did not come in time, please send it again"))
            return errors.too_slow(request)

        read = Read(partial(self._frames.answered, WSGIRequest(environ_of(asked)), said))
        response, _ = await self._driver.read(read)
        await write(asked, _answer_of(response).with_headers(_HANG_UP))

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


def _within(content: bytes, most: int) -> Body:
    return Body(content[:most], whole=len(content) <= most)


def _answer_of(response: HttpResponse) -> Answer:
    return Answer(status=response.status_code, headers=headers_of(response), body=response.content)

"""Between Django and the pure answers: a request becomes an `Ask`, an `Answer` a response. No rule lives here."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from sales import conf
from sales.answers import wire
from sales.answers.ask import Answer, Ask, Steps
from sales.domain.addresses import client_address
from sales.services import purchasing


class AnswerResponse(HttpResponse):
    """A response made of an Answer. Django does not log it: refusals are answers, and in a rush there are thousands."""

    _has_been_logged = True


_ALLOWED = {"GET": "GET, HEAD, OPTIONS", "POST": "POST, OPTIONS"}


def respond(request: HttpRequest, method: str, steps: Callable[[Ask], Steps]) -> HttpResponse:
    """Answer a request to a URL that knows one method, GET or POST; HEAD comes with GET."""
    allow = (("Allow", _ALLOWED[method]),)
    if request.method == "OPTIONS":
        return response_of(Answer(status=204, headers=allow))
    if request.method != method and (request.method, method) != ("HEAD", "GET"):
        return response_of(wire.error(405, f"This address takes {method} only", allow))
    try:
        ask = ask_of(request)
    except OSError:  # the client went away, sent less than it announced, or chunks that are none
        return response_of(wire.error(400, "The body could not be read"))
    response = response_of(purchasing.run(steps(ask)))
    if request.method == "HEAD":
        response.headers["Content-Length"] = str(len(response.content))
        response.content = b""
    return response


def ask_of(request: HttpRequest) -> Ask:
    """Make an Ask of a request; its body is read to one byte over the limit. Raises OSError where it cannot be."""
    return Ask(
        method=request.method or "",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=_body(request),
        address=address_of(request),
        host=request.META.get("HTTP_HOST", ""),
        secure=request.is_secure(),
    )


def response_of(answer: Answer) -> HttpResponse:
    """Make a response of an Answer."""
    response = AnswerResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        response.headers[name] = value
    return response


def address_of(request: HttpRequest) -> str:
    """Return the client's address, seen through the trusted proxies."""
    meta = request.META
    trusted = conf.current().trusted_proxies
    return client_address(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), trusted)


def _body(request: HttpRequest) -> bytes:
    most = conf.current().body_limit_bytes + 1
    announced = request.META.get("CONTENT_LENGTH", "")
    if not announced and request.META.get("wsgi.input_terminated"):
        # A body in chunks, which Django takes for an empty one; the server says that it marks the end.
        chunked: bytes = request.META["wsgi.input"].read(most)
        return chunked
    body = request.read(most)
    if announced.isdecimal() and len(body) < min(int(announced), most):
        raise UnreadablePostError("The body is shorter than it was announced.")
    return body

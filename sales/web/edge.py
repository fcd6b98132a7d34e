"""Between Django and the pure answers that stubs are made of: a request becomes an `Ask`, an `Answer` a response."""

from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from sales import conf
from sales.answers.ask import Answer, Ask
from sales.web import address

PRIVATE = "private, no-store"
"""Cache-Control of whatever is about one person: kept by nobody."""


class AnswerResponse(HttpResponse):
    """A response that Django does not log: a refusal is an answer, and in a rush there are thousands."""

    _has_been_logged = True


def ask_of(request: HttpRequest) -> Ask:
    """Make an Ask of a request; its body is read to one byte over the limit, and is empty where it cannot be read."""
    return Ask(
        method=request.method or "",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=_body(request),
        address=address.of(request),
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


def _body(request: HttpRequest) -> bytes:
    if request.method != "POST":
        return b""
    most = conf.current().body_limit_bytes + 1
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        chunked: bytes = request.META["wsgi.input"].read(most)  # Django takes a body in chunks for an empty one
        return chunked
    try:
        return request.read(most)
    except UnreadablePostError:  # the client went away, or sent less than it announced
        return b""

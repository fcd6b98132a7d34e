"""Writes an answer to whoever asked: in one piece where the server takes it so, else in the messages of ASGI.

No answer has a Content-Length or an X-Request-ID of its own; both are written here.
"""

from django.http import HttpResponse

from sales.answers.ask import Answer, Headers
from sales.lane.asked import Asked
from sales.lane.frames import Frame
from sales.lane.request import Request
from sales.web import request_id

_WRITTEN_HERE = frozenset({"content-length", "x-request-id"})


def headers_of(response: HttpResponse) -> Headers:
    """Return the headers of a response of Django's, as an answer has them."""
    return tuple((name, value) for name, value in response.items() if name.lower() not in _WRITTEN_HERE)


def write_at_once(request: Request, answer: Answer, frame: Frame | None = None) -> bool:
    """Write an answer, with what the middleware adds where it did not come through it; False where it has to wait."""
    lines = _lines(answer.headers) + (frame.lines if frame else b"") + _own_lines(answer)
    return request.answer(answer.status, lines, answer.body)


async def write(asked: Asked, answer: Answer, frame: Frame | None = None) -> None:
    """The same as any ASGI server takes it; also for a header about the connection, which is the server's to obey."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if frame:
        headers += frame.headers
    headers.append((b"content-length", b"%d" % len(answer.body)))
    headers.append((b"x-request-id", request_id.current().encode()))
    await asked.send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await asked.send({"type": "http.response.body", "body": answer.body})


def _lines(headers: Headers) -> bytes:
    """Return the headers as they go over the wire. Raises ValueError where a value would begin another line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") > len(headers):
        raise ValueError("A header must not hold the end of a line.")
    return lines.encode("latin-1")


def _own_lines(answer: Answer) -> bytes:
    return b"content-length: %d\r\nx-request-id: %s\r\n" % (len(answer.body), request_id.current().encode())

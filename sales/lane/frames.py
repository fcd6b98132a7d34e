"""What Django's middleware adds to an answer, asked of Django itself once and then remembered.

A frame belongs to what the middleware looks at: host, scheme, origin, language. Where the middleware would not let a
request through (a host that is not ours, plain HTTP where HTTPS is asked for), there is no frame, and Django answers.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.utils import translation
from django.utils.module_loading import import_string

type View = Callable[[HttpRequest], HttpResponse]

MOST_KEPT = 1_024
MOST_CHARACTERS = 512  # of a header that a frame depends on; longer ones are Django's
_ANSWERS_FILES_ONLY = "whitenoise.middleware.WhiteNoiseMiddleware"  # it would look through all of them once more
_CSRF_COOKIE = re.compile(r"(?:[a-zA-Z0-9]{32}|[a-zA-Z0-9]{64})?")
_LANGUAGE = "lane.language"
_VIEW = "lane.view"
_OWN = frozenset({"content-type", "content-length", "x-request-id"})  # of each answer, not of the frame


@dataclass(frozen=True, slots=True)
class Setting:
    """All of a request that the middleware looks at. `path` stands for the others of its kind."""

    path: str
    scheme: str
    host: str
    forwarded_scheme: str
    origin: str
    accept_language: str
    language_cookie: str

    def environ(self, *, path: str = "", cookies: str = "") -> dict[str, Any]:
        """Return a WSGI request that the middleware takes for this one."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path or self.path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": io.BytesIO(),
        }
        if self.language_cookie:
            cookies = f"{cookies}; {settings.LANGUAGE_COOKIE_NAME}={self.language_cookie}".lstrip("; ")
        proxy_header = settings.SECURE_PROXY_SSL_HEADER
        more = {
            "HTTP_ORIGIN": self.origin,
            "HTTP_ACCEPT_LANGUAGE": self.accept_language,
            "HTTP_COOKIE": cookies,
            proxy_header[0] if proxy_header else "": self.forwarded_scheme,
        }
        return environ | {name: value for name, value in more.items() if value and name}


@dataclass(frozen=True, slots=True)
class Frame:
    """What goes around each answer: headers as bytes, names in small letters, and the language of its texts.

    `lines` are the same headers as they go over the wire.
    """

    setting: Setting
    language: str
    secure: bool
    headers: tuple[tuple[bytes, bytes], ...]
    lines: bytes


class Frames:
    """Makes frames, and has views answered inside the middleware."""

    def __init__(self) -> None:
        self._chain = _chain()
        self._proxy_header = _proxy_header()
        self._of = lru_cache(maxsize=MOST_KEPT)(self._made)
        self._known: dict[tuple[str, ...], Frame] = {}

    def around(self, path: str, scheme: str, headers: Mapping[str, str]) -> Frame | None:
        """Return the frame of a request; None where it is Django's."""
        get = headers.get
        forwarded = get(self._proxy_header, "") if self._proxy_header else ""
        said = (path, scheme, get("host", ""), get("origin", ""), get("accept-language", ""), forwarded)
        cookie = get("cookie", "")
        known = None if cookie else self._known.get(said)  # cookies are everybody's own, and not worth keeping
        if known:
            return known
        setting = self._setting_of(said, cookie)
        frame = self._of(setting) if setting else None
        if frame and not cookie:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[said] = frame
        return frame

    def _setting_of(self, said: tuple[str, ...], cookie: str) -> Setting | None:
        """Return what the middleware looks at; None where something is missing or too long to be remembered."""
        path, scheme, host, origin, language, forwarded = said
        if not host or len(host) + len(origin) + len(language) + len(forwarded) > MOST_CHARACTERS:
            return None
        cookies = parse_cookie(cookie) if cookie else {}
        if not _CSRF_COOKIE.fullmatch(cookies.get(settings.CSRF_COOKIE_NAME, "")):
            return None  # the middleware would give out a new one
        chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME, "")[:32]
        return Setting(path, scheme, host, forwarded, origin, language, chosen)

    def answered(self, request: HttpRequest, view: View) -> tuple[HttpResponse, str | None]:
        """Have a view answer inside the middleware; the language is None where the view was not reached."""
        request.META[_VIEW] = view
        response = self._chain(request)
        return response, request.META.get(_LANGUAGE)

    def _made(self, setting: Setting) -> Frame | None:
        request = WSGIRequest(setting.environ())
        plain = HttpResponse(content_type="text/plain")
        with translation.override(translation.get_language()):
            try:
                response, language = self.answered(request, lambda _request: plain)
            except Exception:  # noqa: BLE001 - whatever it refuses, and however: Django says so to who asked
                return None
        if language is None or response is not plain or response.cookies:
            return None
        added = tuple(
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in response.items()
            if name.lower() not in _OWN
        )
        return Frame(
            setting=setting,
            language=language,
            secure=request.is_secure(),
            headers=added,
            lines=b"".join(b"%s: %s\r\n" % header for header in added),
        )


def _innermost(request: HttpRequest) -> HttpResponse:
    request.META[_LANGUAGE] = translation.get_language() or ""
    view: View = request.META[_VIEW]
    return view(request)


def _chain() -> View:
    """Put the middleware of the settings around a view that each request brings with it."""
    chain: View = _innermost
    for path in reversed(settings.MIDDLEWARE):
        if path == _ANSWERS_FILES_ONLY:
            continue
        try:
            chain = import_string(path)(chain)
        except MiddlewareNotUsed:
            continue
    return chain


def _proxy_header() -> str:
    header = settings.SECURE_PROXY_SSL_HEADER
    return header[0].removeprefix("HTTP_").replace("_", "-").lower() if header else ""

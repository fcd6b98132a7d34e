"""Who may keep a page: nobody one that shows a person; a browser one that does not, to be asked about each time."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from sales.web import edge


def page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Mark a page that looks different for who is signed in."""
    is_personal = request.user.is_authenticated or request.headers.get("Cookie", "") != ""
    response.headers["Cache-Control"] = edge.PRIVATE if is_personal else "no-cache"
    patch_vary_headers(response, ["Cookie"])
    return response


def personal(response: HttpResponse) -> HttpResponse:
    """Mark what is about one person."""
    response.headers["Cache-Control"] = edge.PRIVATE
    return response

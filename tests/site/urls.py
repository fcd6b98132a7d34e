"""Paths that answer something, so that what stands around every answer can be looked at by itself."""

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import path


def plain(request: HttpRequest, sale: str = "none") -> HttpResponse:
    """Answer, and log a record while at it."""
    logging.getLogger("tests.site").warning("answering for sale %s", sale)
    return HttpResponse("here")


def missing(request: HttpRequest) -> HttpResponse:
    """Answer with what Django logs by itself."""
    return HttpResponseNotFound("nothing here")


urlpatterns = [
    path("missing", missing),
    path("plain", plain),
    path("health", plain),
    path("api/flashsale/status/<str:sale>", plain),
]

"""Paths that answer something, so that what stands around every answer can be looked at by itself."""

import logging

from django.http import HttpRequest, HttpResponse
from django.urls import path


def plain(request: HttpRequest, sale: str = "none") -> HttpResponse:
    """Answer, and log a record while at it."""
    logging.getLogger("tests.site").warning("answering for sale %s", sale)
    return HttpResponse("here")


urlpatterns = [
    path("plain", plain),
    path("health", plain),
    path("api/flashsale/status/<str:sale>", plain),
]

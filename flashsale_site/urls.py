"""Which part of the site answers which path. Each part names its own URLs; none is named here twice."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.views.static import serve

from sales.conf import Site


def picture(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer with an uploaded picture; in production the server in front has them."""
    if settings.SALES.site is not Site.DEMO:
        raise Http404
    return serve(request, path, document_root=str(settings.MEDIA_ROOT))


urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("sales.api.urls")),
    path("", include("sales.web.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("media/<path:path>", picture),
]

handler400 = "sales.web.errors.bad_request"
handler403 = "sales.web.errors.permission_denied"
handler404 = "sales.web.errors.page_not_found"
handler500 = "sales.web.errors.server_error"

"""For search engines: which pages there are (sitemap.xml), and which are one person's business (robots.txt)."""

from typing import TYPE_CHECKING, Any

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from sales.queries import catalogue
from sales.queries.catalogue import SaleEntry

if TYPE_CHECKING:  # the type takes a parameter, Django's own class does not
    _OfNames = Sitemap[str]
    _OfSales = Sitemap[SaleEntry]
else:
    _OfNames = _OfSales = Sitemap

_NOT_FOR_THEM = (
    "/account/",
    "/accounts/",
    "/admin/",
    "/api/",
    "/language",
    "/purchases/",
    "/states/",
    "/sales/*/panel",
    "/sales/*/mine",
)


class Lists(_OfNames):
    """The pages that are always there."""

    def items(self) -> list[str]:
        """Return their names."""
        return ["sales"]

    def location(self, item: str) -> str:
        """Return the path of one."""
        return reverse(item)


class Sales(_OfSales):
    """Every public sale."""

    def items(self) -> list[SaleEntry]:
        """Return them, the newest first."""
        return list(catalogue.all())

    def location(self, item: SaleEntry) -> str:
        """Return the path of one."""
        return reverse("sale", args=[item.slug])


@require_safe
def site_map(request: HttpRequest) -> HttpResponse:
    """Answer with the list of public pages."""
    maps: dict[str, type[Sitemap[Any]] | Sitemap[Any]] = {"lists": Lists(), "sales": Sales()}
    for each in maps.values():
        each.protocol = request.scheme
    return sitemap(request, maps).render()


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Answer with what crawlers need not look at, and where the list of the others is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_THEM), ""]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('site_map'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")

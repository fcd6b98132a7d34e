"""The URLs of pages and of their fragments. Each fragment has its own; the page's URL never answers with one."""

from django.urls import path

from sales.web import (
    account,
    buy,
    crawlers,
    hold,
    language,
    mine,
    opening,
    panel,
    purchase,
    purchases,
    remind,
    sale,
    sales,
    states,
)

urlpatterns = [
    path("", sales.show, name="sales"),
    path("robots.txt", crawlers.robots, name="robots"),
    path("sitemap.xml", crawlers.site_map, name="site_map"),
    path("language", language.choose, name="set_language"),
    # Of one sale.
    path("sales/<slug:slug>/", sale.show, name="sale"),
    path("sales/<slug:slug>/panel", panel.show, name="panel"),
    path("sales/<slug:slug>/mine", mine.show, name="mine"),
    path("sales/<slug:slug>/buy", buy.buy, name="buy"),
    path("sales/<slug:slug>/opening.ics", opening.show, name="opening"),
    path("sales/<slug:slug>/remind", remind.remind, name="remind"),
    # Of one hold.
    path("sales/<slug:slug>/confirm", hold.confirm, name="confirm"),
    path("sales/<slug:slug>/let-go", hold.let_go, name="let_go"),
    path("sales/<slug:slug>/extend", hold.extend, name="extend"),
    # Of one shopper.
    path("purchases/", purchases.show, name="purchases"),
    path("purchases/<uuid:order_id>/", purchase.show, name="purchase"),
    path("purchases/<uuid:order_id>/receipt", purchase.receipt, name="receipt"),
    path("account/", account.show, name="account"),
    # Every state of a sale's page, for those who work on it.
    path("states/", states.show_all, name="states"),
    path("states/<slug:name>/", states.show, name="state"),
]

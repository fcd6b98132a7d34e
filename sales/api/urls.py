"""The URLs of the JSON API. Each is answered with JSON, whatever is asked of it; no page lives below `/api`."""

from django.urls import path, re_path

from sales.api import views

app_name = "api"

urlpatterns = [
    # Of one sale; a userId may hold a slash, so the last `/purchase/` is the one that counts.
    path("api/flashsale/status/<str:sale_id>", views.show_status, name="status"),
    re_path(r"^api/flashsale/user/(?P<user_id>[\s\S]*)/purchase/(?P<sale_id>[^/]*)\Z", views.look_up, name="look_up"),
    path("api/flashsale/sales", views.list_sales, name="sales"),
    # What a shopper does.
    path("api/flashsale/purchase", views.purchase, name="purchase"),
    path("api/flashsale/confirm", views.confirm, name="confirm"),
    path("api/flashsale/release", views.release, name="release"),
    path("api/flashsale/extend", views.extend, name="extend"),
    # For operators and programs.
    path("health", views.health, name="health"),
    path("ready", views.ready, name="ready"),
    path("openapi.json", views.describe, name="openapi"),
    # All else below /api: a JSON 404, and never a redirect to a page.
    re_path(r"^api(?:/[\s\S]*)?\Z", views.unknown, name="unknown"),
]

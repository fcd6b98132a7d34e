"""What may be done with a unit that is held: confirm it, let it go, ask for more time. `buy` explains the pass."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sales.answers import buying
from sales.web import buy


@csrf_exempt
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """Buy it."""
    return buy.answer(request, slug, buying.confirm)


@csrf_exempt
def let_go(request: HttpRequest, slug: str) -> HttpResponse:
    """Give it back."""
    return buy.answer(request, slug, buying.let_go)


@csrf_exempt
def extend(request: HttpRequest, slug: str) -> HttpResponse:
    """Hold it longer, once."""
    return buy.answer(request, slug, buying.extend)

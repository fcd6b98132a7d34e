"""The views of the JSON API: one per URL, each of them an adapter around an answer."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from sales.answers import health as health_answers
from sales.answers import holds, lookup, status, wire
from sales.answers import purchase as purchase_answers
from sales.answers.ask import Answer, Ask, Steps
from sales.api import edge, openapi
from sales.api.limits import limited


@csrf_exempt
@limited
def list_sales(request: HttpRequest) -> HttpResponse:
    """All public sales."""
    return edge.respond(request, "GET", status.every)


@csrf_exempt
@limited
def show_status(request: HttpRequest, sale_id: str) -> HttpResponse:
    """One sale."""
    return edge.respond(request, "GET", partial(status.one, sale_id=sale_id))


@csrf_exempt
def purchase(request: HttpRequest) -> HttpResponse:
    """Take a unit."""
    return edge.respond(request, "POST", purchase_answers.answer)


@csrf_exempt
def confirm(request: HttpRequest) -> HttpResponse:
    """Buy a unit that is held."""
    return edge.respond(request, "POST", holds.confirm)


@csrf_exempt
def release(request: HttpRequest) -> HttpResponse:
    """Let a unit go."""
    return edge.respond(request, "POST", holds.release)


@csrf_exempt
def extend(request: HttpRequest) -> HttpResponse:
    """Hold a unit longer, once."""
    return edge.respond(request, "POST", holds.extend)


@csrf_exempt
def look_up(request: HttpRequest, user_id: str, sale_id: str) -> HttpResponse:
    """What a user has in a sale."""
    return edge.respond(request, "GET", partial(lookup.answer, user_id=user_id, sale_id=sale_id))


@csrf_exempt
def health(request: HttpRequest) -> HttpResponse:
    """Whether this process is alive."""
    return edge.respond(request, "GET", partial(health_answers.alive, now=timezone.now()))


@csrf_exempt
def ready(request: HttpRequest) -> HttpResponse:
    """Whether shoppers may be sent here."""
    return edge.respond(request, "GET", partial(health_answers.ready, now=timezone.now()))


@csrf_exempt
@limited
def describe(request: HttpRequest) -> HttpResponse:
    """The OpenAPI description of all this."""

    def steps(_ask: Ask) -> Steps:
        yield from ()
        return Answer(status=200, headers=(("Content-Type", "application/json"),), body=openapi.text())

    return edge.respond(request, "GET", steps)


@csrf_exempt
def unknown(_request: HttpRequest) -> HttpResponse:
    """Whatever else is asked of the API."""
    return edge.response_of(wire.error(404, "There is nothing at this address"))

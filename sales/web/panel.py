"""The public stub as a fragment, polled by every open page."""

import random

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from sales.answers import panel as panel_answers
from sales.services import purchasing
from sales.web import edge, errors


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer with the stub; asks no session and no database."""
    chance = random.random()  # noqa: S311 - jitter
    answer = purchasing.run(panel_answers.answer(edge.ask_of(request), slug=slug, chance=chance))
    if answer.status == 404:
        raise Http404(slug)
    if answer.status == 503:
        return errors.unavailable(request)
    return edge.response_of(answer)

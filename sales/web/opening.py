"""The opening of a sale as a file for calendars (.ics, RFC 5545). Escaping and folding are the library's business."""

from datetime import UTC, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from icalendar import Alarm, Calendar, Event

from sales import conf
from sales.queries import openings
from sales.queries.openings import Opening
from sales.web import sale as sale_page

ALARM_BEFORE = timedelta(minutes=10)


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer with the file. It is the same for everybody, and asked for anew each time: the window may move."""
    opening = openings.of(sale_page.entry_of(slug))
    page = request.build_absolute_uri(reverse("sale", args=[slug]))
    response = HttpResponse(written(opening, page=page, now=datetime.now(UTC)), content_type="text/calendar")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}.ics"'
    response.headers["Cache-Control"] = "no-cache"
    return response


def written(opening: Opening, *, page: str, now: datetime) -> bytes:
    """Return the file's bytes. All times are in UTC, so that no calendar has to know a zone."""
    shop = conf.current().shop_name
    event = Event()
    event.add("uid", str(opening.uid))
    event.add("sequence", opening.sequence)
    event.add("dtstamp", now)
    event.add("dtstart", _whole(opening.opens_at))
    event.add("dtend", max(_whole(opening.closes_at), _whole(opening.opens_at) + timedelta(seconds=1)))
    event.add("summary", _("%(name)s goes on sale") % {"name": opening.name})
    event.add("description", _("At %(shop)s: %(page)s") % {"shop": shop, "page": page})
    event.add("url", page)
    event.add("status", "CANCELLED" if opening.is_off else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if not opening.is_off:
        event.add_component(_alarm(opening))
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", f"-//{shop}//Flash sales//EN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    file: bytes = calendar.to_ical()
    return file


def _alarm(opening: Opening) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -ALARM_BEFORE)
    alarm.add("description", _("%(name)s goes on sale in ten minutes") % {"name": opening.name})
    return alarm


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)

"""The list of sales: on now, coming, over."""

import random
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sales.queries import catalogue, panels, snapshots, tickets
from sales.queries.panels import Panel
from sales.queries.tickets import Ticket
from sales.web import caching

MOST_SHOWN_OVER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sale in the list: the face of its ticket, and what its stub would say."""

    ticket: Ticket
    panel: Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """The three parts of the list."""

    on_now: tuple[Row, ...]
    coming: tuple[Row, ...]
    over: tuple[Row, ...]


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Show every public sale."""
    return caching.page(request, render(request, "sales/sales.html", {"shelves": _shelves()}))


def _shelves() -> Shelves:
    sales = catalogue.all()
    faces = tickets.many(sales)
    rows = [
        Row(ticket=faces[sale.slug], panel=panels.of(sale, snapshot, chance=random.random()))  # noqa: S311 - jitter
        for sale, snapshot in zip(sales, snapshots.many(sales), strict=True)
        if sale.slug in faces
    ]
    over = tuple(row for row in rows if row.panel.state == "ended")
    coming = [row for row in rows if row.panel.look == "upcoming"]
    return Shelves(
        on_now=tuple(row for row in rows if row not in over and row not in coming),
        coming=tuple(sorted(coming, key=lambda row: row.panel.opens_at)),
        over=over[:MOST_SHOWN_OVER],
    )

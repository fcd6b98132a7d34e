"""Tables as CSV, a line at a time, safe to open in a spreadsheet. What is in the table is the caller's business."""

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 (wide ones count, too)


class _Line:
    """The file that csv writes into: it keeps nothing and hands each line back."""

    def write(self, line: str) -> str:
        return line


def safe(value: object) -> str:
    """Return the cell's text; where a spreadsheet would take it for a formula, with an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


def lines(*, heads: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the table's lines; the first begins with the mark by which spreadsheets know UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([safe(head) for head in heads])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def response(*, name: str, heads: Iterable[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """Return the table as a file to keep; rows are read while it is sent."""
    return StreamingHttpResponse(
        lines(heads=heads, rows=rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )

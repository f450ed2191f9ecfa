"""A list as CSV, streamed: the rows that the page would show on all its pages, with the columns that it shows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from console.lists.listing import Listing
from console.lists.personal import shown_columns

CHUNK = 1_000


class _Echo:
    """A file for csv.writer that hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def answer_csv(page: Listing, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """A search that cannot be read is told, not ignored: the file would hold the wrong rows."""
    rows, selection = page.matching(request)
    if selection["search_error"] is not None:
        return HttpResponse(str(selection["search_error"]), status=400, content_type="text/plain; charset=utf-8")
    ordered = rows.order_by(*page.sort(request.GET)[1])
    response = StreamingHttpResponse(_lines(page, request, ordered), content_type="text/csv; charset=utf-8")
    name = f"{page.key.replace('_', '-')}-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(page: Listing, request: HttpRequest, rows: QuerySet[Any]) -> Iterator[str]:
    columns = [column for column in shown_columns(page, request) if not column.is_tool]
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([str(column.label) for column in columns])
    ids = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(ids, CHUNK)):
        page.finish(request, chunk)
        yield "".join(writer.writerow([column.exported(row) for column in columns]) for row in chunk)

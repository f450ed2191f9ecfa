"""A list as CSV: the rows that the page would show on all its pages, with the columns that it shows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

from auditlog.models import LogEntry
from django.conf import settings
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils import timezone

from console.lists.listing import Listing
from console.lists.personal import shown_columns
from core.permissions import person

CHUNK = 1_000
# Larger files are written to VAR_DIR; so much is sent at once.
IN_MEMORY, BLOCK = 4 * 1024 * 1024, 256 * 1024


class _Echo:
    """A file for csv.writer that hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def answer_csv(page: Listing, request: HttpRequest) -> HttpResponse | FileResponse:
    """A search that cannot be read is told, not ignored: the file would hold the wrong rows."""
    rows, selection = page.matching(request)
    if selection["search_error"] is not None:
        return HttpResponse(str(selection["search_error"]), status=400, content_type="text/plain; charset=utf-8")
    _audit(page, request, bool(selection["narrowed"]))
    ordered = rows.order_by(*page.sort(request.GET)[1])
    name = f"{page.key.replace('_', '-')}-{timezone.localdate():%Y-%m-%d}.csv"
    return csv_answer(name, _lines(page, request, ordered))


def csv_answer(name: str, lines: Iterable[str]) -> FileResponse:
    """A file of these lines, written aside before the first byte goes out: the server ends a stream that fails as if it
    were complete. So what fails is answered by an error, and what breaks off on its way is shorter than it says."""
    file = SpooledTemporaryFile(IN_MEMORY, dir=str(settings.VAR_DIR))  # noqa: SIM115 - the answer closes it
    try:
        for line in lines:
            file.write(line.encode("utf-8"))
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    response = FileResponse(file, content_type="text/csv; charset=utf-8")
    response.block_size = BLOCK
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _audit(page: Listing, request: HttpRequest, narrowed: bool) -> None:
    """Who took home which people, but not what was looked for: that may name one."""
    columns = [column for column in shown_columns(page, request) if column.personal and not column.hides]
    if columns:
        rows = "some" if narrowed else "all"
        said = f"{page.key} ({rows} rows): {', '.join(column.name for column in columns)}"
        by, changes = person(request), {"export of personal data": ["", said]}
        LogEntry.objects.log_create(by, action=LogEntry.Action.ACCESS, changes=changes, actor=by)


def _lines(page: Listing, request: HttpRequest, rows: QuerySet[Any]) -> Iterator[str]:
    columns = [column for column in shown_columns(page, request) if not column.is_tool]
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([str(column.label) for column in columns])
    ids = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(ids, CHUNK)):
        page.finish(request, chunk)
        yield "".join(writer.writerow([column.exported(row) for column in columns]) for row in chunk)

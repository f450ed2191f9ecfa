"""A list as a file: the rows that the page would show on all its pages, with the columns that it shows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec
from auditlog.models import LogEntry
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import Engine, RequestContext, Template
from django.utils import timezone
from django.utils.translation import gettext as _

from console.lists.columns import Column, file_text
from console.lists.links import query_without
from console.lists.listing import Listing
from console.lists.personal import shown_columns
from core.permissions import person
from core.sheets import workbook

CHUNK = 1_000
# Larger files are written to VAR_DIR; so much is sent at once.
IN_MEMORY, BLOCK = 4 * 1024 * 1024, 256 * 1024
# A workbook takes a second for so many rows of eight columns, and programs open few more.
MOST_OF_A_WORKBOOK = 50_000
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class _Echo:
    """A file for csv.writer that hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def answer_file(page: Listing, request: HttpRequest) -> HttpResponse | FileResponse:
    """A search that cannot be read is told, not ignored: the file would hold the wrong rows."""
    rows, selection = page.matching(request)
    if selection["search_error"] is not None:
        return HttpResponse(str(selection["search_error"]), status=400, content_type="text/plain; charset=utf-8")
    form = request.GET["as"]
    if form == "xlsx" and rows.order_by()[MOST_OF_A_WORKBOOK:].exists():
        sentence = _("An Excel file holds at most %(n)d rows. Narrow the search, or take CSV or JSON.")
        messages.error(request, sentence % {"n": MOST_OF_A_WORKBOOK})
        return redirect(f"{request.path}{query_without(request.GET)}")
    _audit(page, request, bool(selection["narrowed"]))
    columns = [column for column in shown_columns(page, request) if not column.is_tool]
    values = _values(page, request, columns, rows.order_by(*page.sort(request.GET)[1]))
    name = f"{page.key.replace('_', '-')}-{timezone.localdate():%Y-%m-%d}.{form}"
    return file_answer(name, FORMS[form](columns, values))


def csv_answer(name: str, lines: Iterable[str]) -> FileResponse:
    return file_answer(name, (line.encode("utf-8") for line in lines))


def file_answer(name: str, parts: Iterable[bytes]) -> FileResponse:
    """A file of these parts, written aside before the first byte goes out: the server ends a stream that fails as if it
    were complete. So what fails is answered by an error, and what breaks off on its way is shorter than it says."""
    file = SpooledTemporaryFile(IN_MEMORY, dir=str(settings.VAR_DIR))  # noqa: SIM115 - the answer closes it
    try:
        for part in parts:
            file.write(part)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    response = FileResponse(file, content_type=TYPES[name.rpartition(".")[2]])
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


def _values(page: Listing, request: HttpRequest, columns: list[Column], rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The plain values of each row, by column."""
    ids = rows.iterator(chunk_size=CHUNK)
    context = RequestContext(request)
    with context.bind_template(Template("", engine=Engine.get_default())):
        while chunk := list(islice(ids, CHUNK)):
            page.finish(request, chunk)
            for row in chunk:
                yield [column.exported(row, context) for column in columns]


def _as_csv(columns: list[Column], rows: Iterator[list[Any]]) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    yield ("\ufeff" + writer.writerow([str(column.label) for column in columns])).encode("utf-8")
    for row in rows:
        yield writer.writerow([file_text(value) for value in row]).encode("utf-8")


def _as_json(columns: list[Column], rows: Iterator[list[Any]]) -> Iterator[bytes]:
    """A list of objects: the column's name, which is the same in all languages, and its value."""
    names = [column.name for column in columns]
    yield b"["
    for number, row in enumerate(rows):
        yield (b",\n" if number else b"\n") + msgspec.json.encode(dict(zip(names, row, strict=True)))
    yield b"\n]\n"


def _as_workbook(columns: list[Column], rows: Iterator[list[Any]]) -> Iterator[bytes]:
    """Numbers as numbers, everything else as text."""

    def cells() -> Iterator[list[Any]]:
        yield [str(column.label) for column in columns]
        for row in rows:
            yield [v if isinstance(v, int | float) and not isinstance(v, bool) else file_text(v) for v in row]

    return workbook(cells())


FORMS = {"csv": _as_csv, "json": _as_json, "xlsx": _as_workbook}

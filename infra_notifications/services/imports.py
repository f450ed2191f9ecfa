"""Charge points from CSV: read, checked line by line, written all or nothing."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.batches import readable
from core.text import clean_text
from infra_notifications.services.charge_points import ChargePointInput, Upserted, upsert_charge_points

CHUNK = 5_000
MAX_ERRORS = 200
_NUMBERS = ("latitude", "longitude", "max_power_kw")
_WHOLE = ("connector", "expected_interval_s")
# Spreadsheets take a cell that begins so for a formula; with an apostrophe in front it is a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Progress = Callable[[int, int], None]


@dataclass
class ImportCheck:
    """What a file holds: its good rows, and each error with its line number (at most 200 are listed)."""

    rows: list[ChargePointInput] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    error_count: int = 0
    created: int = 0

    @property
    def is_clean(self) -> bool:
        return self.error_count == 0

    def refuse(self, line: int, sentence: str) -> None:
        self.error_count += 1
        if len(self.errors) < MAX_ERRORS:
            # A cell may hold what no database stores.
            self.errors.append((line, sentence.replace("\x00", "\ufffd")))


def safe_cell(text: str) -> str:
    """A text as a cell that no spreadsheet computes."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def plain_cell(cell: str) -> str:
    """The text of a cell that `safe_cell` made."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith((*_FORMULA, "'")) else cell


def tags_cell(tags: Sequence[str]) -> str:
    """Tags in one cell; a single tag of several words ends with a semicolon, so that it stays one."""
    ending = ";" if len(tags) == 1 and " " in tags[0] else ""
    return safe_cell(";".join(tags) + ending)


def _tags_of(cell: str) -> list[str]:
    parted = cell.replace(",", ";")
    return [tag.strip() for tag in parted.split(";") if tag.strip()] if ";" in parted else cell.split()


def decode_csv(data: bytes) -> str:
    """The file's text: UTF-8 with or without mark, else Windows-1252, which is what spreadsheets write."""
    try:
        return clean_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return clean_text(data.decode("cp1252", "replace"))


def check_csv(data: bytes, progress: Progress = lambda done, total: None) -> ImportCheck:
    """Reads a CSV file with a header of field names; the separator is a comma, semicolon or tab.

    A column that is missing leaves its field alone; an empty cell empties it. Tags stand in one cell, separated by
    semicolons or commas, or else by spaces.
    """
    text, check = decode_csv(data), ImportCheck()
    lines = text.count("\n") + 1
    reader = csv.reader(io.StringIO(text), delimiter=_separator(text))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if not _check_header(header, check):
            return check
        seen: dict[str, int] = {}
        for cells in reader:
            _check_line(reader.line_num, header, cells, check, seen)
            if reader.line_num % CHUNK == 0:
                progress(reader.line_num, lines)
    except csv.Error as error:
        check.refuse(reader.line_num, _("This line is no CSV: %(error)s.") % {"error": error})
    if not check.rows and check.is_clean:
        check.refuse(1, _("The file holds no charge point."))
    check.created = _count_new(check.rows)
    progress(lines, lines)
    return check


def _separator(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max((",", ";", "\t"), key=first.count)


def _check_header(header: list[str], check: ImportCheck) -> bool:
    known = ChargePointInput.__struct_fields__
    for name in header:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            said = _("There is no column “%(name)s”.") % {"name": name}
            check.refuse(1, said + (" " + _("Did you mean “%(near)s”?") % {"near": near[0]} if near else ""))
    for name in {n for n in header if header.count(n) > 1}:
        check.refuse(1, _("The column “%(name)s” stands there twice.") % {"name": name})
    if "evse_id" not in header:
        check.refuse(1, _("The first line must name the columns, with evse_id among them."))
    return check.is_clean


def _check_line(line: int, header: list[str], cells: list[str], check: ImportCheck, seen: dict[str, int]) -> None:
    if not any(cell.strip() for cell in cells):
        return
    if len(cells) != len(header):
        said = _("This line has %(n)d cells, the header %(m)d.") % {"n": len(cells), "m": len(header)}
        check.refuse(line, said)
        return
    try:
        row = msgspec.convert(_document(dict(zip(header, cells, strict=True))), ChargePointInput)
    except msgspec.ValidationError as error:
        check.refuse(line, readable(error))
        return
    except ValueError as error:
        check.refuse(line, str(error))
        return
    key = row.evse_id.strip().upper()
    if key in seen:
        said = _("%(evse)s stands in line %(line)d already.") % {"evse": row.evse_id, "line": seen[key]}
        check.refuse(line, said)
        return
    seen[key] = line
    check.rows.append(row)


def _document(cells: dict[str, str]) -> dict[str, Any]:
    """Cells as typed values. Raises ValueError with a sentence."""
    doc: dict[str, Any] = {}
    for name, cell in cells.items():
        cell = plain_cell(cell.strip())
        if name in _NUMBERS:
            doc[name] = _number(name, cell) if cell else None
        elif name in _WHOLE:
            if cell and not (cell.isascii() and cell.isdigit()):
                raise ValueError(_("%(name)s: “%(cell)s” is no whole number.") % {"name": name, "cell": cell})
            doc[name] = int(cell) if cell else None
        elif name == "tags":
            doc[name] = _tags_of(cell)
        else:
            doc[name] = cell
    return doc


def _number(name: str, cell: str) -> float:
    try:
        found = float(cell.replace(",", ".") if "." not in cell else cell)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(_("%(name)s: “%(cell)s” is no number.") % {"name": name, "cell": cell[:50]})
    return found


def _chunks(rows: list[ChargePointInput]) -> Iterator[list[ChargePointInput]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _count_new(rows: list[ChargePointInput]) -> int:
    known = 0
    for chunk in _chunks(rows):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM infra_notifications_chargepoint WHERE upper(evse_id) = ANY(%s)",
                [[row.evse_id.strip().upper() for row in chunk]],
            )
            known += cursor.fetchone()[0]
    return len(rows) - known


def write_import(*, check: ImportCheck, now: datetime, progress: Progress = lambda done, total: None) -> Upserted:
    """Writes a clean check's rows in one transaction. Raises ValueError for one that is not clean."""
    if not check.is_clean:
        raise ValueError(_("Nothing is imported while the file has errors."))
    created = changed = unchanged = 0
    with transaction.atomic():
        for number, chunk in enumerate(_chunks(check.rows)):
            done = upsert_charge_points(rows=chunk, now=now)
            created, changed, unchanged = (
                created + done.created,
                changed + done.changed,
                unchanged + done.unchanged,
            )
            progress(min(len(check.rows), (number + 1) * CHUNK), len(check.rows))
    return Upserted(created, changed, unchanged)

"""Charge points from CSV or Excel: read, checked line by line, written all or nothing."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any

import msgspec
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from core.schema_words import readable
from core.sheets import MAX_COLUMNS, Table, Unreadable, plain_cell, read_table, safe_cell
from core.text import identity_key
from infra_notifications.evse_ids import ids_by_key, spelt_otherwise
from infra_notifications.models import ChargePoint
from infra_notifications.rules.evse_ids import spelling_of
from infra_notifications.services.charge_points import (
    FIELDS,
    ChargePointInput,
    Upserted,
    evse_id_problem,
    shared_places,
    upsert_charge_points,
)

CHUNK = 5_000
MAX_ERRORS = 200
_NUMBERS = ("latitude", "longitude", "max_power_kw")
_WHOLE = ("connector", "expected_interval_s")
# Spreadsheets write 1 as 1.0 where a column holds numbers.
_WHOLE_NUMBER = re.compile(r"([0-9]{1,20})(?:[.,]0*)?")
_PARTS_THOUSANDS = re.compile("[ \u00a0\u202f'’]")
_UNIT = re.compile(r"(?:kw|°)$", re.IGNORECASE)
_JOINERS = re.compile("[\u200c\u200d]")
Progress = Callable[[int, int], None]


@dataclass
class ImportCheck:
    """What a file holds: its good rows, and each error with its line number (at most 200 are listed).

    `warnings` names lines that are taken although they look odd; of these too at most 200.
    """

    rows: list[ChargePointInput] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
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


def tags_cell(tags: Sequence[str]) -> str:
    """Tags in one cell; a single tag of several words ends with a semicolon, so that it stays one."""
    ending = ";" if len(tags) == 1 and " " in tags[0] else ""
    return safe_cell(";".join(tags) + ending)


def _tags_of(cell: str) -> list[str]:
    parted = cell.replace(",", ";")
    return [tag.strip() for tag in parted.split(";") if tag.strip()] if ";" in parted else cell.split()


def check_file(data: bytes, progress: Progress = lambda done, total: None) -> ImportCheck:
    """Reads a CSV file or an Excel workbook whose first row names the fields.

    A column that is missing leaves its field alone; an empty cell, or one that a row is too short for, empties it. Tags
    stand in one cell, separated by semicolons or commas, or else by spaces.
    """
    check, lines = ImportCheck(), 0
    try:
        table = read_table(data)
        lines = table.lines
        _check_rows(table, check, progress)
    except Unreadable as error:
        check.refuse(error.line, error.sentence)
    if not check.rows and check.is_clean:
        check.refuse(1, _("The file holds no charge point."))
    check.created = _count_new(check.rows)
    check.warnings = [(check.lines[number], said) for number, said in shared_places(check.rows).items()][:MAX_ERRORS]
    progress(lines, lines)
    return check


def _check_rows(table: Table, check: ImportCheck, progress: Progress) -> None:
    first, cells = next(table.rows, (1, []))
    header = _header_of(first, cells, check)
    if not check.is_clean:
        return
    seen: dict[str, int] = {}
    for line, cells in table.rows:
        _check_line(line, header, cells, check, seen)
        if table.lines and line % CHUNK == 0:
            progress(min(line, table.lines), table.lines)


# ---- the header -----------------------------------------------------------------------------------------------------

# What the list's file holds beside the fields; an import leaves it out.
READ_ONLY = ("availability_percent", "maintenance_percent")


def _plain_name(text: str) -> str:
    """A column's name as it may be written: `EVSE-ID`, `evse id` and `Evse_Id` are one, accents do not count."""
    parted = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^a-z0-9]", "", parted)


def _field_names() -> dict[str, str]:
    """Fields by the names that a header may have for them: their own, and their labels in each language."""
    fields = ("evse_id", *FIELDS)
    labels = {field.name: field.verbose_name for field in ChargePoint._meta.concrete_fields}
    names = {_plain_name(name): name for name in (*fields, *READ_ONLY)}
    for language, _label in settings.LANGUAGES:
        with translation.override(language):
            for name in fields:
                label = str(labels[name]).casefold()
                spelt = label.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
                for spelling in (label, spelt):
                    names.setdefault(_plain_name(spelling), name)
    return names


def _header_of(line: int, cells: list[str], check: ImportCheck) -> list[str]:
    """The field of each column, empty for one without a name; refuses what is wrong with the header."""
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MAX_COLUMNS:
        check.refuse(line, _("The table has more than %(n)d columns.") % {"n": MAX_COLUMNS})
        return []
    names = _field_names()
    header = [names.get(_plain_name(cell), "") for cell in cells]
    for cell, name in zip(cells, header, strict=True):
        if cell and not name:
            near = difflib.get_close_matches(cell.lower(), ("evse_id", *FIELDS), n=1)
            said = _("There is no column “%(name)s”.") % {"name": cell[:100]}
            check.refuse(line, said + (" " + _("Did you mean “%(near)s”?") % {"near": near[0]} if near else ""))
    for name, number in Counter(filter(None, header)).items():
        if number > 1:
            check.refuse(line, _("The column “%(name)s” stands there twice.") % {"name": name})
    if "evse_id" not in header:
        check.refuse(line, _("The first line must name the columns, with evse_id among them."))
    return header


# ---- the lines ------------------------------------------------------------------------------------------------------


# What is said of a text that is too short or too long.
_LENGTH = re.compile(r"must be text (?:that is not empty|of at most (\d+) characters)")


def _in_words(message: str) -> str:
    """For a person with a spreadsheet."""
    length = _LENGTH.search(message)
    if length is None:
        return message
    words = _("has at most %(n)s characters") % {"n": length[1]} if length[1] else _("must not be empty")
    return message.replace(length[0], words)


def _check_line(line: int, header: list[str], cells: list[str], check: ImportCheck, seen: dict[str, int]) -> None:
    if not any(cells):
        return
    nameless = next((n for n, cell in enumerate(cells) if cell and (n >= len(header) or not header[n])), None)
    if nameless is not None:
        said = _("Cell %(n)d (“%(cell)s”) stands under no column’s name.")
        check.refuse(line, said % {"n": nameless + 1, "cell": cells[nameless][:50]})
        return
    named = {name: cell for name, cell in zip_longest(header, cells[: len(header)], fillvalue="") if name}
    try:
        row = msgspec.convert(_document(named), ChargePointInput)
    except msgspec.ValidationError as error:
        check.refuse(line, _in_words(readable(error)))
        return
    except ValueError as error:
        check.refuse(line, str(error))
        return
    if problem := evse_id_problem(row.evse_id):
        check.refuse(line, problem)
        return
    key = spelling_of(identity_key(row.evse_id))
    if key in seen:
        said = _("%(evse)s stands in line %(line)d already.") % {"evse": row.evse_id, "line": seen[key]}
        check.refuse(line, said)
        return
    seen[key] = line
    check.rows.append(row)
    check.lines.append(line)


def _document(cells: dict[str, str]) -> dict[str, Any]:
    """Cells as typed values. Raises ValueError with a sentence."""
    doc: dict[str, Any] = {}
    for name, cell in cells.items():
        cell = plain_cell(cell)
        if name in READ_ONLY:
            continue
        if name in _NUMBERS:
            doc[name] = _number(name, cell) if cell else None
        elif name in _WHOLE:
            whole = _WHOLE_NUMBER.fullmatch(cell)
            if cell and whole is None:
                raise ValueError(_("%(name)s: “%(cell)s” is no whole number.") % {"name": name, "cell": cell[:50]})
            doc[name] = int(whole[1]) if whole else None
        elif name == "tags":
            doc[name] = _tags_of(cell)
        elif name in ("evse_id", "station"):
            doc[name] = _JOINERS.sub("", cell)
        else:
            doc[name] = cell
    return doc


def _number(name: str, cell: str) -> float:
    """A number as people write it: a point or a comma before its decimals, thousands parted, its unit behind it."""
    digits = _UNIT.sub("", _PARTS_THOUSANDS.sub("", cell))
    if "," in digits:
        thousands = "." if digits.rfind(",") > digits.rfind(".") else ","
        digits = digits.replace(thousands, "").replace(",", ".")
    try:
        found = float(digits)
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
        keys = {identity_key(row.evse_id) for row in chunk}
        found = ids_by_key(keys)
        known += len(found) + len(spelt_otherwise(keys - found.keys(), strictly=True))
    return len(rows) - known


def write_import(*, check: ImportCheck, now: datetime, progress: Progress = lambda done, total: None) -> Upserted:
    """Writes a clean check's rows, each part in a transaction of its own, so that messages wait for one part at most;
    done again after a crash it goes on. Raises ValueError for a check that is not clean."""
    if not check.is_clean:
        raise ValueError(_("Nothing is imported while the file has errors."))
    created = changed = unchanged = 0
    for number, chunk in enumerate(_chunks(check.rows)):
        done = upsert_charge_points(rows=chunk, now=now)
        created, changed, unchanged = (
            created + done.created,
            changed + done.changed,
            unchanged + done.unchanged,
        )
        progress(min(len(check.rows), (number + 1) * CHUNK), len(check.rows))
    return Upserted(created, changed, unchanged)

"""Tables as spreadsheets leave them: CSV in whatever encoding and with whatever separator, and Excel workbooks.

A workbook is read row by row and never grows beyond `MAX_UNPACKED` and `MAX_COLUMNS`, whatever it claims of itself.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from tempfile import TemporaryFile
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook

from core.text import clean_text, one_line

MAX_COLUMNS = 200
MAX_UNPACKED = 128 * 2**20
# Each tag costs the reader of XML some hundred bytes, a cell with a value has four. No cell of Excel is longer.
MAX_TAGS, MAX_CELL = 3_000_000, 32_767
_SEPARATORS = (",", ";", "\t", "|")
# What Excel writes, and understands, as the first line of a file; it names the separator.
_NAMES_SEPARATOR = re.compile(r'"?sep=(.)"?[ \t,;]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_LINE_END = re.compile(r"\r\n|\r|\n")
# Characters that take no room and mean nothing in a cell; they come with texts that were copied.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Where a cell may begin, for who takes another separator than we, and what spreadsheets compute there, also where it is
# typed full-width; apostrophes that stand before it are ours or the text's own.
_COMPUTED = "'*[=+\\-@\t\r\n＝＋－＠]"
_BEGINS = re.compile(rf"(\A|[;\t\r\n])(?={_COMPUTED})")
_MADE_SAFE = re.compile(rf"(\A|[;\t\r\n])'(?={_COMPUTED})")
# What XML cannot hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WORKBOOK, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
Row = tuple[int, list[str]]


def safe_cell(text: str) -> str:
    """A text as a cell of which no spreadsheet computes anything, wherever it takes it apart."""
    return _BEGINS.sub(r"\1'", text)


def plain_cell(cell: str) -> str:
    """The text of a cell that `safe_cell` made."""
    return _MADE_SAFE.sub(r"\1", cell)


def workbook(rows: Iterable[list[Any]]) -> Iterator[bytes]:
    """An Excel workbook of one sheet, in parts. A text that no cell can hold whole says so at its end."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append([_held(cell) if isinstance(cell, str) else cell for cell in row])
    with TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        yield from iter(partial(file.read, 2**18), b"")


def _held(text: str) -> str:
    text, more = _UNWRITABLE.sub("", text), "… " + _("(cut: the whole text is in the CSV file)")
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - len(more)] + more


class Unreadable(ValueError):
    """Why a file, or what follows a line of it, is no table, in a sentence."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line, self.sentence = line, sentence


@dataclass(frozen=True)
class Table:
    """Rows with their line numbers, the first one the header; `lines` is about how many there are."""

    rows: Iterator[Row]
    lines: int


def read_table(data: bytes) -> Table:
    """A file as a table. Raises Unreadable, also while its rows are read."""
    if data.startswith(_OLD_WORKBOOK):
        raise Unreadable(1, _("This is an old or protected Excel file; save it as .xlsx without password."))
    if data.startswith(_WORKBOOK):
        return Table(_workbook_rows(data), 0)
    text, skipped = decode_csv(data), 0
    named = _NAMES_SEPARATOR.match(text)
    if named:
        text, skipped = text[named.end() :], 1
    end = _LINE_END.search(text)
    if end is not None and end[0] == "\r":  # the lines of an old Macintosh
        text = text.replace("\r", "\n")
    separator = named[1] if named else _separator(text)
    return Table(_csv_rows(text, separator, skipped), text.count("\n") + 1 + skipped)


# ---- CSV ------------------------------------------------------------------------------------------------------------


def decode_csv(data: bytes) -> str:
    """A file's text: UTF-16 and UTF-8 by their marks or their looks, else Windows-1252, which spreadsheets write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return clean_text(data.decode("utf-16", "replace"))
    begin = data[:400]
    for encoding, zeros in (("utf-16-le", begin[1::2]), ("utf-16-be", begin[0::2])):
        if len(zeros) > 2 and zeros.count(0) > len(zeros) * 0.7:
            return clean_text(data.decode(encoding, "replace"))
    try:
        return clean_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return clean_text(data.decode("cp1252", "replace"))


def _separator(text: str) -> str:
    """The one that the header holds most often outside quotation marks."""
    first = _LINE_END.split(_QUOTED.sub("", text[:100_000]), maxsplit=1)[0]
    return max(_SEPARATORS, key=first.count)


def _csv_rows(text: str, separator: str, skipped: int) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        for cells in reader:
            yield reader.line_num + skipped, [clean_cell(cell) for cell in cells]
    except csv.Error as error:
        line = reader.line_num + skipped
        raise Unreadable(line, _("This line is no CSV: %(error)s.") % {"error": error}) from error


def clean_cell(text: str) -> str:
    """A cell without what nobody sees: blanks around it, zero-width characters, letters that are written in parts."""
    text = one_line(text)
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).strip()


# ---- Excel ----------------------------------------------------------------------------------------------------------


def _workbook_rows(data: bytes) -> Iterator[Row]:
    """The rows of the first sheet that holds anything."""
    line = 1
    try:
        _refuse_bomb(data)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            is_empty = True
            sheet.reset_dimensions()  # what a sheet says of its size may be wrong
            rows = sheet.iter_rows(max_col=MAX_COLUMNS + 1, values_only=True)
            for line, values in enumerate(rows, start=1):
                if any(isinstance(value, str) and len(value) > MAX_CELL for value in values):
                    raise Unreadable(line, _("A cell of this line is longer than %(n)d characters.") % {"n": MAX_CELL})
                cells = [_text_of(value) for value in values]
                if any(cells):
                    is_empty = False
                    yield line, cells
            if not is_empty:
                return
    except (Unreadable, GeneratorExit):
        raise
    except Exception as error:  # a stranger's file: whatever is wrong with it, it is no workbook
        raise Unreadable(line, _("This Excel file cannot be read; save it again, or as CSV.")) from error


def _refuse_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
            size = MAX_UNPACKED // 2**20
            sentence = _("Unpacked, this Excel file is larger than %(n)d MiB; save it as CSV.") % {"n": size}
            raise Unreadable(1, sentence)
        tags = 0
        for entry in archive.infolist():
            with archive.open(entry) as file:
                while tags <= MAX_TAGS and (part := file.read(2**20)):
                    tags += part.count(b"<")
        if tags > MAX_TAGS:
            raise Unreadable(1, _("This Excel file has more than %(n)d cells; save it as CSV.") % {"n": MAX_TAGS // 4})


def _text_of(value: Any) -> str:
    """A cell's value as it would stand in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()  # Excel has no days without a time
    if isinstance(value, date | time):
        return value.isoformat()
    return clean_cell(clean_text(str(value)))

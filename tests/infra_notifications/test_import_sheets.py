"""Files as spreadsheets and people leave them: Excel's CSV in all its forms, and workbooks."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook

from core.background import run_job
from core.choices import JobState
from infra_notifications.models import ChargePoint
from infra_notifications.services.import_jobs import confirm, start
from infra_notifications.services.imports import check_file, write_import
from tests.clock import NOW
from tests.factories.console import UserFactory

FILE = 'evse_id;city;connector\nDE*1;Köln;1\n"DE*2";"Aachen";2\n'
BOTH = [("DE*1", "Köln", 1), ("DE*2", "Aachen", 2)]


def errors(data: bytes | str) -> list[tuple[int, str]]:
    return check_file(data.encode() if isinstance(data, str) else data).errors


def bring(data: bytes | str) -> list[tuple[Any, ...]]:
    check = check_file(data.encode() if isinstance(data, str) else data)
    assert check.errors == []
    write_import(check=check, now=NOW)
    return list(ChargePoint.objects.order_by("evse_id").values_list("evse_id", "city", "connector"))


def workbook(*rows: list[Any], before: list[list[Any]] | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in before or []:
        sheet.append(row)
    if before is not None:
        sheet = book.create_sheet("Points")
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        FILE.encode("utf-16"),
        FILE.encode("utf-16-le"),
        FILE.encode("utf-16-be"),
        b"\xfe\xff" + FILE.encode("utf-16-be"),
        FILE.encode("latin-1"),
        FILE.encode("utf-8-sig"),
        FILE.replace("\n", "\r").encode(),
        FILE.replace("\n", "\r\n").encode(),
        ("sep=;\n" + FILE).encode(),
        ("\ufeffSEP=;\r\n" + FILE).encode(),
        ('"sep=;"\r\n' + FILE).encode("utf-16"),
        "sep=|\nevse_id|city|connector\nDE*1|Köln|1\nDE*2|Aachen|2\n".encode(),
        "evse_id|city|connector\nDE*1|Köln|1\nDE*2|Aachen|2\n".encode(),
        "evse_id;city;connector;;;\nDE*1;Köln;1;;;\nDE*2;Aachen;2;;\n;;;;;\n".encode(),
        "evse_id,city,connector,,\nDE*1,Köln,1\nDE*2,Aachen,2,,,,,\n".encode(),
        "evse_id;city;connector\nDE*1;Köln;1.0\nDE*2;Aachen;2,0\n".encode(),
        "\u200bevse_id;ci\u200bty;connector\n\u200bDE*1\ufeff;Ko\u0308ln;1\n".encode()
        + "\u00a0DE*2\u200d ;Aachen\u200e;2\n".encode(),
        "EVSE ID;City;Connector\nDE*1;Köln;1\nDE*2;Aachen;2\n".encode(),
        "EVSE-ID; CITY ;connector \nDE*1;Köln;1\nDE*2;Aachen;2\n".encode(),
        "EvseId;city;connector\nDE*1;Köln;1\nDE*2;Aachen;2\n".encode(),
        b"evse_id;city;connector\nDE*\x001;K\xf6ln;1\nDE*2;Aachen;\x002\n",
        '"evse_id","city","connector"\n"DE*1","Köln","1"\n"DE*2","Aachen","2"'.encode(),
        '"evse_id";"city";"connector";"name"\n"DE*1";"Köln";1;"two\r\nlines; and more"\nDE*2;Aachen;2;\n'.encode(),
        "city;evse_id;connector;availability_percent\nKöln;DE*1;1;99.5\nAachen;DE*2;2;\n".encode(),
    ],
)
def test_what_excel_and_people_leave_is_read(data: bytes) -> None:
    assert bring(data) == BOTH


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header", ["EVSE-ID;Straße;Postleitzahl", "evse id;Strasse;postleitzahl", "evse_id;street;postal_code"]
)
def test_columns_may_have_the_labels_of_the_console(header: str) -> None:
    bring(header + "\nX;Domstr. 1;50667\n")
    assert ChargePoint.objects.values_list("street", "postal_code").get() == ("Domstr. 1", "50667")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("50,94", 50.94),
        ("50.94", 50.94),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1 234,5", 1234.5),
        ("1\u202f234,5", 1234.5),
        ("1'234.5", 1234.5),
        ("22 kW", 22),
        ("22,0", 22),
    ],
)
def test_numbers_are_read_as_people_write_them(cell: str, value: float) -> None:
    bring(f'evse_id;max_power_kw\nX;"{cell}"\n')
    assert float(ChargePoint.objects.get().max_power_kw or 0) == value


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("evse_id;city\nA;b;c\n", 2, "Cell 3 (“c”) stands under no column’s name."),
        ("evse_id;;city\nA;x;c\n", 2, "Cell 2 (“x”) stands under no column’s name."),
        ("sep=;\nevse_id;connector\nA;1\nB;1.5\n", 4, "connector: “1.5” is no whole number."),
        ("evse_id;connector\rA;1\rB;x\r", 3, "connector: “x” is no whole number."),
        ('evse_id;name;connector\nA;"one\ntwo";1\nB;b;x\n', 4, "connector: “x” is no whole number."),
        ("evse_id;stadtteil\nA;b\n", 1, "There is no column “stadtteil”."),
        ("evse_id;EVSE ID\nA;b\n", 1, "The column “evse_id” stands there twice."),
        ("evse_id;latitude\nA;1,2,3\n", 2, "latitude: “1,2,3” is no number."),
        (";".join(["evse_id", *(f"c{n}" for n in range(20_000))]) + "\n", 1, "The table has more than 200 columns."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, says: str) -> None:
    began = time.monotonic()
    found = errors(text)
    assert (found[0][0], found[0][1][: len(says)]) == (line, says)
    assert time.monotonic() - began < 10


# ---- workbooks ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        workbook(["evse_id", "city", "connector"], ["DE*1", "Köln", 1], ["DE*2", "Aachen", 2.0]),
        workbook(
            ["EVSE-ID", "City", "Connector", None], ["DE*1 ", "Ko\u0308ln", "1.0"], [], ["DE*2", "Aachen", "2", None]
        ),
        workbook([], ["evse_id", "city", "connector"], ["DE*1", "Köln", 1], ["DE*2", "Aachen", 2]),
        workbook(["evse_id", "city", "connector"], ["DE*1", "Köln", 1], ["DE*2", "Aachen", 2], before=[]),
    ],
)
def test_workbook_simply_works(data: bytes) -> None:
    assert bring(data) == BOTH


@pytest.mark.django_db
def test_numbers_and_dates_of_a_workbook_are_texts_where_texts_are_asked() -> None:
    bring(workbook(["evse_id", "postal_code", "firmware", "latitude"], ["X", 50667, date(2026, 1, 2), 50.9375]))
    point = ChargePoint.objects.get()
    assert (point.postal_code, point.firmware, float(point.latitude or 0)) == ("50667", "2026-01-02", 50.9375)


@pytest.mark.django_db
def test_error_in_a_workbook_names_its_row() -> None:
    assert errors(workbook(["evse_id", "connector"], ["A", 1], [], ["B", "x"])) == [
        (4, "connector: “x” is no whole number.")
    ]


def _bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", b" " * (50 * 2**20))
    return file.getvalue()


INLINE = b'<row r="1"><c r="A1" t="inlineStr"><is><t>%b</t></is></c></row>'


def _far_cell(reference: str) -> bytes:
    """A workbook whose one sheet claims a cell far away, and to be as large."""
    return _holding(f'<row r="1"><c r="{reference}" t="inlineStr"><is><t>far</t></is></c></row>'.encode())


def _holding(rows: bytes) -> bytes:
    """A workbook that begins with these rows."""
    plain = workbook(["evse_id"], ["A"])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data = data.replace(b"<sheetData>", b"<sheetData>" + rows).replace(b"A1:A2", b"A1:XFD1048576")
            new.writestr(name, data)
    return file.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04 and then nothing", "This Excel file cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "This is an old or protected Excel file"),
        (_bomb(), "Unpacked, this Excel file is larger than 128 MiB"),
        (_holding(b"<row>" + b"<c/>" * 4_000_000 + b"</row>"), "This Excel file has more than 750000 cells"),
        (_holding(INLINE % (b"a" * 20_000_000)), "A cell of this line is longer than 32767 characters"),
        (_far_cell("XFD1"), "There is no column “A”."),
        (_far_cell("ZZZZ1"), "This Excel file cannot be read"),
        (workbook(["evse_id", *(f"c{n}" for n in range(5_000))]), "The table has more than 200 columns."),
        (workbook(), "The first line must name the columns"),
        (workbook(["evse_id"], ["A"])[:-200], "This Excel file cannot be read"),
    ],
)
def test_what_is_no_workbook_or_too_large_a_one_is_refused_quickly(data: bytes, says: str) -> None:
    began = time.monotonic()
    assert errors(data)[0][1].startswith(says)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (workbook(["evse_id"], ["A"]), JobState.REVIEW),
        (workbook(["evse_id"], ["A"])[:-200], JobState.FAILED),
        (FILE.encode("utf-16"), JobState.REVIEW),
        (b"\x00" * 1_000, JobState.FAILED),
    ],
)
def test_job_comes_to_an_end_whatever_the_file(committed: None, data: bytes, state: JobState) -> None:
    job = start(data=data, filename="points.xlsx", by=UserFactory())
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert job.state == state
    if state == JobState.REVIEW:
        assert confirm(job=job)
        run_job(job_id=job.pk)
        job.refresh_from_db()
        assert job.state == JobState.DONE

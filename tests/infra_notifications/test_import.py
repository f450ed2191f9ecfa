"""Charge points from CSV: by the command, by upload with a preview, and back again by the export."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st

from core.background import run_job
from core.choices import JobState
from core.models import Job
from core.sheets import decode_csv, plain_cell, safe_cell
from infra_notifications.models import ChargePoint
from infra_notifications.services import imports
from infra_notifications.services.import_jobs import confirm, start
from infra_notifications.services.imports import check_file, write_import
from tests.factories.console import UserFactory
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import NOW
from tests.infra_notifications.test_charge_points import EVERYTHING, upsert
from tests.pages import laid_out

HEAD = "evse_id,city\n"


def errors(text: str | bytes) -> list[tuple[int, str]]:
    return check_file(text.encode() if isinstance(text, str) else text).errors


def bring(text: str | bytes) -> Any:
    return write_import(check=check_file(text.encode() if isinstance(text, str) else text), now=NOW)


# ---- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        "evse_id,city\nDE*1,Köln\n".encode(),
        "\ufeffevse_id,city\nDE*1,Köln\n".encode(),
        "evse_id,city\nDE*1,Köln\n".encode("cp1252"),
        "evse_id;city\nDE*1;Köln\n".encode(),
        "evse_id\tcity\r\nDE*1\tKöln\r\n".encode(),
        ' EVSE_ID ,"City"\n\n DE*1 , Köln \n,\n'.encode(),
        '"evse_id","city"\n"DE*1","Köln"'.encode(),
    ],
)
def test_usual_forms_of_csv_are_read(data: bytes) -> None:
    bring(data)
    assert list(ChargePoint.objects.values_list("evse_id", "city")) == [("DE*1", "Köln")]


def test_bytes_of_no_encoding_are_read_with_marks() -> None:
    assert decode_csv(b"K\x81ln\xff") == "K\ufffdln\xff"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "The first line must name the columns, with evse_id among them."),
        ("city\nKöln\n", 1, "The first line must name the columns, with evse_id among them."),
        ("evse_id,locaton\nX,y\n", 1, "There is no column “locaton”. Did you mean “location”?"),
        ("evse_id,zzz\nX,y\n", 1, "There is no column “zzz”."),
        ("evse_id,city,city\nX,y,z\n", 1, "The column “city” stands there twice."),
        (HEAD, 1, "The file holds no charge point."),
        (HEAD + "A,b\nX,y,z\n", 3, "Cell 3 (“z”) stands under no column’s name."),
        (HEAD + "A,b\n,y\n", 3, "evse_id:"),
        (HEAD + "A,b\n \x00,y\n", 3, "evse_id:"),
        (HEAD + "A,b\n" + "X" * 49 + ",y\n", 3, "evse_id:"),
        (HEAD + "A,b\nB,c\na,d\n", 4, "a stands in line 2 already."),
        ("evse_id,latitude\nX,91\n", 2, "latitude:"),
        ("evse_id,latitude\nX,north\n", 2, "latitude: “north” is no number."),
        ("evse_id,latitude\nX,nan\n", 2, "latitude: “nan” is no number."),
        ("evse_id,max_power_kw\nX,inf\n", 2, "max_power_kw: “inf” is no number."),
        ("evse_id,connector\nX,1.5\n", 2, "connector: “1.5” is no whole number."),
        ("evse_id,connector\nX,²\n", 2, "connector: “²” is no whole number."),
        ("evse_id,connector\nX,99999999999999999999\n", 2, "connector:"),
        ("evse_id,connector\nX," + "9" * 5000 + "\n", 2, ""),
        ("evse_id,expected_interval_s\nX,0\n", 2, "expected_interval_s:"),
        ("evse_id,tags\nX," + "t" * 41 + "\n", 2, "tags"),
        ("evse_id,city\nX,a\rb\n", 2, "This line is no CSV"),
        ('evse_id,city\nX,"' + "y" * 140_000 + '"\n', 2, "This line is no CSV"),
        (HEAD + 'A,"two\nlines"\nB,c,d\n', 4, "Cell 3 (“d”)"),
    ],
)
def test_error_names_its_line(text: str, line: int, says: str) -> None:
    found = errors(text)
    assert found[0][0] == line
    assert found[0][1].startswith(says)


@pytest.mark.django_db
def test_every_wrong_line_is_counted_and_two_hundred_are_listed() -> None:
    check = check_file((HEAD + "only,a,b\n" * 500).encode())
    assert (check.error_count, len(check.errors), check.is_clean) == (500, 200, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("latitude", "50,9375", "50.937500"),
        ("latitude", "-33.9", "-33.900000"),
        ("max_power_kw", "22", "22.00"),
        ("connector", "", "None"),
        ("tags", "a b", "['a', 'b']"),
        ("tags", "a b;c", "['a b', 'c']"),
        ("tags", "a,b", "['a', 'b']"),
        ("name", "'=SUM(A1)", "=SUM(A1)"),
        ("name", "'quoted", "'quoted"),
    ],
)
def test_cell_is_read_as_its_field(column: str, cell: str, value: str) -> None:
    bring(f'evse_id;{column}\nX;"{cell}"\n')
    assert str(getattr(ChargePoint.objects.get(), column)) == value


@pytest.mark.django_db
def test_empty_cell_empties_and_missing_column_leaves_alone() -> None:
    ChargePointFactory(evse_id="X", name="old", city="old")
    bring("evse_id,name\nX,\n")
    point = ChargePoint.objects.get()
    assert (point.name, point.city) == ("", "old")


@pytest.mark.django_db
def test_unclean_file_is_never_written() -> None:
    with pytest.raises(ValueError, match="Nothing is imported"):
        bring(HEAD + "A,b\nX,y,z\n")
    assert not ChargePoint.objects.exists()


@pytest.mark.django_db
def test_progress_is_reported_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK", 2)
    data, seen = b"evse_id\nA\nB\nC\nD\nE\n", []
    check = check_file(data, lambda done, total: seen.append((done, total)))
    write_import(check=check, now=NOW, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 7), (4, 7), (6, 7), (7, 7), (2, 5), (4, 5), (5, 5)]


# ---- the command ----------------------------------------------------------------------------------------------------


def run(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_charge_points", str(path), *options, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("evse_id,city\nA,Köln\nB,Bonn\nC,Trier\n", encoding="utf-8")
    return path


@pytest.mark.django_db
def test_command_says_what_it_did(file: Path) -> None:
    ChargePointFactory(evse_id="a", city="Berlin")
    ChargePointFactory(evse_id="B", city="Bonn")
    assert run(file) == "3 charge points: 1 new, 1 changed, 1 unchanged.\n"
    assert run(file) == "3 charge points: 0 new, 0 changed, 3 unchanged.\n"


@pytest.mark.django_db
def test_dry_run_writes_nothing(file: Path) -> None:
    ChargePointFactory(evse_id="A", city="Berlin")
    assert run(file, "--dry-run") == "3 charge points read: 2 new, 1 known. Nothing written.\n"
    assert list(ChargePoint.objects.values_list("city", flat=True)) == ["Berlin"]


@pytest.mark.django_db
def test_command_writes_all_or_nothing_and_numbers_the_errors(file: Path) -> None:
    file.write_text("evse_id,connector\nA,1\nB,one\nA,2\n")
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 errors; nothing was imported"):
        call_command("import_charge_points", str(file), stderr=out)
    assert out.getvalue() == "line 3: connector: “one” is no whole number.\nline 4: A stands in line 2 already.\n"
    assert not ChargePoint.objects.exists()


def test_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The file cannot be read"):
        run(tmp_path / "missing.csv")


# ---- the upload -----------------------------------------------------------------------------------------------------


def upload(client: Client, text: str, name: str = "points.csv") -> Job:
    file = SimpleUploadedFile(name, text.encode())
    response = client.post(reverse("infra_notifications:import_start"), {"file": file})
    job = Job.objects.latest("pk")
    assert response.headers["Location"] == reverse("infra_notifications:import_job", args=[job.pk])
    return job


def page(client: Client, job: Job) -> str:
    return client.get(reverse("infra_notifications:import_job", args=[job.pk])).content.decode()


@pytest.mark.django_db
def test_upload_is_previewed_confirmed_and_written(administrator: Client) -> None:
    ChargePointFactory(evse_id="A", city="Berlin")
    job = upload(administrator, "evse_id,city\nA,Köln\nB,<b>Bonn</b>\n")
    assert "Waiting" in page(administrator, job)
    run_job(job_id=job.pk)
    shown = page(administrator, job)
    assert "2 charge points, 1 of them new. Nothing is written yet." in shown
    assert "&lt;b&gt;Bonn&lt;/b&gt;" in shown
    assert ChargePoint.objects.get().city == "Berlin"
    administrator.post(reverse("infra_notifications:import_confirm", args=[job.pk]))
    run_job(job_id=job.pk)
    assert "2 charge points imported: 1 new, 1 changed, 0 unchanged." in page(administrator, job)
    assert set(ChargePoint.objects.values_list("city", flat=True)) == {"Köln", "<b>Bonn</b>"}
    job.refresh_from_db()
    assert (job.state, bytes(job.payload)) == (JobState.DONE, b"")


@pytest.mark.django_db
def test_upload_with_errors_shows_their_lines_and_writes_nothing(administrator: Client) -> None:
    job = upload(administrator, "evse_id,connector\nA,1\nB,<i>one</i>\n")
    run_job(job_id=job.pk)
    shown = page(administrator, job)
    assert "The file has errors; nothing was imported." in shown
    assert '<td class="num">3</td><td>connector: “&lt;i&gt;one&lt;/i&gt;” is no whole number.</td>' in shown
    administrator.post(reverse("infra_notifications:import_confirm", args=[job.pk]))
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, ChargePoint.objects.count()) == (JobState.FAILED, 0)


@pytest.mark.django_db
def test_import_is_written_once_however_often_it_is_confirmed(administrator: Client) -> None:
    job = upload(administrator, "evse_id\nA\n")
    run_job(job_id=job.pk)
    url = reverse("infra_notifications:import_confirm", args=[job.pk])
    assert "confirmed or ended already" not in administrator.post(url, follow=True).content.decode()
    assert "confirmed or ended already" in administrator.post(url, follow=True).content.decode()
    for _ in range(2):
        run_job(job_id=job.pk)
    assert ChargePoint.objects.count() == 1


@pytest.mark.django_db
def test_file_that_is_no_longer_clean_when_it_is_written_fails_with_its_errors(administrator: Client) -> None:
    job = upload(administrator, "evse_id\nA\n")
    run_job(job_id=job.pk)
    administrator.post(reverse("infra_notifications:import_confirm", args=[job.pk]))
    Job.objects.update(payload=b"evse_id,connector\nA,one\n")
    run_job(job_id=job.pk)
    assert "1 error<" in page(administrator, job)
    assert not ChargePoint.objects.exists()


@pytest.mark.django_db
def test_progress_is_a_part_that_the_page_asks_for(administrator: Client) -> None:
    job = upload(administrator, "evse_id\nA\n")
    Job.objects.update(state=JobState.RUNNING, done=50, total=200)
    response = administrator.get(
        reverse("infra_notifications:import_job", args=[job.pk]),
        headers={"HX-Request": "true", "HX-Target": "progress"},
    )
    shown = response.content.decode()
    assert laid_out(shown).startswith('<section id="progress"')
    assert 'max="100" value="25"' in shown
    assert "Running: 50 / 200" in shown


@pytest.mark.usefixtures("committed")
def test_progress_of_a_long_write_can_be_watched_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK", 2)
    job = Job.objects.create(kind="charge_point_import", label="x", payload=b"evse_id\nA\nB\nC\n")
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert confirm(job=job)
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.done, job.total, job.state) == (3, 3, JobState.DONE)
    assert job.result["message"] == "3 charge points imported: 3 new, 0 changed, 0 unchanged."


WORKBOOK = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00[Content_Types].xml \xa2\x04\x02(\xa0\x00"


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (WORKBOOK, JobState.FAILED),
        (b"\x00", JobState.FAILED),
        (b"evse_id,city\nA,K\x00ln\n,\x00\n", JobState.REVIEW),
    ],
)
def test_upload_of_what_no_database_stores_comes_to_an_end(committed: None, data: bytes, state: JobState) -> None:
    job = start(data=data, filename="points.csv", by=UserFactory())
    run_job(job_id=job.pk)
    job.refresh_from_db()
    assert (job.state, bool(job.result["errors"])) == (state, state == JobState.FAILED)


@pytest.mark.django_db
def test_import_whose_worker_raised_ends_and_says_so(administrator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("broken")

    job = upload(administrator, "evse_id\nA\n")
    monkeypatch.setattr("infra_notifications.services.import_jobs.check_file", breaks)
    with pytest.raises(RuntimeError):
        run_job(job_id=job.pk)
    shown = page(administrator, job)
    assert "An unexpected error; see the log." in shown
    assert 'hx-trigger="every' not in shown


@pytest.mark.django_db
def test_upload_without_a_file_says_so(administrator: Client) -> None:
    response = administrator.post(reverse("infra_notifications:import_start"), {"csrfmiddlewaretoken": "x"})
    assert "This field is required." in response.content.decode()
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_job_of_another_kind_is_no_import(administrator: Client) -> None:
    job = Job.objects.create(kind="other", label="x")
    assert administrator.get(reverse("infra_notifications:import_job", args=[job.pk])).status_code == 404


# ---- the export -----------------------------------------------------------------------------------------------------


def export(client: Client, query: str = "") -> bytes:
    response = client.get(reverse("infra_notifications:charge_points_csv") + query)
    assert response.status_code == 200
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


ODD: list[dict[str, Any]] = [
    EVERYTHING,
    {"evse_id": "DE*EMPTY"},
    {"evse_id": "=CMD()", "name": "=1+1", "location": "-Deck", "street": "+49", "city": "@home", "model": "'single"},
    {"evse_id": "'=twice", "name": "'-x", "vendor": '"q", r', "operator": "a;b\nc", "tags": ["two words"]},
    {"evse_id": "-X", "tags": ["=sum", "two words"], "latitude": -33.9, "max_power_kw": 0.1, "connector": 0},
]


@pytest.mark.django_db
def test_what_is_exported_and_imported_again_changes_nothing(viewer: Client) -> None:
    upsert(*ODD)
    before = list(ChargePoint.objects.order_by("pk").values())
    done = bring(export(viewer))
    assert (done.created, done.changed, done.unchanged) == (0, 0, len(ODD))
    assert list(ChargePoint.objects.order_by("pk").values()) == before


@pytest.mark.django_db
def test_export_into_an_empty_database_is_the_same_again(viewer: Client) -> None:
    upsert(*ODD)
    before, data = list(ChargePoint.objects.order_by("evse_id").values(*EVERYTHING)), export(viewer)
    ChargePoint.objects.all().delete()
    bring(data)
    assert list(ChargePoint.objects.order_by("evse_id").values(*EVERYTHING)) == before


@pytest.mark.django_db
def test_no_cell_of_the_export_is_a_formula(viewer: Client) -> None:
    upsert(*ODD)
    cells = [cell for row in rows_of(export(viewer)) for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@") or (cell[:1] == "-" and not cell[1:2].isdigit())]


@given(st.text("'=;-a＝\t\r\n ", max_size=9) | st.text(max_size=6))
@example("'=x")
def test_cell_made_safe_reads_back_as_itself(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    for part in re.split(r"[;\t\r\n]", safe_cell(text)):
        assert part[:1] not in ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@pytest.mark.django_db
def test_export_is_what_the_list_shows(viewer: Client) -> None:
    for city, tag in (("Köln", "a"), ("Köln", "b"), ("Bonn", "a")):
        ChargePointFactory(city=city, tags=[tag])
    assert {row["city"] for row in rows_of(export(viewer, "?q=tag:a"))} == {"Köln", "Bonn"}
    assert len(rows_of(export(viewer, "?q=tag:a&city=Köln"))) == 1


@pytest.mark.django_db
def test_export_of_a_search_that_cannot_be_read_says_why(viewer: Client) -> None:
    response = viewer.get(reverse("infra_notifications:charge_points_csv") + "?q=citty:x")
    assert (response.status_code, "city" in response.content.decode()) == (400, True)

"""What is taken home of a list says what its page says: one walk over all lists, as CSV, as JSON and as Excel."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from console.lists import Column, ListPage
from console.lists.columns import file_text, text_of_cell
from console.lists.export import FORMS
from core.models import ColumnChoice
from core.sheets import MAX_CELL, workbook
from tests.conftest import client_of
from tests.console.test_every_list import FILES
from tests.console.test_every_page import WORDS
from tests.console.walk import path_of
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
# Begins as a formula does, full-width too, holds markup and is long; its ends show what was cut or run together.
LONG, SHORT = '＝«1;=2 <b>&amp; "it\'s" ' + "0123456789 " * 20 + "»", "=«<b>&amp;»"
# The audit log quotes what was changed, as it was.
QUOTES = {("audit", "changes"), ("audit", "object_repr"), ("unmatched_notifications", "raw")}
NO_VALUE = re.compile(
    r"</|<(a|span|div|time|svg|details|progress|code)[\s>]|&(lt|gt|quot|#\d+);"
    r"|\bNone\b|\bTrue\b|\bFalse\b| object at 0x|\w\(\w+=|^[\[{]['\"]"
    r"|^\d\d?[./]\d\d?[./]\d{4}|^\d{4}-\d\d-\d\d \d\d:"
)
COMPUTED = re.compile(r"(\A|[;\t\r\n])[=+\-@＝＋－＠]")
CELLS = r"<td[^>]*>(.*?)</td>"


class Words(HTMLParser):
    """The texts and moments of a cell, without what acts or is only seen."""

    SILENT = frozenset({"svg", "button", "form", "time", "progress", "details"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "time":
            local = timezone.localtime(datetime.fromisoformat(given["datetime"]))
            self.found.append(local.isoformat(timespec="seconds"))
        if tag not in ("br", "input", "path"):
            classes = (given.get("class") or "").split()
            self.open.append(tag in self.SILENT or bool({"btn", "visually-hidden", "nothing"} & set(classes)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag not in ("br", "input", "path"):
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.open):
            self.found += [part.strip(" ·,:()–→+") for part in re.split(r" (?:·|/) |%", " ".join(data.split()))]


def mark_texts(world: World) -> int:
    """Gives every text of every object one that shows what becomes of it, where the database takes it."""
    marked = 0
    for thing in world.objects.values():
        for field in type(thing)._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            if not is_text or field.primary_key or WORDS.search(field.name) or field.name == "route":
                continue
            for text in (LONG, SHORT):
                try:
                    with transaction.atomic():
                        marked += type(thing)._default_manager.filter(pk=thing.pk).update(**{field.name: text})
                    break
                except DatabaseError:  # too long, or a constraint: this text has a form of its own
                    continue
    return marked


def files(client: Client, path: str, columns: list[Column]) -> dict[str, list[list[Any]]]:
    """The rows of a list's files, without their heads."""
    data = {}
    for form in FORMS:
        answer: Any = client.get(path, {"as": form})
        assert answer.status_code == 200
        data[form] = b"".join(answer.streaming_content)
    lines = list(csv.reader(io.StringIO(data["csv"].decode("utf-8-sig"))))
    sheet = list(load_workbook(io.BytesIO(data["xlsx"])).worksheets[0].iter_rows())
    assert not [cell.coordinate for row in sheet for cell in row if cell.data_type == "f"]
    assert lines[0] == [cell.value for cell in sheet[0]] == [str(column.label) for column in columns]
    objects = json.loads(data["json"])
    assert all(list(one) == [column.name for column in columns] for one in objects)
    return {
        "csv": lines[1:],
        "xlsx": [
            [cell.value if isinstance(cell.value, str) else file_text(cell.value) for cell in row] for row in sheet[1:]
        ],
        "json": [list(one.values()) for one in objects],
    }


def faults_of(page: type[ListPage], column: Column, said: Any, cell: str, html: str) -> Iterator[str]:
    """What is wrong with a column's value in JSON and in CSV, beside its cell on the page."""
    texts = [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)]
    if COMPUTED.search(cell) and not re.fullmatch(r"-\d+(\.\d+)?", cell):
        yield f"is computed: {cell}"
    if (page.key, column.name) not in QUOTES and (found := NO_VALUE.search(cell)):
        yield f"is no plain value: {found[0]}"
    if cell.count("«") != cell.count("»"):
        yield f"is cut: {cell}"
    if "»«" in cell or "»＝" in cell or "»=" in cell:
        yield f"is run together: {cell}"
    whole = " ".join(" ".join([*texts, cell]).split()).replace("'", "")
    for word in Words(html).found:
        text = word.replace("'", "").rstrip("…").strip()
        if not text or text in whole or column.is_tool or column.name == "raw":
            continue
        number = text.replace(",", "")
        is_number = re.fullmatch(r"[\d.]+", number) and re.fullmatch(r"[\d.]+", cell)
        if not is_number or float(number) != float(cell):
            yield f"the page says {word!r}, the file {cell!r}"


def faults_of_list(client: Client, path: str, page: type[ListPage]) -> Iterator[str]:
    html = client.get(path).content.decode()
    columns = [column for column in page.columns if not column.hidden]
    told = [column for column in columns if not column.is_tool]
    found = files(client, path, told)
    row = re.search(rf'<tr id="{page.list_id}-row-.*?</tr>', html, re.DOTALL)
    cells = [cell for cell in re.findall(CELLS, row[0] if row else "", re.DOTALL) if 'name="row"' not in cell]
    if not found["csv"] or len(cells) != len(columns):
        yield ": no rows, or other columns than its page"
        return
    for said, line, sheet in zip(found["json"], found["csv"], found["xlsx"], strict=True):
        if [file_text(value) for value in said] != line or line != sheet:
            threes = [three for three in zip(map(file_text, said), line, sheet, strict=True) if len(set(three)) > 1]
            # No cell of Excel is longer; that it is cut is said.
            if differing := [three for three in threes if len(three[1]) <= MAX_CELL or "(cut" not in three[2]]:
                yield f" differs in JSON, CSV and Excel: {differing}"
    drawn = dict(zip([column.name for column in columns], cells, strict=True))
    for column, said, cell in zip(told, found["json"][0], found["csv"][0], strict=True):
        for fault in faults_of(page, column, said, cell, drawn[column.name]):
            yield f".{column.name} {fault}"


def test_files_say_what_the_pages_say(owner: User, world: World) -> None:
    """No Python, no markup, nothing cut, run together or computed, times with their offset; the same in all forms."""
    assert mark_texts(world) > 60
    ColumnChoice.objects.all().delete()
    client, faults = client_of(owner), list[str]()
    with time_machine.travel(timezone.now(), tick=False):
        for route, page in FILES:
            faults += [f"{page.key}{fault}" for fault in faults_of_list(client, path_of(route, world), page)]
    assert not faults, "\n".join(faults)


def test_the_words_of_a_cell_are_its_lines_and_badges_without_what_acts() -> None:
    html = (
        '<a class="mono" href="/x">A&amp;B</a> <span class="badge badge-info">new</span><div class="small">7 <b>kW</b>'
        '</div><a class="btn btn-sm" href="/y">Stop</a><svg><path/></svg>–<span class="nothing">never</span>'
        '<time datetime="2026-11-29T12:30:00.5+00:00" title="x">1 h ago</time>'
    )
    assert text_of_cell(html) == "A&B, new, 7 kW, –2026-11-29T12:30:00+00:00"


def test_a_workbook_computes_nothing_and_says_what_it_had_to_cut() -> None:
    data = b"".join(workbook([["＝1", 2.5, "\x00a", "x" * (MAX_CELL + 1)]]))
    cells = next(load_workbook(io.BytesIO(data)).worksheets[0].iter_rows())
    assert [cell.value for cell in cells[:3]] == ["＝1", 2.5, "a"]
    cut = str(cells[3].value)
    assert len(cut) == MAX_CELL
    assert cut.endswith("(cut: the whole text is in the CSV file)")


def test_an_excel_file_of_too_many_rows_is_refused_in_words(
    owner: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.lists.export.MOST_OF_A_WORKBOOK", 0)
    answer = client_of(owner).get("/infrastructure/incidents/?as=xlsx&sort=opened_at", follow=True)
    assert answer.redirect_chain == [("/infrastructure/incidents/?sort=opened_at", 302)]
    assert "An Excel file holds at most 0 rows." in answer.content.decode()

"""Set-based writes: what goes in as arrays comes out as it was."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import FacetCount, SignOfLife
from core.sql import Col, columns, insert_rows, pipelined, sent, take_ids, update_rows

pytestmark = pytest.mark.django_db
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
NASTY = [
    "",
    " ",
    "NULL",
    "null",
    "{}",
    '"',
    "\\",
    "\\\\",
    "a,b",
    "{a}",
    "'",
    '\\"',
    "\n\t\r",
    "%s",
    "%",
    "😀",
    "\u202e",
    # What stands between texts, and for those that are missing, while they are written out.
    "\x1e",
    "\x1f",
    "a\x1fb\x1e",
]
COLUMNS = (
    Col("t", "text"),
    Col("n", "bigint"),
    Col("b", "boolean"),
    Col("at", "timestamptz"),
    Col("u", "uuid"),
    Col("doc", "jsonb"),
    Col("tags", "jsonb", 'ARRAY(SELECT jsonb_array_elements_text(x."tags"))'),
)
NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def table() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE bulk (id bigserial PRIMARY KEY, t text UNIQUE, n bigint, b boolean, at timestamptz,"
            " u uuid, doc jsonb, tags text[])"
        )
    yield "bulk"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bulk")


def stored(names: str = "t, n, b, at, u, doc, tags") -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM bulk ORDER BY id")
        return list(cursor.fetchall())


def test_rows_come_out_as_they_went_in(table: str) -> None:
    one, other = uuid.uuid4(), datetime(1999, 1, 1, tzinfo=timezone(timedelta(hours=-5)))
    insert_rows(
        table,
        COLUMNS,
        [
            ("a", 1, True, NOW, one, '{"k": [1, "x"]}', '["p", "q"]'),
            (None, None, None, None, None, None, "[]"),
            ("b", -(2**63), False, other, one, "null", '[""]'),
        ],
    )
    assert stored("t, n, b, at, u, tags") == [
        ("a", 1, True, NOW, one, ["p", "q"]),
        (None, None, None, None, None, []),
        ("b", -(2**63), False, other, one, [""]),
    ]


@settings(max_examples=50)
@given(st.lists(TEXTS | st.sampled_from(NASTY) | st.none(), max_size=8, unique=True))
def test_any_text_survives(table: str, texts: list[str | None]) -> None:
    insert_rows(table, (Col("t", "text"),), [(text,) for text in texts])
    assert [row[0] for row in stored("t")] == texts
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bulk")


def test_a_row_that_is_there_may_be_left_alone(table: str) -> None:
    column = (Col("t", "text"), Col("n", "bigint"))
    insert_rows(table, column, [("a", 1)])
    returned = insert_rows(table, column, [("a", 2), ("b", 3)], "ON CONFLICT (t) DO NOTHING RETURNING t, n")
    assert returned == [("b", 3)]
    assert stored("t, n") == [("a", 1), ("b", 3)]


def test_rows_are_updated_by_their_key(table: str) -> None:
    columns = (Col("t", "text"), Col("n", "bigint"))
    insert_rows(table, columns, [("a", 1), ("b", 2), ("c", 3)])
    update_rows(table, Col("t", "text"), (Col("n", "bigint"),), [("a", 10), ("c", None), ("missing", 5)])
    assert stored("t, n") == [("a", 10), ("b", 2), ("c", None)]


def test_what_rows_have_alike_is_passed_once(table: str) -> None:
    insert_rows(table, (Col("t", "text"), Col("n", "bigint")), [("a", 1), ("b", 2), ("c", 3)])
    shared = (Col("b", "boolean"), Col("at", "timestamptz", 'coalesce(x."at", t."at")'))
    rows = [("a", 10, (True, NOW)), ("b", None, (True, NOW)), ("c", 30, (None, None))]
    update_rows(table, Col("t", "text"), (Col("n", "bigint"),), rows, shared=shared)
    assert stored("t, n, b, at") == [("a", 10, True, NOW), ("b", None, True, NOW), ("c", 30, None, None)]


def test_an_update_may_be_guarded(table: str) -> None:
    columns = (Col("t", "text"), Col("n", "bigint"))
    insert_rows(table, columns, [("a", 1), ("b", 2)])
    rows = [("a", 10), ("b", 20)]
    update_rows(table, Col("t", "text"), (Col("n", "bigint"),), rows, "AND t.n = 2")
    assert stored("t, n") == [("a", 1), ("b", 20)]


def test_a_column_may_be_worked_out(table: str) -> None:
    insert_rows(table, (Col("t", "text"), Col("n", "text", "length(x.n)")), [("a", "four")])
    assert stored("n") == [(4,)]


def test_nothing_is_no_query(table: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert insert_rows(table, COLUMNS, []) == []
        update_rows(table, COLUMNS[0], COLUMNS[1:], [])
    assert len(queries) == 0


def test_a_thousand_rows_are_one_statement() -> None:
    written = columns(SignOfLife, "part", "instance", "at", "detail")
    with CaptureQueriesContext(connection) as queries:
        insert_rows("console_signoflife", written, [(f"p{n}", "x", NOW, "{}") for n in range(1_000)])
    assert len(queries) == 1
    assert SignOfLife.objects.count() == 1_000


def test_ids_are_taken_before_the_rows_are_written() -> None:
    first, second = take_ids("console_signoflife", 3), take_ids("console_signoflife", 2)
    assert len(set(first + second)) == 5
    row = SignOfLife.objects.create(part="p", instance="i", at=NOW)
    assert row.pk not in first + second


def test_columns_are_those_of_the_model_s_fields_in_the_order_of_their_names() -> None:
    found = columns(FacetCount, "rank", "value", computed={"value": "lower(x.value)"})
    assert [(column.name, column.type, column.selected) for column in found] == [
        ("rank", "integer", 'x."rank"'),
        ("value", "text", "lower(x.value)"),
    ]
    with pytest.raises(KeyError):
        columns(FacetCount, "no_such_column")


@pytest.mark.django_db
def test_statements_in_a_pipeline_are_sent_in_their_order_and_fail_as_any() -> None:
    with transaction.atomic(), pipelined():
        taken = sent("SELECT nextval(pg_get_serial_sequence('console_signoflife', 'id'))")
        row = SignOfLife.objects.create(part="p", instance="i", at=NOW)
        assert taken()[0][0] < row.pk
    with transaction.atomic(), pipelined():
        update_rows("console_signoflife", Col("id", "bigint"), (Col("part", "text"),), [(row.pk, "q")])
        # Django's own statements count the rows that they changed.
        assert SignOfLife.objects.filter(part="q").update(instance="y") == 1
        row.save()
        assert SignOfLife.objects.filter(part="nobody").delete()[0] == 0
    assert SignOfLife.objects.get().part == "p"
    again = "INSERT INTO console_signoflife (id) VALUES (%s)"
    with pytest.raises(IntegrityError), transaction.atomic(), pipelined():
        sent(again, [row.pk])
    with pytest.raises(IntegrityError):
        _ask_after(again, row.pk)
    assert SignOfLife.objects.count() == 1


def _ask_after(statement: str, key: int) -> None:
    with transaction.atomic(), pipelined():
        sent(statement, [key])
        sent("SELECT 1")()

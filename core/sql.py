"""Set-based writes: many rows in one statement, their columns passed as arrays (`unnest`)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType
from typing import Any

import msgspec
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.backends.postgresql.base import DatabaseWrapper

from core.text import without_nul


def storable(value: Any) -> str:
    """JSON text that PostgreSQL's jsonb takes: it knows no NUL character."""
    return without_nul(msgspec.json.encode(value).decode())


@dataclass(frozen=True)
class Col:
    """A column, its SQL type in the array, and the expression that makes it of `x.<name>` where they differ."""

    name: str
    type: str
    expression: str = ""

    @property
    def selected(self) -> str:
        return self.expression or f'x."{self.name}"'


def columns(model: type[models.Model], *names: str, computed: Mapping[str, str] | None = None) -> tuple[Col, ...]:
    """Columns of a model by their names in the database, of the types that its fields have.

    `computed` holds the expressions of those that are not written as they are passed. Rows pass JSON text for arrays,
    because unnest would flatten arrays of arrays. Raises KeyError for a name that no column has.
    """
    fields = {field.column: field for field in model._meta.concrete_fields}
    found = {name: _column(name, fields[name]) for name in names}
    found |= {name: replace(found[name], expression=expression) for name, expression in (computed or {}).items()}
    return tuple(found.values())


def _column(name: str, field: models.Field[Any, Any]) -> Col:
    if isinstance(field, ArrayField):
        element = f'jsonb_array_elements_text(x."{name}")::{_sql_type(field.base_field)}'
        return Col(name, "jsonb", f"ARRAY(SELECT {element})")
    return Col(name, _sql_type(field))


def _sql_type(field: models.Field[Any, Any]) -> str:
    """The type without a length or precision: a cast to varchar(60) would cut silently."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    sql_type = DatabaseWrapper.data_types[target.get_internal_type()]
    return sql_type.partition("(")[0] if isinstance(sql_type, str) else "text"


def _unnest(columns: Sequence[Col], alias: str = "x", *, ordinality: str = "") -> str:
    arrays = ", ".join(f"%s::{c.type}[]" for c in columns)
    names = ", ".join(f'"{name}"' for name in (*(c.name for c in columns), *filter(None, (ordinality,))))
    return f"unnest({arrays}) {'WITH ORDINALITY ' if ordinality else ''}AS {alias}({names})"


def array_literal(values: Iterable[Any]) -> str:
    """PostgreSQL's text form of an array: ten times quicker than the driver's own, which asks for each value's type.

    Takes None, numbers, booleans, datetimes, UUIDs and texts; every text is quoted. Whole numbers and texts are written
    out at once; other columns repeat themselves (one moment for many rows), so each value is written out once.
    """
    values = list(values)
    types = set(map(type, values))
    if types <= {int, NoneType}:
        return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"
    if types <= {str, NoneType} and (literal := _texts(values)):
        return literal
    elements: dict[Any, str] = _Elements({None: "NULL"})
    return "{" + ",".join([elements[value] for value in values]) + "}"


# Stand between texts, and for those that are missing, until all are quoted; texts that hold them are quoted singly.
_BETWEEN, _MISSING = "\x1f", "\x1e"


def _texts(values: Sequence[str | None]) -> str:
    joined = _BETWEEN.join([_MISSING if value is None else value for value in values])
    if joined.count(_BETWEEN) != len(values) - 1 or joined.count(_MISSING) != values.count(None):
        return ""
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace(_BETWEEN, '","')
    return f'{{"{quoted}"}}'.replace(f'"{_MISSING}"', "NULL")


class _Elements(dict[Any, str]):
    """Each value's text form, made when it is first asked for."""

    def __missing__(self, value: Any) -> str:
        if isinstance(value, str):
            quoted = value
            if "\\" in quoted or '"' in quoted:
                quoted = quoted.replace("\\", "\\\\").replace('"', '\\"')
            element = f'"{quoted}"'
        else:
            element = value.isoformat() if isinstance(value, datetime) else str(value)
        self[value] = element
        return element


def _arrays(columns: Sequence[Col], rows: Sequence[Sequence[Any]], *, aside: int = 0) -> list[str]:
    """The columns of rows, which may have more of them `aside`."""
    given = list(zip(*rows, strict=True))
    if len(given) != len(columns) + aside:
        raise ValueError(f"{len(given)} values for {', '.join(column.name for column in columns)}")
    return [array_literal(column) for column in given[: len(columns)]]


@contextlib.contextmanager
def pipelined() -> Iterator[None]:
    """What this module writes goes to PostgreSQL without waiting for the answer; whoever asks for its rows waits.

    While PostgreSQL works, so does Python. An error is raised where rows are asked for next, or at the end. Django's
    own statements wait as ever, because it counts the rows that they changed. Inside a transaction alone.
    """
    with connection.wrap_database_errors, connection.connection.pipeline() as pipeline:

        def waiting(execute: Callable[..., Any], *statement: Any) -> Any:
            result = execute(*statement)
            if not getattr(_sending, "is_on", False):
                with connection.wrap_database_errors:
                    pipeline.sync()
            return result

        with connection.execute_wrapper(waiting):
            yield


_sending = threading.local()


Rows = Callable[[], list[tuple[Any, ...]]]


def sent(statement: str, parameters: Any = None) -> Rows:
    """Sends a statement; what it returns waits for the rows, once."""
    cursor = connection.cursor()
    _sending.is_on = True
    try:
        cursor.execute(statement, parameters)
    finally:
        _sending.is_on = False

    def rows() -> list[tuple[Any, ...]]:
        with cursor:
            return list(cursor.fetchall())

    return rows


def insert_rows(
    table: str, columns: Sequence[Col], rows: Sequence[Sequence[Any]], suffix: str = ""
) -> list[tuple[Any, ...]]:
    """Inserts rows in one statement; `suffix` may hold ON CONFLICT and RETURNING, whose rows are returned.

    Names come from our code alone, values are parameters.
    """
    inserted = send_rows(table, columns, rows, suffix)
    return inserted() if "RETURNING" in suffix else []


def send_rows(table: str, columns: Sequence[Col], rows: Sequence[Sequence[Any]], suffix: str = "") -> Rows:
    """The same, without waiting for the rows that it returns."""
    if not rows:
        return list
    names = ", ".join(f'"{c.name}"' for c in columns)
    selected = ", ".join(c.selected for c in columns)
    return sent(
        f"INSERT INTO {table} ({names}) SELECT {selected} FROM {_unnest(columns)} {suffix}",  # noqa: S608
        _arrays(columns, rows),
    )


def update_rows(
    table: str,
    key: Col,
    columns: Sequence[Col],
    rows: Sequence[Sequence[Any]],
    where: str = "",
    *,
    shared: Sequence[Col] = (),
) -> None:
    """Updates rows in one statement; each row is (key, value, …).

    With `shared` columns a row ends with a tuple of their values, which is passed once for all rows that have the same:
    in a batch most of what changes is alike, and PostgreSQL spends more on reading a value than on storing it.
    """
    if not rows:
        return
    own, source = (key, *columns), _unnest((key, *columns))
    arrays = _arrays(own, rows, aside=1 if shared else 0)
    if shared:
        kinds: dict[Any, int] = {}
        numbers = [kinds.setdefault(row[-1], len(kinds) + 1) for row in rows]
        own = (*own, Col("kind", "bigint"))
        source = f"({_unnest(own, 'o')} JOIN {_unnest(shared, 's', ordinality='kind')} USING (kind)) AS x"
        arrays = [*arrays, array_literal(numbers), *_arrays(shared, list(kinds))]
    changes = ", ".join(f'"{c.name}" = {c.selected}' for c in (*columns, *shared))
    sent(
        f"UPDATE {table} t SET {changes} FROM {source} WHERE t.{key.name} = x.{key.name} {where}",  # noqa: S608
        arrays,
    )


def take_ids(table: str, count: int) -> list[int]:
    """Identities for rows that are about to be inserted, so that other rows of the same batch can name them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]

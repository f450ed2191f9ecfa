"""The values that a column holds or has held, each once: what a text means there is known before the rows are asked.

A million charge points stand in a few hundred cities. `city:köln` looks through those, and the rows are then asked for
whole values: by a plain index, with PostgreSQL's own statistics, and without folding anything. The list is kept by
triggers (a migration of the table's app), so that a value stands in it as soon as any row holds it. Values that no row
holds any more are cleared once a day.
"""

from __future__ import annotations

from django.db import OperationalError, connection, transaction
from django.db.models import Q

from core.models import KnownValue
from core.search.lookups import composed

# More values than this are looked for in the rows themselves.
MOST_VALUES = 200
# How long writers may have to wait.
PATIENCE = "2s"


def values_with(column: str, text: str, *, whole: bool) -> list[str] | None:
    """The values of `table.column` that contain a text, case and accents ignored, or are it, case ignored (`whole`).

    None where they are too many.
    """
    values = _values(column, _says(text, whole), MOST_VALUES)
    return values if len(values) <= MOST_VALUES else None


def values_without(column: str, text: str, *, whole: bool, at_most: int) -> list[str] | None:
    """All the other values, the empty text among them; None where they are more than `at_most`."""
    values = ["", *_values(column, ~_says(text, whole), at_most)]
    return values if len(values) <= at_most else None


def clear_unheld() -> int:
    """Forgets the values that no row of their column holds any more; returns how many.

    A column whose table cannot be had for itself within moments is left for the next time: whoever writes a value
    meanwhile must find it gone, or keep it.
    """
    names = KnownValue.objects.order_by().values_list("column", flat=True).distinct()
    return sum(_clear_column(name) for name in list(names))


def _clear_column(name: str) -> int:
    table, _dot, column = name.partition(".")  # named by our own migrations
    unheld = f'NOT EXISTS (SELECT 1 FROM "{table}" t WHERE t."{column}" = k.value)'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT k.id FROM console_knownvalue k WHERE k."column" = %s AND {unheld}', [name])  # noqa: S608
        candidates = [pk for (pk,) in cursor.fetchall()]
    if not candidates:
        return 0
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute(f'LOCK TABLE "{table}" IN SHARE ROW EXCLUSIVE MODE')
            cursor.execute(f"DELETE FROM console_knownvalue k WHERE k.id = ANY(%s) AND {unheld}", [candidates])  # noqa: S608
            return int(cursor.rowcount)
    except OperationalError:
        return 0


def _says(text: str, whole: bool) -> Q:
    return Q(value__iexact=text) if whole else Q(value__fold_contains=composed(text))


def _values(column: str, condition: Q, at_most: int) -> list[str]:
    values = KnownValue.objects.filter(condition, column=column)
    return list(values.values_list("value", flat=True)[: at_most + 1])

"""A test database that really commits, and is afterwards what the migrations left.

For tests with several connections, each of which has to see what the others committed. Django's own way empties every
table, also those that migrations filled (roles, rules, settings), so that what runs later finds another application.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

_ASIDE = "as_migrated"  # a schema with a copy of every table that migrations filled


def keep_aside() -> None:
    """Copies what the migrations wrote; once per database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [_ASIDE])
        if cursor.fetchone():
            return
        cursor.execute(f"CREATE SCHEMA {_ASIDE}")
        for table in _filled(cursor, connection.introspection.table_names(cursor)):
            if table != "django_migrations":
                cursor.execute(f'CREATE TABLE {_ASIDE}."{table}" AS TABLE public."{table}"')


def put_back() -> None:
    """Empties what tests wrote to, and fills what migrations had filled."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [_ASIDE])
        kept = [str(name) for (name,) in cursor.fetchall()]
        others = set(connection.introspection.table_names(cursor)) - {"django_migrations", *kept}
        if written := _filled(cursor, sorted(others)):
            names = ", ".join(f'public."{table}"' for table in written)
            cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        if changed := [table for table in kept if _differs(cursor, table)]:
            cursor.execute("SET session_replication_role = replica")  # in any order, foreign keys or not
            for table in changed:
                cursor.execute(f'DELETE FROM public."{table}"')
                cursor.execute(f'INSERT INTO public."{table}" SELECT * FROM {_ASIDE}."{table}"')
            cursor.execute("SET session_replication_role = DEFAULT")


def _filled(cursor: CursorWrapper, tables: Sequence[str]) -> list[str]:
    if not tables:
        return []
    cursor.execute(" UNION ALL ".join(f"(SELECT '{table}' FROM public.\"{table}\" LIMIT 1)" for table in tables))
    return [str(name) for (name,) in cursor.fetchall()]


def _differs(cursor: CursorWrapper, table: str) -> bool:
    now, then = f'TABLE public."{table}"', f'TABLE {_ASIDE}."{table}"'
    cursor.execute(f"SELECT EXISTS(({now} EXCEPT {then}) UNION ALL ({then} EXCEPT {now}))")
    (answer,) = cursor.fetchone()
    return bool(answer)

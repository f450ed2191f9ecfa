"""A test database that really commits, and is afterwards what the migrations left.

For tests with several connections, each of which has to see what the others committed. Django's own way empties every
table, also those that migrations filled (roles, rules, settings), so that what runs later finds another application.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

_LARGE = 512 * 1024
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
        cursor.execute("SET session_replication_role = replica")  # in any order, foreign keys or not
        _empty(cursor, set(connection.introspection.table_names(cursor)) - {"django_migrations", *kept})
        for table in (table for table in kept if _differs(cursor, table)):
            cursor.execute(f'DELETE FROM public."{table}"')
            cursor.execute(f'INSERT INTO public."{table}" SELECT * FROM {_ASIDE}."{table}"')
        cursor.execute("SET session_replication_role = DEFAULT")


def _empty(cursor: CursorWrapper, tables: set[str]) -> None:
    """Deletes, which takes a tenth of the time of TRUNCATE; what became large is cut, for nobody vacuums here."""
    cursor.execute(
        "SELECT relname, pg_relation_size(oid) > %s FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relname = ANY(%s) AND (relkind = 'p' OR pg_relation_size(oid) > 0)",
        [_LARGE, list(tables)],
    )
    written = {str(name): is_large for name, is_large in cursor.fetchall()}
    if not written:
        return
    if large := ", ".join(f'public."{table}"' for table, is_large in written.items() if is_large):
        cursor.execute(f"TRUNCATE {large} CASCADE")
    cursor.execute("; ".join(f'DELETE FROM public."{table}"' for table in written))
    cursor.execute(
        "SELECT setval(s.oid::regclass, 1, false) FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
        " AND d.deptype IN ('a', 'i') JOIN pg_class t ON t.oid = d.refobjid"
        " WHERE s.relkind = 'S' AND t.relnamespace = 'public'::regnamespace AND t.relname = ANY(%s)",
        [list(written)],
    )


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

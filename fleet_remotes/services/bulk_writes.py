"""What is written in bulk: bodies, notifications and what became of them, a callback's counts, steps of actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from core.sql import Col, columns, insert_rows, storable, update_rows
from fleet_remotes.models import ActionStep, Callback, CallbackMessage, RemoteNotification

_NOTIFICATIONS = RemoteNotification._meta.db_table
# The columns of `write_notifications`, in the order of its rows.
_NOTIFICATION_COLUMNS = (
    "message_id position callback_id digest action_id vehicle_id remote_action_id vin remote_type type status cause"
    " feedback event_date received_at verdict reason flags duplicates raw"
)
_ID = Col("id", "bigint")


def store_bodies(rows: Sequence[tuple[int, bytes, datetime]]) -> None:
    """Stores bodies as they came, (callback, body, received), in one insert: nothing else happens before that."""
    body = Col("body", "text", "decode(x.\"body\", 'hex')")
    insert_rows(
        CallbackMessage._meta.db_table,
        (body, *columns(CallbackMessage, "callback_id", "received_at", "problem")),
        [(body.hex(), callback_id, received_at, "") for callback_id, body, received_at in rows],
    )


def known_digests(keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Which of these (callback, digest) are stored, with the id of their row."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.callback_id, n.digest, n.id FROM fleet_remotes_remotenotification n"
            " JOIN unnest(%s::bigint[], %s::text[]) AS x(callback_id, digest)"
            " ON n.callback_id = x.callback_id AND n.digest = x.digest",
            [[callback_id for callback_id, _digest in keys], [digest for _callback, digest in keys]],
        )
        return {(callback_id, digest): pk for callback_id, digest, pk in cursor.fetchall()}


def bump_duplicates(counts: Mapping[int, int]) -> None:
    update_rows(_NOTIFICATIONS, _ID, (Col("duplicates", "int", "t.duplicates + x.duplicates"),), sorted(counts.items()))


def write_notifications(rows: Sequence[tuple[Any, ...]]) -> None:
    insert_rows(_NOTIFICATIONS, columns(RemoteNotification, *_NOTIFICATION_COLUMNS.split()), rows)


def rewrite_notifications(rows: Sequence[tuple[int, int | None, int | None, str, str, Sequence[str]]]) -> None:
    """What became of notifications that were read again: (id, action, vehicle, verdict, reason, flags)."""
    changed = columns(RemoteNotification, "action_id", "vehicle_id", "verdict", "reason", "flags")
    update_rows(_NOTIFICATIONS, _ID, changed, [(*row[:5], storable(list(row[5]))) for row in rows])


def mark_applied(rows: Sequence[tuple[int, datetime, int, int, str]]) -> None:
    """What became of bodies: (id, applied, notifications, duplicates, problem)."""
    changed = columns(CallbackMessage, "applied_at", "events", "duplicates", "problem")
    update_rows(CallbackMessage._meta.db_table, _ID, changed, rows)


def count_on_callbacks(rows: Sequence[tuple[int, int, int, int, datetime]]) -> None:
    """Adds to the counts of callbacks: (id, bodies, notifications, duplicates, last received)."""
    counts = [Col(name, "bigint", f"t.{name} + x.{name}") for name in ("bodies", "events", "duplicates")]
    last = Col("last_received_at", "timestamptz", "greatest(t.last_received_at, x.last_received_at)")
    update_rows(Callback._meta.db_table, _ID, (*counts, last), rows)


def write_steps(steps: Iterable[tuple[int, datetime, str, str]]) -> None:
    """Steps as (action, at, kind, detail)."""
    rows = [(action_id, at, kind, detail[:300]) for action_id, at, kind, detail in steps]
    insert_rows(ActionStep._meta.db_table, columns(ActionStep, "action_id", "at", "kind", "detail"), rows)

"""What is kept of callbacks, written in bulk: notifications, duplicates, what became of a body, a callback's counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from core.sql import Col, insert_rows, storable, text_array, update_rows


def store_bodies(rows: Sequence[tuple[int, bytes, datetime]]) -> None:
    """Stores bodies as they came, (callback, body, received), in one insert: nothing else happens before that."""
    insert_rows(
        "fleet_remotes_callbackmessage",
        (
            Col("callback_id", "bigint"),
            Col("body", "text", "decode(x.\"body\", 'hex')"),
            Col("received_at", "timestamptz"),
            Col("problem", "text"),
        ),
        [(callback_id, body.hex(), received_at, "") for callback_id, body, received_at in rows],
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
    update_rows(
        "fleet_remotes_remotenotification",
        Col("id", "bigint"),
        (Col("duplicates", "int", "t.duplicates + x.duplicates"),),
        sorted(counts.items()),
    )


def write_notifications(rows: Sequence[tuple[Any, ...]]) -> None:
    """Stores notifications, whose columns are in this order."""
    insert_rows(
        "fleet_remotes_remotenotification",
        (
            Col("message_id", "bigint"),
            Col("position", "int"),
            Col("callback_id", "bigint"),
            Col("digest", "text"),
            Col("action_id", "bigint"),
            Col("vehicle_id", "bigint"),
            Col("remote_action_id", "text"),
            Col("vin", "text"),
            Col("remote_type", "text"),
            Col("type", "text"),
            Col("status", "text"),
            Col("cause", "text"),
            Col("feedback", "text"),
            Col("event_date", "timestamptz"),
            Col("received_at", "timestamptz"),
            Col("verdict", "text"),
            Col("reason", "text"),
            text_array("flags"),
            Col("duplicates", "int"),
            Col("raw", "jsonb"),
        ),
        rows,
    )


def mark_applied(rows: Sequence[tuple[int, datetime, int, int, str]]) -> None:
    """What became of bodies: (id, applied, notifications, duplicates, problem)."""
    update_rows(
        "fleet_remotes_callbackmessage",
        Col("id", "bigint"),
        (Col("applied_at", "timestamptz"), Col("events", "int"), Col("duplicates", "int"), Col("problem", "text")),
        rows,
    )


def count_on_callbacks(rows: Sequence[tuple[int, int, int, int, datetime]]) -> None:
    """Adds to the counts of callbacks: (id, bodies, notifications, duplicates, last received)."""
    update_rows(
        "fleet_remotes_callback",
        Col("id", "bigint"),
        (
            Col("bodies", "bigint", "t.bodies + x.bodies"),
            Col("events", "bigint", "t.events + x.events"),
            Col("duplicates", "bigint", "t.duplicates + x.duplicates"),
            Col("last_received_at", "timestamptz", "greatest(t.last_received_at, x.last_received_at)"),
        ),
        rows,
    )


def rewrite_notifications(rows: Sequence[tuple[int, int | None, int | None, str, str, Sequence[str]]]) -> None:
    """What became of notifications that were read again: (id, action, vehicle, verdict, reason, flags)."""
    update_rows(
        "fleet_remotes_remotenotification",
        Col("id", "bigint"),
        (
            Col("action_id", "bigint"),
            Col("vehicle_id", "bigint"),
            Col("verdict", "text"),
            Col("reason", "text"),
            text_array("flags"),
        ),
        [(*row[:5], storable(list(row[5]))) for row in rows],
    )

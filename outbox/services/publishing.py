"""publish: events and their deliveries, written in the caller's transaction."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from django.db import connection, transaction

from console.bulk import Col, insert_rows
from outbox import metrics, nudge
from outbox.choices import Channel, DeliveryState
from outbox.event_kinds import kind_of


@dataclass(frozen=True)
class Recipient:
    """Whom an event is for: a mail address on a mailing list, an endpoint, an app's user."""

    address: str
    channel: Channel = Channel.EMAIL
    list_key: str = ""
    language: str = "en"
    destination: str = ""

    def shared_fate(self) -> str:
        """What this delivery is limited together with: for mail, the domain of the address."""
        return self.destination or f"{self.channel}:{self.address.rpartition('@')[2].lower()}"


@dataclass(frozen=True)
class NewEvent:
    """An event to publish. `dedup_key` makes publishing it twice a no-op; `thread` is the uuid hex it answers."""

    kind: str
    subject: str
    payload: msgspec.Struct
    dedup_key: str
    occurred_at: datetime
    recipients: tuple[Recipient, ...] = ()
    thread: str = ""
    uuid: uuid.UUID = field(default_factory=uuid.uuid4)


_EVENT = (
    Col("uuid", "uuid"),
    Col("kind", "text"),
    Col("subject", "text"),
    Col("dedup_key", "text"),
    Col("payload", "jsonb"),
    Col("occurred_at", "timestamptz"),
    Col("thread", "text"),
    Col("created_at", "timestamptz"),
)
_DELIVERY = (
    Col("event_id", "bigint"),
    Col("channel", "text"),
    Col("address", "text"),
    Col("list_key", "text"),
    Col("language", "text"),
    Col("destination", "text"),
    Col("state", "text"),
    Col("reason", "text"),
    Col("next_attempt_at", "timestamptz"),
    Col("settled_at", "timestamptz"),
    Col("attempts", "smallint"),
    Col("created_at", "timestamptz"),
)


# A NUL in JSON text, but not the end of an escaped backslash that is followed by "u0000".
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _json(payload: msgspec.Struct) -> str:
    """A payload as JSON without NUL, which PostgreSQL cannot store: it would end the caller's whole transaction."""
    text = msgspec.json.encode(payload).decode()
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


def publish(*, events: Sequence[NewEvent], now: datetime) -> dict[str, int]:
    """Writes events and one delivery per recipient in the caller's transaction, and nudges a worker after its commit.

    Returns the ids of the events that are new, by their `dedup_key`: those that were published before are left alone.
    Raises UnknownKind for an unregistered kind and TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("publish() belongs to the transaction of what it tells about.")
    if not events:
        return {}
    for event in events:
        kind_of(event.kind)
    unique = {event.dedup_key: event for event in events}
    # In the order of the key, so that two transactions with the same events wait for one another.
    ordered = [unique[key] for key in sorted(unique)]
    new_ids = _insert_events(ordered, now)
    fresh = [event for event in ordered if event.dedup_key in new_ids]
    for event in fresh:
        metrics.PUBLISHED.labels(event.kind).inc()
    _insert_deliveries(fresh, new_ids, now)
    if any(event.recipients for event in fresh):
        transaction.on_commit(nudge.nudge, robust=True)
    return new_ids


def _insert_events(events: Sequence[NewEvent], now: datetime) -> dict[str, int]:
    inserted = insert_rows(
        "outbox_event",
        _EVENT,
        [
            (
                event.uuid,
                event.kind,
                event.subject.replace("\x00", "")[:120],
                event.dedup_key,
                _json(event.payload),
                event.occurred_at,
                event.thread,
                now,
            )
            for event in events
        ],
        "ON CONFLICT (dedup_key) DO NOTHING RETURNING dedup_key, id",
    )
    return dict(inserted)


def _insert_deliveries(events: Sequence[NewEvent], ids: dict[str, int], now: datetime) -> None:
    wanted = {(ids[event.dedup_key], r.channel, r.address.lower()): r for event in events for r in event.recipients}
    if not wanted:
        return
    blocked = _blocked_addresses({r.address.lower() for r in wanted.values()})
    rows = []
    for (event_id, channel, lowered), r in wanted.items():
        reason = blocked.get((channel, lowered), "")
        state = DeliveryState.SUPPRESSED if reason else DeliveryState.PENDING
        if reason:
            metrics.SUPPRESSED.labels(channel, reason).inc()
        due, ended = (None, now) if reason else (now, None)
        fate = r.shared_fate()[:255]
        rows.append((event_id, channel, r.address, r.list_key, r.language, fate, state, reason, due, ended, 0, now))
    insert_rows("outbox_delivery", _DELIVERY, rows)


def _blocked_addresses(addresses: Iterable[str]) -> dict[tuple[str, str], str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel, lower(address), blocked_reason FROM outbox_address"
            " WHERE lower(address) = ANY(%s) AND blocked_reason <> ''",
            [list(addresses)],
        )
        return {(channel, address): reason for channel, address, reason in cursor.fetchall()}


# Any fixed number serves, as long as nothing else locks it.
_NUMBERING_LOCK = 7_201_001


def number_events() -> int:
    """Gives committed events their place in the log and returns how many.

    Identities are handed out before the commit, so that a reader who follows them would pass by an event whose
    transaction took longer. Places are given after the commit, by one process at a time, and never change.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBERING_LOCK])
        cursor.execute(
            "WITH last AS (SELECT coalesce(max(position), 0) AS position FROM outbox_event),"
            " fresh AS (SELECT id, row_number() OVER (ORDER BY id) AS step FROM"
            " (SELECT id FROM outbox_event WHERE position IS NULL ORDER BY id LIMIT 50000) unnumbered)"
            " UPDATE outbox_event e SET position = last.position + fresh.step FROM fresh, last WHERE e.id = fresh.id"
        )
        return int(cursor.rowcount)

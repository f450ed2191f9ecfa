"""publish: events and their deliveries, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import structlog
from django.db import connection, transaction

from core.sql import columns, insert_rows, storable
from core.text import clean_text
from outbox import metrics, nudge
from outbox.choices import DeliveryState, Reason
from outbox.contract import NewEvent, Recipient
from outbox.event_kinds import kind_of
from outbox.models import Delivery, Event
from outbox.services.banners import show_banners
from outbox.services.topic_lists.deciding import record_decisions
from outbox.subscriptions.matching import listening_to
from outbox.subscriptions.stamps import STAMPS
from outbox.transports.registry import is_sent

_EVENT = columns(
    Event, "uuid", "kind", "subject", "dedup_key", "payload", "occurred_at", "thread", "request_id", "created_at"
)
_RECEIVER = ("channel", "address", "list_key", "language", "destination")
_STATE = ("state", "reason", "next_attempt_at", "settled_at", "attempts", "created_at")
_DELIVERY = columns(Delivery, "event_id", *_RECEIVER, *_STATE)


def publish(*, events: Sequence[NewEvent], now: datetime) -> dict[str, int]:
    """Writes events and one delivery per recipient in the caller's transaction, and nudges a worker after its commit.

    Recipients are those that an event names and whoever listens to its kind (`subscriptions.matching`); for each topic
    list a decision is written (`services.topic_lists`). Returns the ids of the events that are new, by their
    `dedup_key`: those that were published before are left alone.
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
    new_ids, stamps = _insert_events(ordered, now)
    fresh = [event for event in ordered if event.dedup_key in new_ids]
    for event in fresh:
        metrics.PUBLISHED.labels(event.kind).inc()
    named = [(event, recipient) for event in fresh for recipient in event.recipients]
    receiving = [(new_ids[event.dedup_key], to) for event, to in (*named, *listening_to(fresh, stamps))]
    to_send = insert_deliveries(receiving, now)
    to_notify = record_decisions(events=fresh, ids=new_ids, stamps=stamps, now=now)
    if to_send or to_notify:
        transaction.on_commit(nudge.nudge, robust=True)
    return new_ids


def _insert_events(events: Sequence[NewEvent], now: datetime) -> tuple[dict[str, int], Mapping[str, str]]:
    """The ids of the events that are new, and the listeners' stamps as of this statement."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
    inserted = insert_rows(
        "outbox_event",
        _EVENT,
        [
            (
                event.uuid,
                event.kind,
                clean_text(event.subject)[:120],
                event.dedup_key,
                storable(event.payload),
                event.occurred_at,
                event.thread,
                request_id,
                now,
            )
            for event in events
        ],
        f"ON CONFLICT (dedup_key) DO NOTHING RETURNING dedup_key, id, {STAMPS}::text",
    )
    stamps: dict[str, str] = msgspec.json.decode(inserted[0][2]) if inserted else {}
    return {row[0]: row[1] for row in inserted}, stamps


def insert_deliveries(receiving: Iterable[tuple[int, Recipient]], now: datetime) -> int:
    """Writes a delivery for each event's id and recipient, once each; returns how many are due."""
    once: dict[tuple[int, tuple[str, ...]], Recipient] = {}
    for event_id, recipient in receiving:
        once.setdefault((event_id, recipient.identity()), recipient)
    if not once:
        return 0
    blocked = _blocked_addresses({recipient.address.lower() for recipient in once.values()})
    rows: list[tuple[object, ...]] = []
    banners: dict[tuple[int, str], tuple[tuple[object, ...], datetime | None]] = {}
    for (event_id, _identity), r in once.items():
        reason = r.held_back or blocked.get((r.channel, r.address.lower()), Reason.NONE)
        fate, is_banner = r.shared_fate()[:255], not is_sent(r.channel) and not reason
        state = DeliveryState.SUPPRESSED if reason else DeliveryState.DELIVERED if is_banner else DeliveryState.PENDING
        if reason:
            metrics.SUPPRESSED.labels(r.channel, reason).inc()
        metrics.DELIVERIES.labels(r.channel).inc()
        due, ended = (now, None) if state == DeliveryState.PENDING else (None, now)
        row = (event_id, r.channel, r.address, r.list_key, r.language, fate, state, reason, due, ended, 0, now)
        if is_banner:
            banners[event_id, r.address] = row, r.expires_at
        else:
            rows.append(row)
    insert_rows("outbox_delivery", _DELIVERY, rows)
    ids = insert_rows(
        "outbox_delivery", _DELIVERY, [row for row, _ in banners.values()], "RETURNING id, event_id, address"
    )
    show_banners(expiries={pk: banners[event_id, address][1] for pk, event_id, address in ids}, now=now)
    return sum(row[8] is not None for row in rows)


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
NUMBERED_AT_ONCE = 50_000


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
            " (SELECT id FROM outbox_event WHERE position IS NULL ORDER BY id LIMIT %s) unnumbered)"
            " UPDATE outbox_event e SET position = last.position + fresh.step FROM fresh, last WHERE e.id = fresh.id",
            [NUMBERED_AT_ONCE],
        )
        return int(cursor.rowcount)

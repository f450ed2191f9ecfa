"""The event log, deliveries and the kinds that can be listened to, for machines."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Schema

from core.api import (
    Problem,
    audited_by,
    check_limit,
    decode_cursor,
    encode_cursor,
    foreign_cursor,
    key_of,
    page_of,
    rfc3339,
    serialize,
)
from core.people import shown_id, shown_text
from outbox import selectors
from outbox.api.base import READ, WRITE, router
from outbox.choices import Channel, DeliveryState
from outbox.event_kinds import all_kinds
from outbox.models import Delivery, Event
from outbox.search import DELIVERY_SEARCH
from outbox.services import deliveries, publishing
from outbox.services.repeats import retry_failed
from outbox.services.replaying import replay_delivery
from outbox.transports.webhook.envelope import envelope

RETRY_LIMIT = 10_000


def serialize_event(event: Event) -> dict[str, Any]:
    """The same as a webhook's body, and when it was recorded."""
    body = envelope(
        event_uuid=event.uuid,
        kind=event.kind,
        subject=shown_id(event.subject),
        occurred_at=event.occurred_at,
        sequence=event.position,
        data=shown_text(event.payload),
    )
    return body | {"recorded_at": rfc3339(event.created_at)}


def serialize_delivery(delivery: Delivery) -> dict[str, Any]:
    shown = ("id", "channel", "state", "reason", "attempts", "next_attempt_at", "created_at", "settled_at")
    return serialize(delivery, *shown) | {
        "event": delivery.event.public_id,
        "type": delivery.event.kind,
        "to": delivery.shown_address,
    }


@router.get("/events", auth=READ, summary="The event log, in order, to catch up from")
def list_events(request: HttpRequest, after: str = "", kind: str = "*", limit: int = 100) -> dict[str, Any]:
    """Events behind a cursor in the order in which they were committed: no reader ever misses one.

    `next` is always given: ask again with `after=<next>`, now or later. 410 when events behind the cursor were pruned
    by age before they were read; without a cursor the log begins with what is left.
    """
    check_limit(limit)
    position, pruned_before = _place(after)
    publishing.number_events()
    end = selectors.log_end()
    events = list(selectors.log_after(position, kind=kind, limit=limit))
    # Read after the events: what is pruned in between is told rather than missed.
    pruned_to = selectors.log_pruned_to()
    if after and max(position, pruned_before) < pruned_to:
        raise Problem(410, "Events behind this cursor are gone by their age; start again without it.")
    if events:
        position = events[-1].position or position
    if len(events) < limit:  # nothing else of this kind stands before the end
        position = max(position, end)
    return {"items": [serialize_event(event) for event in events], "next": encode_cursor([position, pruned_to])}


def _place(cursor: str) -> tuple[int, int]:
    """The place that a cursor names, and how far the log was pruned when it was given. Raises Problem 400."""
    read = decode_cursor(cursor) if cursor else 0
    parts = read if isinstance(read, list) else [read, 0]
    if len(parts) == 2 and all(isinstance(part, int) and not isinstance(part, bool) for part in parts):
        return parts[0], parts[1]
    raise foreign_cursor()


@router.get("/deliveries", auth=READ, summary="Deliveries, newest first")
def list_deliveries(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = selectors.deliveries().filter(DELIVERY_SEARCH.condition(q))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_delivery)


@router.post("/deliveries/{delivery_id}/retry", auth=WRITE, summary="Send a delivery again now")
def retry_delivery(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    delivery = get_object_or_404(selectors.deliveries(), pk=delivery_id)
    again = replay_delivery if delivery.channel == Channel.WEBHOOK else deliveries.retry_delivery
    with audited_by(key_of(request)):
        retried = again(delivery=delivery, now=timezone.now())
    if not retried:
        raise Problem(
            409, f"This delivery is {delivery.state}; only failed, bounced, cancelled or retrying ones can be retried."
        )
    delivery.refresh_from_db()
    return serialize_delivery(delivery)


@router.post("/deliveries/{delivery_id}/resend", auth=WRITE, summary="Send a mail that was delivered once more")
def resend_mail(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    """Answers with the new delivery: the mail goes out as another one, with a Message-ID of its own."""
    delivery = get_object_or_404(selectors.deliveries(), pk=delivery_id)
    with audited_by(key_of(request)):
        again = deliveries.resend_mail(delivery=delivery, now=timezone.now())
    if again is None:
        raise Problem(409, f"Only a mail that was delivered can be sent once more; this is {delivery.state}.")
    return serialize_delivery(again)


class RetryMany(Schema):
    """Which failed deliveries: a Magic Search such as `reason:exhausted created:2026-11-01..2026-11-07`; empty: all."""

    q: str = ""


@router.post("/deliveries/retry", auth=WRITE, summary="Send failed deliveries again now, by search")
def retry_deliveries(request: HttpRequest, body: RetryMany) -> dict[str, Any]:
    """At most 10,000 per call, oldest first; `more` says that others are left: call again."""
    failed = Delivery.objects.filter(DELIVERY_SEARCH.condition(body.q), state=DeliveryState.FAILED)
    now = timezone.now()
    retried = retry_failed(failed=failed, now=now, limit=RETRY_LIMIT)
    return {"retried": retried, "more": retried == RETRY_LIMIT and failed.exists()}


@router.get("/event-kinds", auth=READ, summary="Every kind that can be listened to")
def list_event_kinds(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind.key,
            "label": str(kind.label),
            "description": str(kind.description),
            "domain": kind.domain,
            "severity": str(kind.severity),
            "schema": kind.schema(),
            "example": kind.example_data(),
        }
        for kind in all_kinds()
        if kind.is_public
    ]

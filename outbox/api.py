"""The outbox for machines: the event log, deliveries, the kinds that can be listened to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router

from console.api_kit import (
    Problem,
    ScopedKey,
    audited_by,
    check_limit,
    decode_cursor,
    encode_cursor,
    key_of,
    page_of,
    rfc3339,
)
from outbox import selectors, services
from outbox.event_kinds import UnknownKind, all_kinds, kind_of
from outbox.models import Delivery, Event
from outbox.search import DELIVERY_SEARCH

router = Router()
READ, WRITE = ScopedKey("outbox:read"), ScopedKey("outbox:write")


def event_shape(event: Event) -> dict[str, Any]:
    try:
        kind = kind_of(event.kind)
        domain, severity = kind.domain, str(kind.severity)
    except UnknownKind:
        domain, severity = "", ""
    return {
        "id": event.public_id,
        "type": event.kind,
        "domain": domain,
        "severity": severity,
        "subject": event.subject,
        "timestamp": rfc3339(event.occurred_at),
        "recorded_at": rfc3339(event.created_at),
        "sequence": event.position,
        "data": event.payload,
    }


def delivery_shape(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.pk,
        "event": delivery.event.public_id,
        "type": delivery.event.kind,
        "channel": delivery.channel,
        "to": delivery.address,
        "state": delivery.state,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "next_attempt_at": rfc3339(delivery.next_attempt_at),
        "created_at": rfc3339(delivery.created_at),
        "settled_at": rfc3339(delivery.settled_at),
    }


@router.get("/events", auth=READ, summary="The event log, in order, to catch up from")
def list_events(request: HttpRequest, after: str = "", kind: str = "*", limit: int = 100) -> dict[str, Any]:
    """Events behind a cursor in the order in which they were committed: no reader ever misses one.

    `next` is always given: ask again with `after=<next>`, now or later.
    """
    check_limit(limit)
    position = decode_cursor(after) if after else 0
    if not isinstance(position, int) or isinstance(position, bool):
        raise Problem(400, "The cursor is not one that this API gave; start again without it.")
    services.number_events()
    found = list(selectors.log_after(position, kind=kind, limit=limit))
    last = found[-1].position if found else position
    return {"items": [event_shape(event) for event in found], "next": encode_cursor(last)}


@router.get("/deliveries", auth=READ, summary="Deliveries, newest first")
def list_deliveries(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    found = selectors.deliveries().filter(DELIVERY_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=delivery_shape)


@router.post("/deliveries/{delivery_id}/retry", auth=WRITE, summary="Send a delivery again now")
def retry_delivery(request: HttpRequest, delivery_id: int) -> dict[str, Any]:
    delivery = get_object_or_404(selectors.deliveries(), pk=delivery_id)
    with audited_by(key_of(request)):
        retried = services.retry_delivery(delivery=delivery, now=timezone.now())
    if not retried:
        raise Problem(
            409, f"This delivery is {delivery.state}; only failed, cancelled or retrying ones can be retried."
        )
    delivery.refresh_from_db()
    return delivery_shape(delivery)


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

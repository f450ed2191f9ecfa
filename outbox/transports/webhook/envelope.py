"""The one shape in which an event leaves: as a webhook's body and in the API's event log.

Standard Webhooks asks for `type`, `timestamp` and `data`; the rest lets a receiver order and recognise what it gets.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings

from core.api import rfc3339
from outbox.event_kinds import UnknownKind, kind_of

# Changes when a receiver of today could no longer read what is sent.
API_VERSION = "2026-11-01"


def envelope(
    *, event_uuid: uuid.UUID, kind: str, subject: str, occurred_at: datetime, sequence: int | None, data: dict[str, Any]
) -> dict[str, Any]:
    """An event as its receivers read it.

    `sequence` is its place in the log, the same for all receivers and growing with each commit; None while it has
    none. `version` grows with each change of the object that `data` tells of: a receiver that has seen a higher one
    drops this. Where the domain counts no versions it is the sequence, which grows as well.
    """
    try:
        registered = kind_of(kind)
        domain, severity = registered.domain, registered.severity_of(data)
    except UnknownKind:
        domain = severity = ""
    version = _of_object(data, "version")
    return {
        "id": f"evt_{event_uuid.hex}",
        "object": "event",
        "type": kind,
        "topic": kind,
        "timestamp": rfc3339(occurred_at),
        "created": int(occurred_at.timestamp()),
        "domain": domain,
        "severity": severity,
        "subject": subject,
        "program": program if isinstance(program := _of_object(data, "program"), str) else None,
        "live_mode": not settings.DEMO,
        "sequence": sequence,
        "version": version if isinstance(version, int) and not isinstance(version, bool) else sequence,
        "api_version": API_VERSION,
        "data": data,
    }


def _of_object(data: dict[str, Any], name: str) -> Any:
    """A field of the object that a payload tells of: `data.object.<name>`, or `data.<name>`."""
    inner = data.get("object")
    return inner.get(name) if isinstance(inner, dict) and name in inner else data.get(name)

"""The catalogue: every kind of event that can be listened to, with its schema and an example as it is sent."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from core.permissions import requires
from outbox.choices import SEVERITY_COLOURS
from outbox.event_kinds import EventKind, public_kinds
from outbox.subscriptions.conditions import fields_of
from outbox.transports.webhook.envelope import envelope

_AT, _ID = datetime(2026, 11, 21, 5, 40, tzinfo=UTC), uuid.UUID("0123456789abcdef0123456789abcdef")


def example_of(kind: EventKind) -> dict[str, Any]:
    """An event of this kind as a webhook's body."""
    return envelope(
        event_uuid=_ID,
        kind=kind.key,
        subject=f"{kind.key.partition('.')[0]}:7",
        occurred_at=_AT,
        sequence=412,
        data=kind.example_data(),
    )


def _row(kind: EventKind) -> dict[str, Any]:
    return {
        "kind": kind,
        "colour": SEVERITY_COLOURS[kind.severity],
        "fields": sorted(field for field in fields_of(kind) or () if "." not in field),
        "schema": json.dumps(kind.schema(), indent=2, ensure_ascii=False),
        "example": json.dumps(example_of(kind), indent=2, ensure_ascii=False),
    }


@requires("outbox.view_event")
def event_kinds(request: HttpRequest) -> HttpResponse:
    """Without a list's search: the browser finds in it, and each kind has an address of its own (#trip.created)."""
    domains = [
        {"domain": domain, "kinds": [_row(kind) for kind in kinds]}
        for domain, kinds in groupby(public_kinds(), key=lambda kind: kind.domain)
    ]
    return render(request, "outbox/event_kinds.html", {"page_title": _("Event kinds"), "domains": domains})

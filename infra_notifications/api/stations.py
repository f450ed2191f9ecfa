"""Stations for machines: their frames as they were on the wire, their connections, and their state."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db.models.functions import Upper
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from core.api import key_of, raw_body, rfc3339
from core.batches import MAX_ITEMS, batch_answer, batch_openapi
from core.combine import Combiner
from core.ingest import BatchEndpoint, Intake, Submission
from core.text import identity, identity_key
from infra_notifications.api.base import READ, WRITE, router
from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, StationConnection
from infra_notifications.rules.connections import ConnectionReport
from infra_notifications.rules.envelopes import CONNECTION
from infra_notifications.services.connections import take_connections
from infra_notifications.services.frames import frames_submission
from infra_notifications.services.messages import take_messages

_connections = BatchEndpoint[ConnectionReport](
    ConnectionReport, take_connections, spare=("id", "at", "connection", "reason"), envelope=CONNECTION
)


@router.post(
    "/connections",
    auth=WRITE,
    summary="Stations that connected or disconnected",
    openapi_extra=batch_openapi(
        ConnectionReport,
        {
            "closed": {"station": "CP-0001", "connected": False, "at": "2026-11-21T05:40:00Z", "reason": "1006"},
            "connected": {"station": "CP-0001", "connected": True},
        },
    ),
)
def post_connections(request: HttpRequest) -> HttpResponse:
    """Takes one report or a batch of up to 1,000; answers after the commit.

    A station that disconnects is UNAVAILABLE at once; its groups are notified when that lasts for their delay, counted
    from `at`. It ends with the next connection, or any message received after `at`. With `connection` (a name of the
    socket) a close that is noticed late, after the station has connected anew, changes nothing.
    """
    return _connections.answer(request)


_FRAME = {"type": "array", "minItems": 3, "items": {}, "description": "[2, id, action, payload] and its answers"}
_FRAMES_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"oneOf": [_FRAME, {"type": "array", "items": _FRAME, "maxItems": MAX_ITEMS}]},
            "examples": {
                "one frame": {"value": [2, "19223201", "Heartbeat", {}]},
                "a call and its answer": {
                    "value": [
                        [2, "7", "BootNotification", {"chargePointVendor": "ABB", "chargePointModel": "Terra 54"}],
                        [3, "7", {"status": "Accepted", "currentTime": "2026-11-21T05:40:00Z", "interval": 300}],
                    ]
                },
            },
        }
    },
}
_frames = Combiner[Submission[OcppMessage], Intake](
    lambda submissions: take_messages(submissions=submissions, now=timezone.now())
)


@router.post(
    "/frames/{path:station}",
    auth=WRITE,
    summary="OCPP-J frames as they were on the wire",
    openapi_extra={"requestBody": _FRAMES_BODY, "responses": batch_openapi(ConnectionReport)["responses"]},
)
def post_frames(request: HttpRequest, station: str, protocol: str = "ocpp1.6") -> HttpResponse:
    """Takes one frame of a station or an array of up to 1,000; answers after the commit.

    Answers are paired with the calls of the same batch, or of an earlier one. Of each payload that part is kept which
    Signalbox reads: no tokens, customers, certificates or configurations.
    """
    body, key = raw_body(request), key_of(request)
    submission = frames_submission(body, key_id=key.pk, station=station, protocol=protocol)
    size = len(submission.items) + len(submission.rejected)
    intake = _frames.submit(submission, size=size) if size else Intake()
    answer = batch_answer(intake.accepted, intake.duplicates, intake.rejected, intake.warnings)
    return HttpResponse(msgspec.json.encode(answer), status=202, content_type="application/json")


@router.get("/stations/{path:station}", auth=READ, summary="Whether a station is connected, and since when")
def get_station(request: HttpRequest, station: str) -> dict[str, Any]:
    """`connected` is null where nobody reports connections. `clock_offset_s` is by how much the station's clock is
    wrong (behind is negative), null while it is not known to be."""
    key = identity_key(station)
    points = list(
        ChargePoint.objects.select_related("state")
        .alias(key=Upper("station"))
        .filter(key=key)
        .exclude(station="")
        .order_by("connector", "pk")
    )
    link = StationConnection.objects.filter(key=key).first()
    if link is None and not points:
        raise Http404
    states = [point.state for point in points if hasattr(point, "state")]
    seen = max((state.last_seen for state in states if state.last_seen), default=None)
    # Who was heard since it was said to have closed has connected without a word of it.
    is_connected = None if link is None else link.connected or (seen is not None and seen > link.since)
    seen = max(filter(None, (seen, link.last_seen if link else None)), default=None)
    return {
        "station": points[0].station if points else link.station if link else identity(station),
        "connected": is_connected,
        "since": rfc3339(link.since) if link else None,
        "protocol": (link.protocol if link else "") or next((s.ocpp_version for s in states if s.ocpp_version), ""),
        "last_seen": rfc3339(seen),
        "clock_offset_s": next((s.clock_error_s for s in states if s.clock_error_s is not None), None),
        "csms_clock_offset_s": link.csms_offset_s if link else None,
        "route": link.route if link else "",
        "messages": link.messages if link else 0,
        "round_trip_ms": link.round_trip_ms if link else None,
        "close_code": link.close_code if link else None,
        "close_reason": link.close_reason if link else "",
        "charge_points": [point.evse_id for point in points],
    }

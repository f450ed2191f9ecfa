"""What the app's backend reports of pushes, and what support does: resend, resolve, note, mute, release and drop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Status
from pydantic import AwareDatetime, Field

from core.api import ConfigurationIn, Problem, audited_by, key_of, page_of, rfc3339, serialize
from core.batches import batch_openapi
from core.field_types import Envelope
from core.ingest import BatchEndpoint
from core.people import shown
from vehicles import selectors
from vehicles.api.base import READ, WRITE, driver_named, router, serialize_notification
from vehicles.models import Brake, DriverNotification, Mute
from vehicles.services import brakes, pushes, support

# Other names of the same; the notification's own is `id`, in the event's data.
_NAMES = dict.fromkeys(("id", "notificationid"), "notification") | dict.fromkeys(("status", "event"), "state")
_NAMES |= dict.fromkeys(("timestamp", "occurredat"), "at") | dict.fromkeys(("error", "detail"), "reason")
_reports = BatchEndpoint[pushes.PushReport](
    pushes.PushReport, pushes.take_reports, spare=("at", "reason"), envelope=Envelope(_NAMES, warns=True)
)


@router.post(
    "/push-reports",
    auth=WRITE,
    summary="What became of pushes: delivered, failed, opened",
    openapi_extra=batch_openapi(
        pushes.PushReport, {"failed": {"notification": 42, "state": "failed", "reason": "the token is gone"}}
    ),
)
def report_pushes(request: HttpRequest) -> HttpResponse:
    """For the app's backend; one report or up to 1,000, in any order. `opened` marks the notification as read."""
    return _reports.answer(request)


# ---- a notification -------------------------------------------------------------------------------------------------


class NoteIn(ConfigurationIn):
    text: str = Field(max_length=support.NOTE_LENGTH)


def _by(request: HttpRequest) -> str:
    return key_of(request).name


def _notification(notification_id: int) -> DriverNotification:
    return get_object_or_404(selectors.notifications(), pk=notification_id)


@router.post("/notifications/{notification_id}/resend", auth=WRITE, summary="Tell the driver once more")
def resend(request: HttpRequest, notification_id: int) -> dict[str, Any]:
    notification = _notification(notification_id)
    event_id = support.resend(notification=notification, by=_by(request), now=timezone.now())
    return serialize_notification(notification) | {"event": event_id}


@router.post("/notifications/{notification_id}/resolve", auth=WRITE, summary="Take it from the driver")
def resolve(request: HttpRequest, notification_id: int) -> dict[str, Any]:
    """It stays away until its condition has ended and comes again."""
    notification = _notification(notification_id)
    if not support.resolve(notification=notification, by=_by(request), now=timezone.now()):
        raise Problem(409, f"This notification is {notification.state}; only one that is shown can be ended.")
    return serialize_notification(notification)


@router.post(
    "/notifications/{notification_id}/notes", auth=WRITE, summary="Note something", response={201: dict[str, Any]}
)
def add_note(request: HttpRequest, notification_id: int, body: NoteIn) -> Status[dict[str, Any]]:
    notification = _notification(notification_id)
    support.add_note(notification=notification, text=body.text, by=_by(request), now=timezone.now())
    return Status(201, serialize_notification(notification))


# ---- mutes ----------------------------------------------------------------------------------------------------------


class MuteIn(ConfigurationIn):
    """`until`, or for so many `hours`; without `type` every type."""

    type: str = ""
    until: AwareDatetime | None = None
    hours: float | None = Field(default=None, gt=0, le=8_760)
    note: str = Field(default="", max_length=250)


def _serialize_mute(mute: Mute) -> dict[str, Any]:
    return serialize(mute, "id", "type", "until", "created_at") | {"note": shown(mute.note), "by": mute.created_by}


@router.get("/drivers/{path:driver_id}/mutes", auth=READ, summary="What a driver is not told for a time")
def list_mutes(request: HttpRequest, driver_id: str) -> list[dict[str, Any]]:
    driver = driver_named(driver_id)
    return [_serialize_mute(mute) for mute in selectors.mutes_of(driver, timezone.now())]


@router.post(
    "/drivers/{path:driver_id}/mutes", auth=WRITE, summary="Mute a driver for a time", response={201: dict[str, Any]}
)
def mute_driver(request: HttpRequest, driver_id: str, body: MuteIn) -> Status[dict[str, Any]]:
    driver, now = driver_named(driver_id), timezone.now()
    until: datetime | None = body.until or (now + timedelta(hours=body.hours) if body.hours else None)
    if until is None:
        raise Problem(422, "Say until when, or for how many hours.", [{"pointer": "/until", "detail": "missing"}])
    with audited_by(key_of(request)):
        mute = support.mute(driver=driver, until=until, by=_by(request), now=now, name=body.type, note=body.note)
    return Status(201, _serialize_mute(mute))


@router.delete("/mutes/{mute_id}", auth=WRITE, response={204: None}, summary="Let a driver be told again")
def unmute_driver(request: HttpRequest, mute_id: int) -> Status[None]:
    with audited_by(key_of(request)):
        support.unmute(mute=get_object_or_404(Mute, pk=mute_id), now=timezone.now())
    return Status(204, None)


# ---- brakes ---------------------------------------------------------------------------------------------------------


def _serialize_brake(brake: Brake) -> dict[str, Any]:
    return serialize(brake, "id", "state", "brand", "drivers", "of", "decided_by") | {
        "feed": str(brake.feed),
        "began_at": rfc3339(brake.began_at),
        "decided_at": rfc3339(brake.decided_at),
        "waiting": selectors.waiting_for(brake),
    }


@router.get("/brakes", auth=READ, summary="Trouble of many at once that waits for a person")
def list_brakes(request: HttpRequest, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    return page_of(Brake.objects.all(), limit=limit, cursor=cursor, shape=_serialize_brake)


@router.post("/brakes/{brake_id}/release", auth=WRITE, summary="Tell what a brake holds")
def release_brake(request: HttpRequest, brake_id: int) -> dict[str, Any]:
    return _decide(request, brake_id, release=True)


@router.post("/brakes/{brake_id}/drop", auth=WRITE, summary="Drop what a brake holds")
def drop_brake(request: HttpRequest, brake_id: int) -> dict[str, Any]:
    """What is dropped is not told as long as it lasts."""
    return _decide(request, brake_id, release=False)


def _decide(request: HttpRequest, brake_id: int, *, release: bool) -> dict[str, Any]:
    brake = get_object_or_404(Brake, pk=brake_id)
    with audited_by(key_of(request)):
        if not brakes.decide_brake(brake=brake, release=release, by=_by(request), now=timezone.now()):
            raise Problem(409, f"This brake is {brake.state} already.")
    return _serialize_brake(brake)

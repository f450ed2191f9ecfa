"""Charging infrastructure for machines: messages and signals in, charge points, groups, incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Schema, Status
from pydantic import Field

from core.api import ConfigurationIn, Problem, Router, ScopedKey, audited_by, key_of, page_of, rfc3339
from core.batches import batch_openapi
from core.ingest import BatchEndpoint
from core.search.hints import check_found
from core.text import identity_key
from infra_notifications import selectors
from infra_notifications.choices import Language
from infra_notifications.evse_ids import id_in_address, ids_by_evse
from infra_notifications.ingest import OcppMessage, SignalMessage
from infra_notifications.models import ChargePoint, Incident, NotificationGroup
from infra_notifications.models.groups import all_cases
from infra_notifications.rules import envelopes
from infra_notifications.search import CHARGE_POINT_SEARCH, GROUP_SEARCH, INCIDENT_SEARCH
from infra_notifications.services import groups as group_services
from infra_notifications.services.acknowledging import acknowledge_incidents
from infra_notifications.services.availability import attach_availability
from infra_notifications.services.charge_points import FIELDS, ChargePointInput, take_charge_points
from infra_notifications.services.expectations import expectation_of
from infra_notifications.services.messages import take_messages
from infra_notifications.services.payloads import values_of
from infra_notifications.services.signals import take_signals
from outbox.services.mailing_lists.addresses import MAX_ADDRESSES

router = Router()
READ, WRITE = ScopedKey("charging:read"), ScopedKey("charging:write")
MAX_MEMBERS = 100_000

# What is left out where it cannot be read.
_ENVELOPE = ("id", "received_at", "protocol")
_BESIDE = ("id", "received_at", "occurred_at", "detail")
_messages = BatchEndpoint[OcppMessage](
    OcppMessage, take_messages, blanks={"action": ""}, spare=_ENVELOPE, envelope=envelopes.MESSAGE
)
_signals = BatchEndpoint[SignalMessage](SignalMessage, take_signals, spare=_BESIDE, envelope=envelopes.SIGNAL)
_points = BatchEndpoint[ChargePointInput](ChargePointInput, take_charge_points, envelope=envelopes.PLAIN)


@router.post(
    "/messages",
    auth=WRITE,
    summary="OCPP messages as they were on the wire",
    openapi_extra=batch_openapi(
        OcppMessage,
        {
            "OCPP 1.6": {
                "charge_point": "DE*ABC*E0001*1",
                "protocol": "ocpp1.6",
                "action": "StatusNotification",
                "payload": {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"},
            },
            "any sign of life": {"station": "CP-0001", "protocol": "ocpp2.0.1", "action": "Heartbeat", "payload": {}},
        },
    ),
)
def post_messages(request: HttpRequest) -> HttpResponse:
    """Takes one message or a batch of up to 1,000; answers after the commit. Any action proves life.

    Other spellings of actions, fields, statuses and versions, payloads that are wrapped once more and OCPP-J frames as
    payload are read, and `warnings` says how. `rejected` names unknown senders, actions of no OCPP version and requests
    that lack their required fields. The same `id` with the same content, of the same station, is a duplicate.
    """
    return _messages.answer(request)


@router.post(
    "/signals",
    auth=WRITE,
    summary="Cases raised and cleared, in the neutral form",
    openapi_extra=batch_openapi(
        SignalMessage,
        {
            "raised": {
                "charge_point": "DE*ABC*E0001*1",
                "case": "SENSORS",
                "state": "raised",
                "detail": "door open",
            },
            "of a station's connector": {
                "station": "CP-0001",
                "connector": 1,
                "case": "FUSE_TRIPPED",
                "state": "cleared",
            },
        },
    ),
)
def post_signals(request: HttpRequest) -> HttpResponse:
    """Takes one signal or a batch of up to 1,000; answers after the commit."""
    return _signals.answer(request)


# ---- charge points --------------------------------------------------------------------------------------------


def serialize_charge_point(point: ChargePoint) -> dict[str, Any]:
    state, expected = getattr(point, "state", None), expectation_of(point)
    return {
        **values_of(point, ("evse_id", *FIELDS)),
        "interval_s": expected.interval_s,
        "interval_source": expected.source.value,
        "silent_after_s": expected.silence_s,
        "silent_at": rfc3339(state.silent_at) if state else None,
        "clock_error_s": state.clock_error_s if state else None,
        "last_seen": rfc3339(state.last_seen) if state else None,
        "connectivity": state.connectivity if state else "never",
        "status": state.status if state else "",
        "ocpp_version": state.ocpp_version if state else "",
        "availability_percent": point.availability_percent,  # type: ignore[attr-defined] # attached by prepare
        "maintenance_percent": point.maintenance_percent,  # type: ignore[attr-defined]
    }


def point_named(evse_id: str) -> ChargePoint:
    """The charge point of an EVSE id in any spelling. Raises Http404."""
    return get_object_or_404(selectors.charge_points(), pk=id_in_address(evse_id))


def _measure(points: Sequence[ChargePoint]) -> None:
    attach_availability(points, timezone.now())


@router.put(
    "/charge-points",
    auth=WRITE,
    summary="Insert or update charge points by EVSE id",
    openapi_extra=batch_openapi(ChargePointInput),
)
def put_charge_points(request: HttpRequest) -> HttpResponse:
    """Inserts or updates a batch of up to 1,000 by `evse_id` (case ignored); fields left out stay as they are."""
    return _points.answer(request)


@router.get("/charge-points", auth=READ, summary="Charge points, by Magic Search")
def list_charge_points(
    request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    found = selectors.charge_points().filter(CHARGE_POINT_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_charge_point, prepare=_measure, descending=False)


@router.get("/charge-points/{path:evse_id}", auth=READ, summary="One charge point")
def get_charge_point(request: HttpRequest, evse_id: str) -> dict[str, Any]:
    """Case and separators of the EVSE id do not count, nor whether it is escaped once more than an address needs."""
    point = point_named(evse_id)
    _measure([point])
    return serialize_charge_point(point)


# ---- groups ---------------------------------------------------------------------------------------------------


class GroupIn(ConfigurationIn):
    """A notification group. `hold_off_s` maps a case to seconds; what is not named has its default.

    `digest_time` ("07:00") asks for one mail a day at that time instead of single ones. `time_zone` (IANA) is that of
    the digest and of the times in mails; answers to mails go to `reply_to`.
    """

    name: str
    description: str = ""
    emails: list[str] = Field(default_factory=list, max_length=MAX_ADDRESSES)
    cases: list[str] = Field(default_factory=all_cases)
    hold_off_s: dict[str, int] = Field(default_factory=dict)
    notify_recovery: bool = True
    reminder_s: int | None = None
    language: str = Language.ENGLISH.value
    digest_time: str | None = None
    time_zone: str = ""
    reply_to: str = ""
    charge_points: list[str] = Field(default_factory=list, max_length=MAX_MEMBERS)


class GroupPatch(ConfigurationIn):
    """What is to change; everything may be left out. `charge_points` replaces the members."""

    name: str | None = None
    description: str | None = None
    emails: list[str] | None = Field(default=None, max_length=MAX_ADDRESSES)
    cases: list[str] | None = None
    hold_off_s: dict[str, int] | None = None
    notify_recovery: bool | None = None
    reminder_s: int | None = None
    language: str | None = None
    digest_time: str | None = None
    time_zone: str | None = None
    reply_to: str | None = None
    charge_points: list[str] | None = Field(default=None, max_length=MAX_MEMBERS)


class MembersIn(ConfigurationIn):
    """Charge points by EVSE id, or all that a Magic Search finds."""

    charge_points: list[str] | None = Field(default=None, max_length=MAX_MEMBERS)
    q: str | None = None


def serialize_group(group: NotificationGroup) -> dict[str, Any]:
    if not hasattr(group, "member_count"):
        selectors.attach_counts([group])
    return {
        "id": group.pk,
        "name": group.name,
        "description": group.description,
        "emails": [row.address for row in group.addresses.all()],
        "cases": list(group.cases),
        "hold_off_s": {case: group.hold_off_of(case) for case in all_cases()},
        "notify_recovery": group.notify_recovery,
        "reminder_s": group.reminder_s,
        "language": group.language,
        "digest_time": f"{group.digest_time:%H:%M}" if group.digest_time else None,
        "time_zone": group.time_zone,
        "reply_to": group.reply_to,
        "charge_points": group.member_count,  # type: ignore[attr-defined]
        "open_incidents": group.open_count,  # type: ignore[attr-defined]
        "last_notified_at": rfc3339(group.last_notified_at),
        "created_at": rfc3339(group.created_at),
    }


def _ids_of(evse_ids: list[str]) -> list[int]:
    """The charge points of these EVSE ids. Raises Problem 422 that points to each unknown one."""
    wanted = {identity_key(evse_id): index for index, evse_id in enumerate(evse_ids)}
    found = ids_by_evse(wanted)
    unknown = [(index, key) for key, index in wanted.items() if key not in found]
    if unknown:
        errors = [{"pointer": f"/charge_points/{i}", "detail": f"unknown charge point {k}"} for i, k in unknown[:100]]
        raise Problem(422, f"{len(unknown)} charge points are unknown; create them first.", errors)
    return list(dict.fromkeys(found.values()))


@router.get("/groups", auth=READ, summary="Notification groups")
def list_groups(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    found = selectors.counted_groups().filter(GROUP_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_group, descending=False)


@router.post("/groups", auth=WRITE, response={201: dict[str, Any]}, summary="Make a notification group")
def create_group(request: HttpRequest, body: GroupIn) -> Status[dict[str, Any]]:
    given = body.model_dump()
    emails, members = given.pop("emails"), _ids_of(given.pop("charge_points"))
    with audited_by(key_of(request)):
        group = group_services.create_group(settings=given, emails=emails, charge_point_ids=members)
    return Status(201, serialize_group(group))


@router.get("/groups/{group_id}", auth=READ, summary="One notification group")
def get_group(request: HttpRequest, group_id: int) -> dict[str, Any]:
    return serialize_group(get_object_or_404(NotificationGroup, pk=group_id))


@router.patch("/groups/{group_id}", auth=WRITE, summary="Change a notification group")
def patch_group(request: HttpRequest, group_id: int, body: GroupPatch) -> dict[str, Any]:
    group = get_object_or_404(NotificationGroup, pk=group_id)
    given = body.model_dump(exclude_unset=True)
    emails, members = given.pop("emails", None), given.pop("charge_points", None)
    given = {key: value for key, value in given.items() if value is not None or key in ("reminder_s", "digest_time")}
    ids = _ids_of(members) if members is not None else None
    with audited_by(key_of(request)):
        group_services.update_group(group=group, settings=given, emails=emails, now=timezone.now(), members=ids)
    return serialize_group(group)


@router.delete("/groups/{group_id}", auth=WRITE, response={204: None}, summary="Delete a notification group")
def delete_group(request: HttpRequest, group_id: int) -> Status[None]:
    group = get_object_or_404(NotificationGroup, pk=group_id)
    with audited_by(key_of(request)):
        group_services.delete_group(group=group, now=timezone.now())
    return Status(204, None)


def _members_asked(body: MembersIn) -> list[int]:
    """The charge points that a body names. Raises Problem 422 when it names none or both ways."""
    if (body.charge_points is None) == (body.q is None):
        raise Problem(422, "Give either `charge_points` (EVSE ids) or `q` (a Magic Search).")
    if body.charge_points is not None:
        return _ids_of(body.charge_points)
    found = selectors.charge_points().filter(CHARGE_POINT_SEARCH.condition(body.q or ""))
    ids = list(found.values_list("pk", flat=True)[: MAX_MEMBERS + 1])
    if len(ids) > MAX_MEMBERS:
        raise Problem(422, f"The search finds more than {MAX_MEMBERS} charge points; narrow it.")
    check_found(ids, body.q or "")
    return ids


@router.put("/groups/{group_id}/members", auth=WRITE, summary="Make these the members")
def put_members(request: HttpRequest, group_id: int, body: MembersIn) -> dict[str, Any]:
    group, ids = get_object_or_404(NotificationGroup, pk=group_id), _members_asked(body)
    with audited_by(key_of(request)):
        group_services.replace_members(group=group, charge_point_ids=ids)
    return serialize_group(group)


@router.post("/groups/{group_id}/members", auth=WRITE, summary="Add members")
def add_members(request: HttpRequest, group_id: int, body: MembersIn) -> dict[str, Any]:
    group, ids = get_object_or_404(NotificationGroup, pk=group_id), _members_asked(body)
    with audited_by(key_of(request)):
        group_services.add_members(group=group, charge_point_ids=ids)
    return serialize_group(group)


@router.delete("/groups/{group_id}/members", auth=WRITE, summary="Remove members")
def remove_members(request: HttpRequest, group_id: int, body: MembersIn) -> dict[str, Any]:
    group, ids = get_object_or_404(NotificationGroup, pk=group_id), _members_asked(body)
    with audited_by(key_of(request)):
        group_services.remove_members(group=group, charge_point_ids=ids)
    return serialize_group(group)


@router.get("/groups/{group_id}/members", auth=READ, summary="The members of a group")
def list_members(
    request: HttpRequest, group_id: int, q: str = "", limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    group = get_object_or_404(NotificationGroup, pk=group_id)
    found = selectors.member_points(group).filter(CHARGE_POINT_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_charge_point, prepare=_measure, descending=False)


# ---- incidents ------------------------------------------------------------------------------------------------


def serialize_incident(incident: Incident) -> dict[str, Any]:
    acknowledged = getattr(incident, "acknowledgement", None)
    return {
        "id": incident.pk,
        "charge_point": incident.charge_point.evse_id,
        "case": incident.case,
        "opened_at": rfc3339(incident.opened_at),
        "received_at": rfc3339(incident.opened_received_at),
        "closed_at": rfc3339(incident.closed_at),
        "close_reason": incident.close_reason,
        "said": incident.said,
        "repeats": incident.repeats,
        "last_raised_at": rfc3339(incident.last_raised_at),
        "acknowledged_at": rfc3339(acknowledged.at) if acknowledged else None,
        "acknowledged_by": acknowledged.author if acknowledged else None,
    }


@router.get("/incidents", auth=READ, summary="Incidents, newest first")
def list_incidents(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    found = selectors.incidents().filter(INCIDENT_SEARCH.condition(q))
    return page_of(found, limit=limit, cursor=cursor, shape=serialize_incident)


@router.get("/incidents/{incident_id}", auth=READ, summary="One incident, and who was told or why not")
def get_incident(request: HttpRequest, incident_id: int) -> dict[str, Any]:
    incident = get_object_or_404(selectors.incidents(), pk=incident_id)
    notifications = [
        {
            "group": notification.group_id,
            "group_name": notification.group_name,
            "kind": notification.kind,
            "state": notification.state,
            "reason": notification.reason,
            "explanation": str(notification.get_reason_display()) if notification.reason else "",
            "due_at": rfc3339(notification.due_at),
            "decided_at": rfc3339(notification.decided_at),
        }
        for notification in selectors.notifications_of(incident)
    ]
    ignored = [
        {
            "received_at": rfc3339(message.received_at),
            "device_time": rfc3339(message.occurred_at),
            "action": message.action,
            "explanation": str(message.get_verdict_display()),
        }
        for message in selectors.ignored_clears(incident)
    ]
    return serialize_incident(incident) | {"notices": notifications, "ignored_clears": ignored}


class AcknowledgeIn(Schema):
    """What is to be noted beside the acknowledgement."""

    note: str = ""


@router.post("/incidents/{incident_id}/acknowledge", auth=WRITE, summary="Acknowledge an incident: no more reminders")
def acknowledge_incident(request: HttpRequest, incident_id: int, body: AcknowledgeIn | None = None) -> dict[str, Any]:
    """Idempotent: what is acknowledged stays as it is. 409 when the incident is closed."""
    incident, key = get_object_or_404(Incident, pk=incident_id), key_of(request)
    if not incident.is_open:
        raise Problem(409, "The incident is closed; there is nothing to take care of any more.")
    note = body.note if body is not None else ""
    acknowledge_incidents(incident_ids=[incident.pk], author=f"API: {key.name}", note=note, now=timezone.now())
    return get_incident(request, incident_id)

"""Fleet remotes for machines: vehicles, callbacks, commands; and the endpoint of the vendor's callbacks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from ninja import Schema, Status
from pydantic import BeforeValidator, Field

from core import rates
from core.api import (
    ConfigurationIn,
    Problem,
    Router,
    ScopedKey,
    audited_by,
    key_of,
    page_of,
    problem_response,
    raw_body,
    rfc3339,
    serialize,
)
from core.batches import batch_openapi
from core.combine import Combiner
from core.ingest import BatchEndpoint
from core.keys import refuse, slow_down
from core.permissions import public
from fleet_remotes import selectors
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.catalogue.words import CALLBACK_STATUS
from fleet_remotes.choices import CallbackStatus, State
from fleet_remotes.ingest.commands import CommandError, read_command
from fleet_remotes.models import Callback, Fleet, FleetVehicle, RemoteAction
from fleet_remotes.rules.budget import Budget, Forecast
from fleet_remotes.rules.status import ActionStatus
from fleet_remotes.search import ACTION_SEARCH, VEHICLE_SEARCH
from fleet_remotes.services import callbacks as callback_services
from fleet_remotes.services import commands, registration
from fleet_remotes.services.callbacks import Body
from fleet_remotes.services.outcomes import explanation_of
from fleet_remotes.services.vehicles import SIDE_FIELDS, VEHICLE_NAMES, VehicleInput, fleet_named, take_vehicles

log = structlog.get_logger("signalbox.remotes")
router = Router()
READ, WRITE = ScopedKey("remotes:read"), ScopedKey("remotes:write")

_vehicles = BatchEndpoint[VehicleInput](VehicleInput, take_vehicles, spare=SIDE_FIELDS, envelope=VEHICLE_NAMES)
_take_bodies = Combiner[Body, None](callback_services.take_bodies)


# ---- the vendor's callbacks ----------------------------------------------------------------------------------------


@csrf_exempt
@public
@require_POST
def receive_callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a callback: 200 with an empty body once it is stored, whatever it says; 401 on a wrong header.

    Anything but 2xx makes the vendor send it again for 72 hours, so a wrong secret or a database that is away loses
    nothing. An unknown slug is answered like a wrong header.
    """
    now = timezone.now()
    try:
        callback = Callback.objects.filter(slug=slug).first()
        if callback is None or not callback_services.header_matches(
            callback, request.headers.get(callback.header_name, "")
        ):
            refusal = refuse(request, "callback", "Send the header that was registered with this callback.")
            if callback is not None and refusal.status == 401:
                callback_services.count_refused(callback=callback, now=now)
            raise refusal
        slow_down(request, rates.of_key(f"callback:{callback.pk}"), "callback")
        body = raw_body(request)
        _take_bodies.submit(Body(callback.pk, body, now))
    except Problem as problem:
        return problem_response(problem)
    except DatabaseError as error:
        log.error("a callback was not stored", slug=slug, error=str(error).strip())
        return problem_response(Problem(500, "It was not stored; send it again."))
    return HttpResponse(status=200)


# ---- vehicles -------------------------------------------------------------------------------------------------


_VEHICLE_FIELDS = (
    "vin vehicle_id brand model plate name capabilities privacy battery_level is_stolen facts_at wakeup_budget "
    "wakeup_learnt tags"
)


def serialize_vehicle(vehicle: FleetVehicle) -> dict[str, Any]:
    return serialize(vehicle, *_VEHICLE_FIELDS.split()) | {"fleet": vehicle.fleet.key}


@router.put(
    "/vehicles", auth=WRITE, summary="Insert or update vehicles by VIN", openapi_extra=batch_openapi(VehicleInput)
)
def put_vehicles(request: HttpRequest) -> HttpResponse:
    """Inserts or updates a batch of up to 1,000 by `vin`; fields left out stay as they are, and so do those that cannot
    be read, which is warned of. A fleet that there is not is made where `new_fleet` is true."""
    return _vehicles.answer(request)


@router.get("/vehicles", auth=READ, summary="Vehicles, by Magic Search")
def list_vehicles(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = selectors.vehicles().filter(VEHICLE_SEARCH.condition(q))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_vehicle, descending=False)


@router.get("/vehicles/{vin}", auth=READ, summary="One vehicle, with its wake-up budget")
def get_vehicle(request: HttpRequest, vin: str) -> dict[str, Any]:
    vehicle = get_object_or_404(selectors.vehicles(), vin=vin.upper())
    now = timezone.now()
    selectors.attach_budgets([vehicle], now)
    budget: Budget = vehicle.budget  # type: ignore[attr-defined]
    forecast: Forecast = vehicle.forecast  # type: ignore[attr-defined]
    wakeups: dict[str, Any] = {
        "used": budget.used,
        "budget": budget.effective,
        "left": budget.left,
        "refused": budget.refused,
    }
    wakeups |= {"at_month_end": forecast.at_month_end, "used_up_on": forecast.used_up_on}
    awake_until = selectors.awake_until([vehicle], now).get(vehicle.pk)
    return serialize_vehicle(vehicle) | {"wakeups": wakeups, "awake_until": rfc3339(awake_until)}


# ---- callbacks ------------------------------------------------------------------------------------------------


class HeaderIn(ConfigurationIn):
    """The static header by which the vendor proves itself. Without `value` one is generated and shown once."""

    name: str = "Authorization"
    value: str = ""


class CallbackIn(ConfigurationIn):
    """A callback. `callback_id` is the vendor's, where it is registered there already; with `new_fleet` its fleet is
    made."""

    slug: str
    fleet: str
    new_fleet: bool = False
    header: HeaderIn = Field(default_factory=HeaderIn)
    callback_id: str = ""
    batch_window_s: int = Field(default=0, ge=0, le=86_400)
    silent_after_s: int = Field(default=900, ge=60, le=2_592_000)


_CALLBACK_FIELDS = "slug callback_id status batch_window_s last_received_at silent_since duplicates refused"


def serialize_callback(callback: Callback) -> dict[str, Any]:
    return serialize(callback, *_CALLBACK_FIELDS.split()) | {
        "id": callback.pk,
        "fleet": callback.fleet.key,
        "path": f"/api/v1/remotes/callbacks/{callback.slug}",
        "header": {"name": callback.header_name},
        "received": callback.events,
    }


@router.post("/callbacks", auth=WRITE, response={201: dict[str, Any]}, summary="Make a callback for a fleet")
def create_callback(request: HttpRequest, body: CallbackIn) -> Status[dict[str, Any]]:
    if len(body.callback_id) > 128:
        raise Problem(
            422, "This is no id of the vendor.", [{"pointer": "/callback_id", "detail": "up to 128 characters"}]
        )
    with audited_by(key_of(request)):
        fleet = fleet_named(key=body.fleet, is_new=body.new_fleet)
        callback, value = callback_services.create_callback(
            slug=body.slug,
            fleet=fleet,
            header_name=body.header.name,
            header_value=body.header.value,
            callback_id=body.callback_id,
            batch_window_s=body.batch_window_s,
            silent_after_s=body.silent_after_s,
        )
    answer = serialize_callback(callback)
    if not body.header.value.strip():
        answer["header"]["value"] = value
    return Status(201, answer)


@router.get("/callbacks", auth=READ, summary="Callbacks and how they are")
def list_callbacks(request: HttpRequest, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    return page_of(selectors.callbacks(), limit=limit, cursor=cursor, shape=serialize_callback, descending=False)


class RegistrationIn(ConfigurationIn):
    """Registers a callback: the vendor is told the header's value, which is stored nowhere."""

    header_value: str


def _status_meant(said: Any) -> Any:
    return (CALLBACK_STATUS.read(said) or said) if isinstance(said, str) else said


class RegistrationChangeIn(ConfigurationIn):
    """What is to change; the rest stays. With `rotate` the header gets `header_value`, or a random value."""

    batch_window_s: int | None = Field(default=None, ge=0, le=86_400)
    silent_after_s: int | None = Field(default=None, ge=60, le=2_592_000)
    status: Annotated[Literal["Running", "Paused"] | None, BeforeValidator(_status_meant)] = None
    rotate: bool = False
    header_value: str = ""


def _callback(slug: str) -> Callback:
    return get_object_or_404(selectors.callbacks(), slug=slug)


@router.post("/callbacks/{slug}/registration", auth=WRITE, summary="Register a callback with the vendor")
def register_callback(request: HttpRequest, slug: str, body: RegistrationIn) -> dict[str, Any]:
    callback = _callback(slug)
    with audited_by(key_of(request)):
        registration.register_callback(callback=callback, header_value=body.header_value)
    return serialize_callback(callback)


@router.put("/callbacks/{slug}/registration", auth=WRITE, summary="Update, pause, resume a callback, rotate its header")
def change_registration(request: HttpRequest, slug: str, body: RegistrationChangeIn) -> dict[str, Any]:
    """Changes a callback here and, once it is registered, at the vendor. After `rotate` each earlier value is taken
    for three more days. A body without fields brings the vendor up to date: address, commands, tries for three days."""
    callback, value = _callback(slug), ""
    if body.header_value and not body.rotate:
        sentence = "The header gets another value by `rotate` alone; without it this one would be without effect."
        raise Problem(422, sentence, [{"pointer": "/header_value", "detail": sentence}])
    with audited_by(key_of(request)):
        if body.rotate:
            value = registration.rotate_header(callback=callback, now=timezone.now(), header_value=body.header_value)
        if body.status:
            registration.set_status(callback=callback, status=CallbackStatus(body.status))
        if not (body.rotate or body.status) or body.batch_window_s is not None or body.silent_after_s is not None:
            registration.update_callback(
                callback=callback, batch_window_s=body.batch_window_s, silent_after_s=body.silent_after_s
            )
    answer = serialize_callback(callback)
    if value and not body.header_value.strip():
        answer["header"]["value"] = value
    return answer


@router.delete("/callbacks/{slug}/registration", auth=WRITE, summary="Delete a callback at the vendor")
def delete_registration(request: HttpRequest, slug: str) -> dict[str, Any]:
    """Deletes the registration; what the callback brought stays, and it can be registered anew."""
    callback = _callback(slug)
    with audited_by(key_of(request)):
        registration.delete_at_vendor(callback=callback)
    return serialize_callback(callback)


@router.get("/fleets/{fleet}/callbacks", auth=READ, summary="Callbacks of a fleet that the vendor knows")
def list_vendors_callbacks(request: HttpRequest, fleet: str) -> dict[str, Any]:
    found = registration.list_at_vendor(fleet=get_object_or_404(Fleet, key=fleet))
    return {
        "items": [
            serialize(one, "id", "status", "label", "target", "retries") | {"slug": one.ours.slug if one.ours else None}
            for one in found
        ]
    }


# ---- commands -------------------------------------------------------------------------------------------------


class ActionIn(Schema):
    """A command to one vehicle. `parameters` are spelled as the vendor spells them, without the action's own key."""

    vin: str
    type: str
    parameters: dict[str, Any] | None = None
    reason: str = ""


class ConfirmIn(Schema):
    """The second confirmation of a dangerous command."""

    code: str


_ACTION_FIELDS = (
    "parameters reason requested_by state since cause feedback inferred conflict remote_action_id created_at "
    "submitted_at"
)
_MOMENT_FIELDS = "at source detail took_s received_at duplicates flags"


def serialize_action(action: RemoteAction) -> dict[str, Any]:
    meaning, todo = explanation_of(action)
    error = {
        "status": action.http_status,
        "code": action.error_code,
        "message": action.error_text,
        "uuid": action.error_uuid,
    }
    return serialize(action, *_ACTION_FIELDS.split()) | {
        "id": action.pk,
        "vin": action.vehicle.vin,
        "fleet": action.fleet.key,
        "type": action.kind,
        "summary": summary_of(action.kind, action.parameters),
        "is_final": action.is_terminal and action.state != State.UNCONFIRMED,
        "explanation": meaning,
        "suggestion": todo,
        "confirmed_late_after_s": ActionStatus.of(action).confirmed_late_after_s,
        "not_before": rfc3339(action.not_before) if action.state == State.QUEUED else None,
        "error": error if action.http_status else None,
        "retry_of": action.retry_of_id,
        "resolved_by": action.resolved_by_id,
        "batch": action.batch_id,
    }


def _with_timeline(action: RemoteAction) -> dict[str, Any]:
    timeline = [
        serialize(moment, *_MOMENT_FIELDS.split()) | {"what": moment.title, "verdict": moment.verdict or None}
        for moment in selectors.timeline_of(action)
    ]
    return serialize_action(action) | {"expected_next": selectors.expected_next(action), "timeline": timeline}


def _vehicle(vin: str) -> FleetVehicle:
    vehicle = selectors.vehicles().filter(vin=vin.strip().upper()).first()
    if vehicle is None:
        raise Problem(
            422,
            "No fleet has this vehicle; add it with PUT /remotes/vehicles.",
            [{"pointer": "/vin", "detail": "unknown vehicle"}],
        )
    return vehicle


def _by(request: HttpRequest) -> str:
    return f"API: {key_of(request).name}"


@router.post("/actions", auth=WRITE, response={202: dict[str, Any]}, summary="Send a command to a vehicle")
def post_action(request: HttpRequest, body: ActionIn) -> Status[dict[str, Any]]:
    """Queues a command after its checks; 409 says which of them refused.

    Unlocking, immobilising and declaring stolen need a `reason`, and a second confirmation: the action comes back as a
    draft with a code, and is sent after `POST /remotes/actions/{id}/confirm` with that code within ten minutes.
    """
    vehicle = _vehicle(body.vin)
    try:
        command = read_command(body.type, body.parameters)
        action, code = commands.place_command(
            vehicle=vehicle, command=command, reason=body.reason, by=_by(request), now=timezone.now(), confirmed=False
        )
    except CommandError as error:
        raise Problem(422, str(error), [{"pointer": error.pointer, "detail": str(error)}]) from error
    answer = _with_timeline(action)
    if code:
        answer["confirmation"] = {"code": code, "until": rfc3339(action.expires_at)}
    return Status(202, answer)


@router.get("/actions", auth=READ, summary="Actions, newest first, by Magic Search")
def list_actions(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = selectors.actions().filter(ACTION_SEARCH.condition(q))
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_action)


@router.get("/actions/{action_id}", auth=READ, summary="One action with its timeline")
def get_action(request: HttpRequest, action_id: int) -> dict[str, Any]:
    return _with_timeline(get_object_or_404(selectors.actions(), pk=action_id))


@router.post("/actions/{action_id}/confirm", auth=WRITE, response={202: dict[str, Any]}, summary="Confirm a draft")
def confirm_action(request: HttpRequest, action_id: int, body: ConfirmIn) -> Status[dict[str, Any]]:
    action = get_object_or_404(selectors.actions(), pk=action_id)
    commands.confirm_command(action=action, code=body.code, by=_by(request), now=timezone.now())
    return Status(202, _with_timeline(get_object_or_404(selectors.actions(), pk=action_id)))


@router.post("/actions/{action_id}/cancel", auth=WRITE, summary="Cancel what is not yet sent")
def cancel_action(request: HttpRequest, action_id: int) -> dict[str, Any]:
    """Cancels an action that waits. 409 when the vendor has it: its API knows no cancelling."""
    action = get_object_or_404(selectors.actions(), pk=action_id)
    cancelled = commands.cancel_action(action=action, now=timezone.now(), by=_by(request))
    action = get_object_or_404(selectors.actions(), pk=action_id)
    if not cancelled and action.state != State.CANCELLED:
        raise Problem(409, commands.why_not_cancelled(action))
    return _with_timeline(action)

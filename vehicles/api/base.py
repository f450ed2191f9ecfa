"""Vehicles for machines: facts and platforms' webhooks in; drivers and their notifications out."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import structlog
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from msgspec import UNSET
from ninja import Status
from pydantic import Field

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
from core.field_types import Envelope
from core.ingest import BatchEndpoint
from core.keys import refuse, slow_down
from core.people import hides_id, shown, shown_id
from core.permissions import public
from core.words import name_among
from vehicles import selectors
from vehicles.catalogue import TYPES
from vehicles.choices import SHOWN, DriverChannel, NotificationState, StepKind
from vehicles.ingest import AnyFact, IncomingFact
from vehicles.ingest.openapi import FACTS_OPENAPI
from vehicles.models import Driver, DriverNotification, NotificationStep, VehicleSource
from vehicles.search import DRIVER_SEARCH, NOTIFICATION_SEARCH
from vehicles.services import notifications as services
from vehicles.services import sources as source_services
from vehicles.services.intake import take_facts
from vehicles.services.looks import Looks
from vehicles.services.notifying import link_facts
from vehicles.services.policies import policies_in_force

log = structlog.get_logger("signalbox.vehicles")
router = Router()
READ, WRITE = ScopedKey("vehicles:read"), ScopedKey("vehicles:write")

# What stands beside the data of a fact, where its type can do without.
_BESIDE = ("id", "occurred_at", "driver", "account", "vehicle", "location")
_facts = BatchEndpoint[IncomingFact](AnyFact, take_facts, spare=_BESIDE, within="data", envelope=Envelope(warns=True))


@router.post(
    "/facts", auth=WRITE, summary="Facts about drivers, cars, contracts, sessions", openapi_extra=FACTS_OPENAPI
)
def post_facts(request: HttpRequest) -> HttpResponse:
    """Takes one fact or a batch of up to 1,000, in any order, repeated or late; answers after the commit.

    What a fact names for the first time is made from it.
    """
    return _facts.answer(request)


@router.get("/notification-types", auth=READ, summary=f"The {len(TYPES)} notifications")
def list_types(request: HttpRequest) -> list[dict[str, Any]]:
    """Each with its channel and, as operators set them, all its channels, thresholds and cooldown."""
    policies, living = policies_in_force(), selectors.shown_counts()
    return [
        {
            "name": entry.name,
            "description": entry.description,
            "channel": policies[entry.name].ways[0],
            "severity": entry.severity.value,
            "category": entry.category.value,
            "kind": entry.kind.value,
            "channels": list(policies[entry.name].ways),
            "enabled": policies[entry.name].enabled,
            "trigger": str(entry.trigger),
            "key": str(entry.key),
            "clear": str(entry.clear),
            "cooldown_s": int(policies[entry.name].cooldown.total_seconds()),
            "thresholds": dict(policies[entry.name].thresholds),
            "open": living.get(entry.name, 0),
        }
        for entry in TYPES.values()
    ]


# ---- platforms ------------------------------------------------------------------------------------------------------


class SourceIn(ConfigurationIn):
    """A platform that pushes. Without `secret` one is generated and shown once; Smartcar's is its management token."""

    slug: str
    platform: str
    secret: str = ""
    enabled: bool = True
    silent_after_s: int = Field(default=86_400, ge=60, le=31_536_000)


class SourceChanges(ConfigurationIn):
    """What of a source is to be changed; what is left out stays."""

    secret: str | None = None
    enabled: bool | None = None
    silent_after_s: int | None = Field(default=None, ge=60, le=31_536_000)


_SOURCE_FIELDS = "slug platform enabled silent_after_s received facts refused last_received_at last_refused_at"


def serialize_source(source: VehicleSource) -> dict[str, Any]:
    return serialize(source, *_SOURCE_FIELDS.split()) | {
        "id": source.pk,
        "path": f"/api/v1/vehicles/sources/{source.slug}",
        "state": selectors.source_state(source, timezone.now()),
        "not_understood": [{"note": text} | count for text, count in source.notes.items()],
    }


@router.get("/platforms", auth=READ, summary="Platforms that push, and how they are")
def list_platforms(request: HttpRequest, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    rows = VehicleSource.objects.all()
    return page_of(rows, limit=limit, cursor=cursor, shape=serialize_source, descending=False)


@router.post("/platforms", auth=WRITE, response={201: dict[str, Any]}, summary="Make an address for a platform")
def create_platform(request: HttpRequest, body: SourceIn) -> Status[dict[str, Any]]:
    with audited_by(key_of(request)):
        source, secret = source_services.create_source(**body.model_dump())
    answer = serialize_source(source)
    return Status(201, answer if body.secret.strip() else answer | {"secret": secret})


@router.get("/platforms/{source_slug}", auth=READ, summary="One platform, and what of it was not understood")
def get_platform(request: HttpRequest, source_slug: str) -> dict[str, Any]:
    return serialize_source(get_object_or_404(VehicleSource, slug=source_slug))


@router.patch("/platforms/{source_slug}", auth=WRITE, summary="Change a platform's secret, or switch it off")
def patch_platform(request: HttpRequest, source_slug: str, body: SourceChanges) -> dict[str, Any]:
    source = get_object_or_404(VehicleSource, slug=source_slug)
    changes = {name: value for name, value in body.model_dump().items() if value is not None}
    with audited_by(key_of(request)):
        return serialize_source(source_services.change_source(source=source, **changes))


@router.delete("/platforms/{source_slug}", auth=WRITE, response={204: None}, summary="Delete a platform's address")
def delete_platform(request: HttpRequest, source_slug: str) -> Status[None]:
    with audited_by(key_of(request)):
        get_object_or_404(VehicleSource, slug=source_slug).delete()
    return Status(204, None)


@csrf_exempt
@public
@require_POST
def receive_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a webhook of Smartcar or Enode: 200 once it is stored; 401 without the platform's right signature.

    A challenge is answered with its signature. What is not understood is stored and shown, never refused, so that the
    platform does not repeat it for hours.
    """
    try:
        return _receive(request, slug)
    except Problem as problem:
        return problem_response(problem)
    except DatabaseError as error:
        log.error("a platform's message was not stored", slug=slug, error=str(error).strip())
        return problem_response(Problem(503, "It was not stored; send it again."))


def _receive(request: HttpRequest, slug: str) -> HttpResponse:
    now, source = timezone.now(), VehicleSource.objects.filter(slug=slug).first()
    if source is None or not source.enabled:
        raise refuse(request, "webhook", "There is no platform at this address, or it is switched off.", why="unknown")
    platform, body = source_services.platform_of(source), raw_body(request)
    challenge = source_services.challenge_of(platform, body)
    if challenge is not None:
        return JsonResponse({"challenge": platform.sign(source.secret, challenge.encode())})
    if not platform.is_signed(source.secret, body, request.headers.get(platform.signature_header, "")):
        sentence = f"Sign the body in {platform.signature_header} with {platform.secret_name}."
        refusal = refuse(request, "webhook", sentence)
        if refusal.status == 401:
            source_services.count_refused(source=source, now=now)
        raise refusal
    slow_down(request, rates.of_key(f"source:{source.pk}"), "webhook")
    message = source_services.receive(source=source, body=body, now=now)
    return JsonResponse({"facts": message.facts, "notes": message.notes})


# ---- drivers --------------------------------------------------------------------------------------------------------


_DRIVER = (
    *("country", "language", "time_zone", "app_version", "push_enabled", "marketing_consent"),
    *("unwanted", "removed"),
)


def serialize_driver(driver: Driver) -> dict[str, Any]:
    quiet = {"from": str(driver.quiet_from), "until": str(driver.quiet_until)} if driver.quiet_from else None
    return {
        "id": driver.shown_id,
        "quiet_hours": quiet,
        "name": shown(driver.name),
        "email": shown(driver.email),
        **{name: getattr(driver, name) for name in _DRIVER},
    }


def driver_named(driver_id: str) -> Driver:
    """Raises Problem 403 for an id that is not shown to this key, whether there is such a driver or not."""
    if hides_id(driver_id):
        raise Problem(403, "Drivers whose id is an address or a number are told of to keys with personal:read.")
    return get_object_or_404(Driver, external_id=driver_id)


@router.get("/drivers", auth=READ, summary="Drivers, by Magic Search")
def list_drivers(request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
    drivers = Driver.objects.filter(DRIVER_SEARCH.condition(q))
    return page_of(drivers, limit=limit, cursor=cursor, shape=serialize_driver, descending=False)


_NOTIFICATION = ("type", "severity", "category", "state", "reason", "language", "repeats", "push_state")


class _Around:
    """What operators set around a notification's words: its link, and its programme's look. Read once per answer."""

    def __init__(self) -> None:
        self.policies, self.looks = policies_in_force(), Looks()

    def of(self, notification: DriverNotification) -> dict[str, Any]:
        program, policy = notification.driver.program, self.policies.get(notification.type)
        link = link_facts(policy, program) if policy is not None else UNSET
        look = self.looks.of(program).get("look")
        return {
            "link": msgspec.to_builtins(link) if link is not UNSET else None,
            "look": msgspec.to_builtins(look) if look is not None else None,
        }


def serialize_notification(notification: DriverNotification, around: _Around | None = None) -> dict[str, Any]:
    vehicle = notification.vehicle
    moments = ("created_at", "told_at", "read_at", "dismissed_at", "push_at", "ended_at")
    return {
        "id": notification.pk,
        "driver": notification.driver.shown_id,
        "vehicle": vehicle.shown_id if vehicle is not None else None,
        "subject": shown_id(notification.subject),
        "channel": notification.ways[0],
        "channels": notification.ways,
        "root_cause": notification.root,
        "program": notification.driver.program,
        "since": rfc3339(notification.begins),
        "title": notification.shown_title,
        "body": notification.shown_body,
        "facts": notification.shown_facts,
        **(around or _Around()).of(notification),
        **{name: getattr(notification, name) for name in _NOTIFICATION},
        **{name: rfc3339(getattr(notification, name)) for name in moments},
    }


@router.get("/drivers/{path:driver_id}/notifications", auth=READ, summary="A driver's notifications, newest first")
def driver_notifications(
    request: HttpRequest,
    driver_id: str,
    channel: str = "",
    state: str = "",
    limit: int = 100,
    cursor: str | None = None,
) -> dict[str, Any]:
    """`channel=banner&state=shown` are the banners to be shown now, read or not, until they are dismissed or over;
    `state` may name several, separated by commas."""
    driver = driver_named(driver_id)
    notifications = selectors.notifications().filter(driver=driver)
    shape = partial(serialize_notification, around=_Around())
    return page_of(_narrowed(notifications, channel, state), limit=limit, cursor=cursor, shape=shape)


def _narrowed(notifications: QuerySet[DriverNotification], channel: str, state: str) -> QuerySet[DriverNotification]:
    """Raises Problem 422 for a channel or state that there is not: a silent empty list would mislead."""
    channel = name_among(DriverChannel.values, channel)
    named = [name_among(("shown", *NotificationState.values), word) for word in state.split(",") if word.strip()]
    states = [one for name in named for one in (SHOWN if name == "shown" else (name,))]
    for pointer, words, choices in (
        ("/channel", [channel] if channel else [], DriverChannel),
        ("/state", states, NotificationState),
    ):
        for word in words:
            if word not in choices.values:
                raise Problem(
                    422,
                    f"There is no {pointer[1:]} “{word}”; there are {', '.join(choices.values)}.",
                    [{"pointer": pointer, "detail": f"one of {', '.join(choices.values)}"}],
                )
    notifications = notifications.filter(ways__contains=[channel]) if channel else notifications
    return notifications.filter(state__in=states) if states else notifications


# ---- notifications --------------------------------------------------------------------------------------------------


@router.get("/notifications", auth=READ, summary="Notifications, by Magic Search")
def list_notifications(
    request: HttpRequest, q: str = "", limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    notifications = selectors.notifications().filter(NOTIFICATION_SEARCH.condition(q))
    shape = partial(serialize_notification, around=_Around())
    return page_of(notifications, limit=limit, cursor=cursor, shape=shape)


def _detail(step: NotificationStep) -> str:
    """A note may name people; everything else is ours."""
    return str(shown(step.detail)) if step.kind == StepKind.NOTE else step.detail


@router.get("/notifications/{notification_id}", auth=READ, summary="One notification, and what happened to it")
def get_notification(request: HttpRequest, notification_id: int) -> dict[str, Any]:
    notification = get_object_or_404(selectors.notifications(), pk=notification_id)
    steps = [
        {"at": rfc3339(step.at), "what": step.kind, "reason": step.reason, "detail": _detail(step), "by": step.by}
        for step in selectors.steps_of(notification)
    ]
    return serialize_notification(notification) | {"steps": steps}


@router.post("/notifications/{notification_id}/read", auth=WRITE, summary="The driver has seen it")
def read_notification(request: HttpRequest, notification_id: int) -> dict[str, Any]:
    notification = get_object_or_404(selectors.notifications(), pk=notification_id)
    if not services.mark_read(notification=notification, now=timezone.now()):
        raise Problem(409, f"This notification is {notification.state}; only an open one can be read.")
    return serialize_notification(notification)


@router.post("/notifications/{notification_id}/dismiss", auth=WRITE, summary="The driver puts a banner away")
def dismiss_notification(request: HttpRequest, notification_id: int) -> dict[str, Any]:
    notification = get_object_or_404(selectors.notifications(), pk=notification_id)
    if DriverChannel.BANNER not in notification.ways:
        raise Problem(409, "Only a banner can be dismissed; mark this one as read.")
    if not services.dismiss(notification=notification, now=timezone.now()):
        raise Problem(409, f"This notification is {notification.state}; only one that is shown can be dismissed.")
    return serialize_notification(notification)

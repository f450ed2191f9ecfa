"""Device messages, and short ways to look at what was told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bikeshare.ingest.resources import ResourceBody
from bikeshare.ingest.telemetry import DeviceMessage
from bikeshare.models import Bike, LockBox, LockBoxState, Resource, TelemetryMessage, Trip
from bikeshare.services import resources
from bikeshare.services.specs import SPECS, Spec
from bikeshare.services.telemetry import take_telemetry
from core.ingest import Intake, Submission
from outbox.models import Event
from tests import clock

NOW = clock.NOW
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = 1


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# ---- doing ----------------------------------------------------------------------------------------------------------


def given(plural: str, **values: Any) -> ResourceBody:
    return SPECS[plural].body(**values)


def create(plural: str, *, now: datetime = NOW, **values: Any) -> Any:
    return resources.create(spec=SPECS[plural], body=given(plural, **values), now=now)


def spec_of(row: Resource) -> Spec:
    return next(spec for spec in SPECS.values() if spec.model is type(row))


def patch(row: Resource, *, now: datetime = NOW, **values: Any) -> Any:
    spec = spec_of(row)
    return resources.patch(spec=spec, pk=row.pk, body=spec.body(**values), now=now)


def delete(row: Resource, *, now: datetime = NOW, final: bool = False) -> Any:
    return resources.delete(spec=spec_of(row), pk=row.pk, now=now, final=final)


def message(of: LockBox | Bike | Trip | str, type: str, when: datetime = NOW, **more: Any) -> DeviceMessage:  # noqa: A002
    return DeviceMessage(boitier=number_of(of), type=type, at=when, **more)


def number_of(of: LockBox | Bike | Trip | str) -> str:
    if isinstance(of, Trip):
        of = of.vehicule
    if isinstance(of, Bike):
        assert of.boitier is not None
        of = of.boitier
    return of if isinstance(of, str) else of.number


def take(*messages: DeviceMessage, now: datetime = NOW, key: int = KEY) -> Intake:
    return take_telemetry(submissions=[Submission(key, list(enumerate(messages)))], now=now)[0]


def say(of: LockBox | Bike | Trip | str, type: str, when: datetime = NOW, **more: Any) -> Intake:  # noqa: A002
    """One message of a box, received when it was sent."""
    return take(message(of, type, when, **more), now=max(when, NOW))


# ---- looking --------------------------------------------------------------------------------------------------------


def told(topic: str = "") -> list[Event]:
    """What was published, in order."""
    found = Event.objects.order_by("id")
    return list(found.filter(kind=topic) if topic else found)


def topics() -> list[str]:
    return sorted(event.kind for event in told())


def last(topic: str) -> dict[str, Any]:
    """The payload of the last event of a topic."""
    payload: dict[str, Any] = told(topic)[-1].payload
    return payload


def state_of(of: LockBox | Bike | Trip) -> LockBoxState:
    return LockBoxState.objects.get(boitier__number=number_of(of))


def verdicts() -> list[str]:
    return list(TelemetryMessage.objects.order_by("id").values_list("verdict", flat=True))

"""A platform's webhooks in, pushes and mails out: each adapter the whole way, by bodies as platforms document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from outbox.models import Delivery
from tests.outbox.hooks import LOOPBACK, deliver, endpoint_at
from tests.outbox.receiver import Receiver
from tests.vehicles.helpers import EMAIL, driver, take
from tests.vehicles.test_platforms import enode_vehicle, error, make, send, signal, state
from vehicles.models import ChargingSession, VehicleSource

pytestmark = pytest.mark.usefixtures("committed")
PLUGGED = {"charge-ischargingcableconnected": True, "charge-ischarging": True}
UNPLUGGED = {"charge-ischargingcableconnected": False, "charge-ischarging": False}
Json = dict[str, Any]


@pytest.fixture
def backend(settings: Settings) -> Iterator[Receiver]:
    """The app's backend, for a driver who reads Dutch."""
    settings.OUTBOX_ALLOWED_NETWORKS = list(LOOPBACK.networks)
    with Receiver() as receiver:
        endpoint_at(receiver, "vehicle.notification.*")
        now = timezone.now()
        take(driver(now, driver="u-1", email=EMAIL, language="nl"), now=now)
        yield receiver


def iso(minutes: float) -> str:
    moment: datetime = timezone.now() + timedelta(minutes=minutes)
    return moment.isoformat()


def smartcar_state(name: str, minutes: float, values: Json) -> Json:
    at = iso(minutes)
    signals = [signal(code, value, at) for code, value in values.items()]
    signals.append(signal("tractionbattery-stateofcharge", 54, at, unit="percent"))
    return state(*signals, eventId=name, meta={"deliveryId": name, "deliveredAt": at})


def smartcar_error(word: str, minutes: float) -> Json:
    meta = {"deliveryId": word, "deliveredAt": iso(minutes)}
    return error("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", word, meta=meta)


def enode_state(minutes: float, *, plugged: bool, event: str = "user:vehicle:updated") -> list[Json]:
    charge = {
        "batteryLevel": 54,
        "isPluggedIn": plugged,
        "isCharging": plugged,
        "chargeRate": 7.4 if plugged else 0,
        "powerDeliveryState": "PLUGGED_IN:CHARGING" if plugged else "UNPLUGGED",
        "lastUpdated": iso(minutes),
    }
    return [enode_vehicle(event, charge) | {"createdAt": iso(minutes)}]


def enode_invalidated(minutes: float) -> list[Json]:
    gone = {"event": "user:credentials:invalidated", "user": {"id": "u-1"}, "vendor": "RENAULT"}
    return [gone | {"createdAt": iso(minutes)}]


LIVES: dict[str, list[Any]] = {
    "smartcar": [
        smartcar_state("plugged", -5, PLUGGED),
        smartcar_state("unplugged", -4, UNPLUGGED),
        smartcar_error("ERROR", -3),
        smartcar_error("RESOLVED", -2),
    ],
    "enode": [
        enode_state(-5, plugged=True, event="user:vehicle:discovered"),
        enode_state(-4, plugged=False),
        enode_invalidated(-3),
        enode_state(-2, plugged=False),
    ],
}


@pytest.mark.parametrize("platform", LIVES)
def test_what_a_platform_pushes_rings_mails_and_is_taken_away(backend: Receiver, platform: str) -> None:
    make(platform)
    for body in LIVES[platform]:
        answer = send(platform, body)
        assert (answer.status_code, answer.json()["notes"]) == (200, [])
    deliver()
    told = [(heard.event["type"].rpartition(".")[2], heard.event["data"]) for heard in backend.heard]
    assert sorted((kind, data["type"]) for kind, data in told) == [
        ("created", "InvalidCredentials"),
        ("created", "InvalidCredentialsBanner"),
        ("created", "UnmanagedSessionEnd"),
        ("created", "UnmanagedSessionStart"),
        ("resolved", "InvalidCredentials"),
        ("resolved", "InvalidCredentialsBanner"),
        ("resolved", "UnmanagedSessionStart"),
    ]
    titles = {data["type"]: data["title"] for kind, data in told if kind == "created"}
    assert titles["UnmanagedSessionStart"] == "Zonder slim laden"
    assert titles["InvalidCredentials"].startswith("Uw account")
    mail = Delivery.objects.get(channel="email")
    assert (mail.address, mail.language) == (EMAIL, "nl")
    session = ChargingSession.objects.get()
    assert (session.soc_start, session.end_reason) == (54, "unplugged")
    assert VehicleSource.objects.get().facts >= 6

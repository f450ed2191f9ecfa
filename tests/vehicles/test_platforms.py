"""Smartcar's and Enode's webhooks: signed bodies in, facts out. The bodies are written by the platforms' documents."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests import clock
from tests.conftest import ApiClient
from tests.vehicles.helpers import judge
from vehicles import selectors
from vehicles.choices import PlatformName
from vehicles.ingest.platforms import PLATFORMS
from vehicles.models import (
    DriverNotification,
    Fact,
    OemAccount,
    OemService,
    PlatformMessage,
    TelemetrySample,
    Vehicle,
    VehicleSource,
)
from vehicles.services.sources import apply_waiting, create_source

pytestmark = pytest.mark.django_db
SECRET = "a-management-token-of-the-platform"
Json = dict[str, Any]


def moment(seconds: float) -> str:
    """NOW and so many seconds, as platforms write it."""
    return clock.iso(clock.NOW + timedelta(seconds=seconds))


def make(platform: str) -> VehicleSource:
    return create_source(slug=platform, platform=platform, secret=SECRET)[0]


def smartcar_signature(body: bytes) -> dict[str, str]:
    """As Smartcar documents it, written anew here."""
    return {"SC-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def enode_signature(body: bytes) -> dict[str, str]:
    """As Enode documents it."""
    return {"X-Enode-Signature": "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()}


def send(platform: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = smartcar_signature(data) if platform == "smartcar" else enode_signature(data)
    path = f"/api/v1/vehicles/sources/{platform}"
    headers = signature if headers is None else headers
    answer = Client().post(path, data, content_type="application/json", headers=headers)
    judge(timezone.now())
    return answer


def state(*signals: Json, vehicle: str = "3cd7", **more: Any) -> Json:
    return {
        "eventId": "e-1",
        "eventType": "VEHICLE_STATE",
        "data": {
            "user": {"id": "u-1"},
            "vehicle": {"id": vehicle, "make": "RENAULT", "model": "Zoe", "year": 2022, "mode": "live"},
            "signals": list(signals),
        },
        "triggers": [{"type": "SIGNAL_UPDATED", "signal": {"code": "charge-ischarging"}}],
        "meta": {"version": "4.0", "webhookId": "w", "deliveryId": "d-1", "deliveredAt": moment(60)},
    } | more


def signal(code: str, value: Any, at: str = moment(0), status: str = "SUCCESS", **body: Any) -> Json:
    return {
        "code": code,
        "group": code.split("-")[0],
        "body": {"value": value} | body,
        "meta": {"oemUpdatedAt": at, "retrievedAt": moment(30)},
        "status": {"value": status},
    }


def error(kind: str, code: str | None, word: str = "ERROR", **more: Any) -> Json:
    item: Json = {
        "type": kind,
        "code": code,
        "state": word,
        "description": "…",
        "resolution": {"type": None},
        "signals": [],
    }
    body = state() | {"eventType": "VEHICLE_ERROR", "eventId": f"{kind}-{code}-{word}"}
    body["data"] = body["data"] | {"errors": [item]}
    return body | more


def enode_vehicle(event: str = "user:vehicle:updated", charge: Json | None = None, **vehicle: Any) -> Json:
    return {
        "event": event,
        "createdAt": moment(60),
        "version": "2024-10-01",
        "user": {"id": "u-1"},
        "vehicle": {
            "id": "c-1",
            "vendor": "RENAULT",
            "isReachable": True,
            "lastSeen": moment(0),
            "information": {"brand": "Renault", "model": "Zoe", "vin": "VF1AG000000000001", "year": 2022},
            "chargeState": charge or {},
            "capabilities": {
                "location": {"isCapable": True, "interventionIds": []},
                "startCharging": {"isCapable": False, "interventionIds": ["i-1"]},
            },
            **vehicle,
        },
    }


# ---- Smartcar -------------------------------------------------------------------------------------------------------


def test_smartcars_challenge_is_answered_with_its_signature() -> None:
    make("smartcar")
    answer = send("smartcar", {"eventType": "VERIFY", "data": {"challenge": "7c2f-af1"}}, headers={})
    assert answer.status_code == 200
    assert answer.json() == {"challenge": hmac.new(SECRET.encode(), b"7c2f-af1", hashlib.sha256).hexdigest()}
    assert not PlatformMessage.objects.exists()


@pytest.mark.parametrize("challenge", ['{"eventType":"VEHICLE_STATE"}', "[1]", "", "a b", "x" * 201, None, 7, ["a"]])
def test_no_body_is_signed_for_a_stranger(challenge: Any) -> None:
    make("smartcar")
    answer = send("smartcar", {"eventType": "VERIFY", "data": {"challenge": challenge}}, headers={})
    assert answer.status_code == 401


def test_smartcars_state_is_telemetry_of_the_manufacturers_moment() -> None:
    make("smartcar")
    signals = (
        signal("tractionbattery-stateofcharge", 78.4, unit="percent"),
        signal("charge-ischarging", True),
        signal("charge-ischargingcableconnected", True),
        signal("charge-wattage", 7400, unit="watts"),
        signal("vehicleidentification-vin", "VF1AG000000000001"),
        signal("odometer-traveleddistance", 12_000, unit="km"),
        signal("connectivitystatus-isonline", None, status="ERROR"),
    )
    answer = send("smartcar", state(*signals))
    assert (answer.status_code, answer.json()) == (200, {"facts": 3, "notes": []})
    sample, car = TelemetrySample.objects.get(), Vehicle.objects.get()
    assert (sample.charge_state, sample.soc, sample.power_kw) == ("charging", 78, 7.4)
    assert sample.at == clock.NOW
    assert (car.external_id, car.brand, car.vin) == ("3cd7", "RENAULT", "VF1AG000000000001")
    assert car.driver is not None
    assert car.driver.external_id == "u-1"


@pytest.mark.parametrize(
    ("plugged", "charging", "detail", "expected"),
    [
        (False, False, None, "disconnected"),
        (True, True, None, "charging"),
        (True, False, "FULLY_CHARGED", "complete"),
        (True, False, None, "stopped"),
        (True, False, "NOT_CHARGING", "stopped"),
        (True, False, "A_WORD_OF_TOMORROW", "stopped"),
    ],
)
def test_smartcars_charge_states(plugged: bool, charging: bool, detail: str | None, expected: str) -> None:
    make("smartcar")
    signals = [signal("charge-ischarging", charging), signal("charge-ischargingcableconnected", plugged)]
    send("smartcar", state(*signals, *([signal("charge-detailedchargingstatus", detail)] if detail else [])))
    assert TelemetrySample.objects.get().charge_state == expected


def test_smartcars_refused_sign_in_is_told_and_ends_when_resolved() -> None:
    make("smartcar")
    send("smartcar", error("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"))
    assert DriverNotification.objects.get(type="InvalidCredentials").state in ("open", "suppressed")
    assert OemAccount.objects.get().auth_state == "invalid_credentials"
    body = error("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "RESOLVED")
    send("smartcar", body | {"meta": body["meta"] | {"deliveredAt": int(clock.NOW.timestamp() + 120) * 1000}})
    assert DriverNotification.objects.get(type="InvalidCredentials").state == "resolved"


def test_smartcars_other_errors_are_facts() -> None:
    make("smartcar")
    send("smartcar", error("VEHICLE_STATE", "REMOTE_ACCESS_DISABLED"))
    send("smartcar", error("VEHICLE_STATE", "ASLEEP"))
    send("smartcar", error("VEHICLE_STATE", "UNREACHABLE"))
    send("smartcar", error("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"))
    send("smartcar", error("COMPATIBILITY", "VEHICLE_NOT_CAPABLE"))
    assert Vehicle.objects.get().privacy_mode is True
    assert OemService.objects.get().state == "expired"
    contacts = Fact.objects.filter(type="vehicle_contact").order_by("id").values_list("data", flat=True)
    assert list(contacts) == [{"ok": False, "asleep": True}, {"ok": False}]
    assert not VehicleSource.objects.get().notes


# ---- Enode ----------------------------------------------------------------------------------------------------------


def test_enodes_events_are_facts_each() -> None:
    make("enode")
    charge = {
        "batteryLevel": 66,
        "isPluggedIn": True,
        "isCharging": True,
        "chargeRate": 11.0,
        "powerDeliveryState": "PLUGGED_IN:CHARGING",
        "lastUpdated": moment(-60),
    }
    heartbeat = {"event": "system:heartbeat", "createdAt": moment(60), "pendingEvents": 0}
    answer = send("enode", [enode_vehicle("user:vehicle:discovered", charge), heartbeat])
    assert answer.json()["notes"] == []
    sample, car, account = TelemetrySample.objects.get(), Vehicle.objects.get(), OemAccount.objects.get()
    assert (sample.charge_state, sample.soc, sample.power_kw) == ("charging", 66, 11.0)
    assert sample.at == clock.NOW - clock.MINUTE
    assert (car.external_id, car.vin, car.account, car.capabilities) == (
        "c-1",
        "VF1AG000000000001",
        account,
        ["geoLocation"],
    )
    assert (account.external_id, account.auth_state) == ("u-1/RENAULT", "ok")


@pytest.mark.parametrize(
    ("charge", "expected"),
    [
        ({"powerDeliveryState": "UNPLUGGED", "isPluggedIn": False}, "disconnected"),
        ({"powerDeliveryState": "PLUGGED_IN:STOPPED"}, "stopped"),
        ({"powerDeliveryState": "PLUGGED_IN:COMPLETE"}, "complete"),
        ({"powerDeliveryState": "PLUGGED_IN:NO_POWER"}, "no_power"),
        ({"powerDeliveryState": "PLUGGED_IN:NO_POWER", "isFullyCharged": True}, "complete"),
        ({"powerDeliveryState": "PLUGGED_IN:NO_POWER", "batteryLevel": 80, "chargeLimit": 80}, "complete"),
        ({"powerDeliveryState": "UNKNOWN", "isPluggedIn": True, "isCharging": False}, "stopped"),
        ({"powerDeliveryState": "PLUGGED_IN:INITIALIZING"}, "stopped"),
        ({"powerDeliveryState": "UNKNOWN", "isPluggedIn": True, "isFullyCharged": True}, "complete"),
        ({"isPluggedIn": False}, "disconnected"),
        ({"isCharging": "true", "isPluggedIn": 1}, "charging"),
    ],
)
def test_enodes_charge_states(charge: Json, expected: str) -> None:
    make("enode")
    send("enode", [enode_vehicle(charge=charge)])
    assert TelemetrySample.objects.get().charge_state == expected


def test_enodes_invalidated_credentials_are_told_until_the_next_good_update() -> None:
    make("enode")
    body = {
        "event": "user:credentials:invalidated",
        "createdAt": moment(0),
        "user": {"id": "u-1"},
        "vendor": "RENAULT",
    }
    # Of a car of the same body, which was not reached.
    send("enode", [body, enode_vehicle(isReachable=False)])
    assert OemAccount.objects.get().auth_state == "invalid_credentials"
    assert DriverNotification.objects.filter(type="InvalidCredentials").exclude(state="resolved").count() == 1
    send("enode", [enode_vehicle()])
    assert OemAccount.objects.get().auth_state == "ok"
    assert DriverNotification.objects.get(type="InvalidCredentials").state == "resolved"


def test_enodes_deleted_car_is_removed_and_an_unreachable_one_was_not_reached() -> None:
    make("enode")
    send("enode", [enode_vehicle(isReachable=False)])
    assert Fact.objects.get(type="vehicle_contact").data == {"ok": False}
    send("enode", [enode_vehicle("user:vehicle:deleted")])
    assert Vehicle.objects.get().removed


# ---- the door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PlatformName.values)
@pytest.mark.parametrize("signature", [None, "", "wrong", "sha1=", "é", "0" * 64])
def test_a_wrong_signature_is_refused_and_counted(platform: str, signature: str | None) -> None:
    source = make(platform)
    headers = {} if signature is None else {PLATFORMS[platform].signature_header: signature}
    answer = send(platform, [], headers)
    source.refresh_from_db()
    assert (answer.status_code, source.refused, source.received) == (401, 1, 0)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_signature_of_another_body_is_refused() -> None:
    make("smartcar")
    assert send("smartcar", state(), smartcar_signature(b"{}")).status_code == 401


def test_an_event_of_enode_is_the_same_in_whatever_body_it_comes() -> None:
    make("enode")
    event, other = enode_vehicle(), enode_vehicle(id="c-2")
    assert send("enode", [event]).json()["facts"] > 0
    assert send("enode", event).json()["facts"] == 0
    assert send("enode", [other, event]).json()["facts"] == send("enode", [enode_vehicle(id="c-3")]).json()["facts"]


@pytest.mark.parametrize("platform", PlatformName.values)
def test_a_repetition_brings_nothing_about(platform: str) -> None:
    make(platform)
    body = state(signal("charge-ischarging", True)) if platform == "smartcar" else [enode_vehicle()]
    first, again = send(platform, body).json()["facts"], send(platform, body).json()["facts"]
    assert first > 0
    assert again == 0


def test_what_is_not_understood_is_stored_counted_and_shown(api: ApiClient) -> None:
    make("enode")
    for _time in range(2):
        answer = send(
            "enode", [{"event": "user:boat:updated"}, enode_vehicle(charge={"powerDeliveryState": "HOVERING"})]
        )
        assert answer.status_code == 200
    source = VehicleSource.objects.get()
    assert any("user:boat:updated" in text and count["n"] == 2 for text, count in source.notes.items())
    assert any("HOVERING" in text for text in source.notes)
    assert any("HOVERING" in note for note in PlatformMessage.objects.last().notes)  # type: ignore[union-attr]
    shown = api.get("/vehicles/platforms/enode").json()
    assert {row["note"] for row in shown["not_understood"]} == set(source.notes)
    assert "secret" not in shown


@pytest.mark.parametrize("platform", PlatformName.values)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"null", b"[[]]", b'{"data": 7}', b'[{"event": {}}]', b"[" * 9999]
)
def test_an_odd_body_is_stored_and_noted(platform: str, body: bytes) -> None:
    make(platform)
    assert send(platform, body).status_code == 200
    message = PlatformMessage.objects.get()
    assert bytes(message.body) == body
    assert message.applied_at is not None
    assert message.notes


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "event",
                        "eventType",
                        "data",
                        "vehicle",
                        "user",
                        "id",
                        "signals",
                        "errors",
                        "chargeState",
                        "code",
                        "body",
                        "value",
                        "meta",
                        "state",
                    ]
                ),
                inner,
            )
        ),
    ),
    kind=st.sampled_from(["VEHICLE_STATE", "VEHICLE_ERROR", "user:vehicle:updated", "user:credentials:invalidated"]),
)
def test_no_shape_of_a_body_breaks_a_platform(body: Any, kind: str) -> None:
    shaped = body | {"eventType": kind, "event": kind} if isinstance(body, dict) else body
    for platform in PLATFORMS.values():
        platform.translate(shaped)
        platform.challenge(shaped)


def test_what_waits_is_applied_by_the_sweep() -> None:
    source, now = make("enode"), timezone.now()
    body = json.dumps([enode_vehicle(charge={"isPluggedIn": False})]).encode()
    PlatformMessage.objects.create(source=source, body=body, received_at=now - timedelta(minutes=10))
    assert not selectors.check_sources(now).ok
    assert apply_waiting(now=now) == 1
    assert TelemetrySample.objects.get().charge_state == "disconnected"
    assert apply_waiting(now=now) == 0


def test_a_silent_platform_is_found() -> None:
    source, now = make("enode"), timezone.now()
    assert selectors.check_sources(now).ok
    for silence, ok in ((source.silent_after_s, True), (source.silent_after_s + 1, False)):
        VehicleSource.objects.update(last_received_at=now - timedelta(seconds=silence))
        assert selectors.check_sources(now).ok is ok
    VehicleSource.objects.update(enabled=False)
    assert selectors.check_sources(now).ok


def test_a_source_is_made_changed_and_deleted_by_the_api(api: ApiClient) -> None:
    made = api.post("/vehicles/platforms", {"slug": "Cars", "platform": " SmartCar"})
    assert made.status_code == 201
    assert len(made.json()["secret"]) >= 32
    assert made.json()["path"] == "/api/v1/vehicles/sources/cars"
    assert api.post("/vehicles/platforms", {"slug": "cars", "platform": "enode"}).status_code == 409
    for wrong in ({"slug": "a b"}, {"slug": "b", "platform": "tesla"}, {"slug": "c", "secret": "short"}, {"colour": 1}):
        answer = api.post("/vehicles/platforms", {"slug": "z", "platform": "enode"} | wrong)
        assert answer.status_code == 422, answer.content
    assert api.patch("/vehicles/platforms/cars", {"enabled": False}).json()["state"] == "off"
    assert Client().post("/api/v1/vehicles/sources/cars", b"{}", content_type="application/json").status_code == 401
    assert api.delete("/vehicles/platforms/cars").status_code == 204
    assert api.get("/vehicles/platforms/cars").status_code == 404

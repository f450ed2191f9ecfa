"""What Smartcar and Enode would push of a simulated car, and how they sign it."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.utils.crypto import salted_hmac

from vehicles.management.vehicle_simulator.cars import SimulatedCar, State

Json = dict[str, Any]


def demo_secret(platform: str) -> str:
    """By which the demo's platforms sign: the simulator, a process of its own, knows it by the same key."""
    return salted_hmac("vehicles.demo", platform).hexdigest()


def signed(platform: str, body: bytes) -> dict[str, str]:
    """The header of a platform over a body."""
    secret = demo_secret(platform).encode()
    if platform == "enode":
        return {"X-Enode-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()}
    return {"SC-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest()}


def bodies_of(car: SimulatedCar, state: State, before: State | None, at: datetime) -> list[bytes]:
    """What is pushed when a car's state changes; one whose sign-in is refused says nothing else."""
    make = _enode if car.platform == "enode" else _smartcar
    return [json.dumps(body).encode() for body in make(car, state, before, at)]


def _enode(car: SimulatedCar, state: State, before: State | None, at: datetime) -> list[Any]:
    moment, user, vendor = at.isoformat(), {"id": car.user}, car.brand.upper()
    frame = {"createdAt": moment, "version": "2024-10-01", "user": user}
    if state.is_refused and before is not None:
        news = not before.is_refused
        return [[frame | {"event": "user:credentials:invalidated", "vendor": vendor}]] if news else []
    word = "UNPLUGGED" if not state.is_plugged_in else "PLUGGED_IN:" + _at_plug(state)
    charge = {
        "batteryLevel": state.soc,
        "isPluggedIn": state.is_plugged_in,
        "isCharging": state.is_charging,
        "isFullyCharged": state.is_full,
        "chargeRate": state.power_kw if state.is_charging else None,
        "powerDeliveryState": word,
        "lastUpdated": moment,
    }
    vehicle = {
        "id": car.vehicle,
        "userId": car.user,
        "vendor": vendor,
        "isReachable": True,
        "lastSeen": moment,
        "locationId": car.home if state.is_plugged_in else None,
        "information": {"brand": car.brand, "model": car.model, "vin": car.vin},
        "chargeState": charge,
    }
    said = [[frame | {"event": "user:vehicle:updated", "vehicle": vehicle, "updatedFields": ["chargeState"]}]]
    if state.is_refused:  # of a car that nobody knows nothing would follow
        said.append([frame | {"event": "user:credentials:invalidated", "vendor": vendor}])
    return said


def _at_plug(state: State) -> str:
    return "CHARGING" if state.is_charging else "COMPLETE" if state.is_full else "STOPPED"


def _smartcar(car: SimulatedCar, state: State, before: State | None, at: datetime) -> list[Any]:
    bodies = []
    if state.is_refused != (before is not None and before.is_refused):
        error = {
            "type": "CONNECTED_SERVICES_ACCOUNT",
            "code": "AUTHENTICATION_FAILED",
            "description": "The manufacturer refuses the sign-in.",
            "resolution": {"type": "REAUTHENTICATE"},
            "state": "ERROR" if state.is_refused else "RESOLVED",
            "signals": [],
        }
        bodies.append(_event(car, "VEHICLE_ERROR", at, {"errors": [error]}))
    if not state.is_refused:
        values = {
            "tractionbattery-stateofcharge": {"value": state.soc, "unit": "percent"},
            "charge-ischargingcableconnected": {"value": state.is_plugged_in},
            "charge-ischarging": {"value": state.is_charging},
            "charge-detailedchargingstatus": {"value": "FULLY_CHARGED" if state.is_full else "NOT_CHARGING"},
            "charge-wattage": {"value": state.power_kw, "unit": "kilowatts"},
        }
        meta = {"oemUpdatedAt": at.isoformat(), "retrievedAt": at.isoformat()}
        signals = [
            {"code": code, "group": code.partition("-")[0], "body": body, "meta": meta, "status": {"value": "SUCCESS"}}
            for code, body in values.items()
        ]
        bodies.append(_event(car, "VEHICLE_STATE", at, {"signals": signals}))
    return bodies


def _event(car: SimulatedCar, kind: str, at: datetime, data: Json) -> Json:
    pk = str(uuid5(NAMESPACE_URL, f"{car.vehicle}/{kind}/{at.isoformat()}"))
    vehicle = {"id": car.vehicle, "make": car.brand.upper(), "model": car.model, "mode": "simulated"}
    return {
        "eventId": pk,
        "eventType": kind,
        "data": {"user": {"id": car.user}, "vehicle": vehicle, **data},
        "triggers": [],
        "meta": {"version": "4.0", "deliveryId": pk, "deliveredAt": at.isoformat(), "mode": "LIVE"},
    }

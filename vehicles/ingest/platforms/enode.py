"""Enode's webhooks: an array of up to 100 events, signed with HMAC-SHA1.

Source: Enode's documentation of webhooks and vehicles, and the receivers that its customers published.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from vehicles.ingest.platforms.base import (
    TEST,
    Platform,
    Translation,
    first,
    flag,
    member,
    moment,
    newest,
    number,
    objects,
    percent,
    position,
    text,
)
from vehicles.rules.words import state_of_capability

# Events that say nothing about a driver's car; that they come shows that the link lives.
_SILENT = frozenset(
    (
        "system:heartbeat",
        "user:vehicle:smart-charging-status-updated",
        "user:schedule:execution-updated",
        "user:vendor-action:updated",
        "user:charge-action:updated",
        "user:inverter:statistics-updated",
    )
)
_DEVICES = ("charger", "battery", "hvac", "inverter", "meter", "hem-system")
_HEARD = (("lastSeen",), ("chargeState", "lastUpdated"), ("location", "lastUpdated"), ("odometer", "lastUpdated"))
_OTHER_DEVICES = tuple(f"user:{device}:" for device in _DEVICES)
_NO_CAR = (
    "Credentials of a manufacturer of whom no car of the driver is known were invalidated; nothing follows from it."
)
_AT_REST = ("PLUGGED_IN:STOPPED", "PLUGGED_IN:CHARGING", "PLUGGED_IN:INITIALIZING")
# Enode's capabilities and the one of ours that each stands for.
_CAPABILITIES = {
    "chargeState": "chargeState",
    "location": "geoLocation",
    "startCharging": "startStopCharging",
    "smartCharging": "charge",
}


class Enode(Platform):
    name = "enode"
    label = "Enode"
    signature_header = "X-Enode-Signature"
    signature_prefix = "sha1="
    hash_name = "sha1"
    secret_name = "the webhook’s secret"  # noqa: S105 - what it is called

    def translate(self, body: Any) -> Translation:
        """One body may hold events of many drivers; each is read alone, and is the same in whatever body it comes."""
        translation = Translation()
        for event in objects(body):
            translation.delivery = blake2b(msgspec.json.encode(event, order="sorted"), digest_size=16).hexdigest()
            self._read(event, translation)
        if not list(objects(body)):
            translation.note("The body holds no event.")
        return translation

    def _read(self, event: dict[str, Any], translation: Translation) -> None:
        name = text(event.get("event"))
        if name in ("user:vehicle:updated", "user:vehicle:discovered"):
            self._vehicle(event, translation, is_new=name.endswith("discovered"))
        elif name == "user:vehicle:deleted":
            at = moment(event.get("createdAt"))
            translation.add("vehicle", {"removed": True}, at, vehicle=text(member(event, "vehicle", "id")))
        elif name == "user:credentials:invalidated":
            self._invalidated(event, translation)
        elif name == "enode:webhook:test":
            translation.note(TEST)
        elif name.startswith(_OTHER_DEVICES):
            self._device(event, translation)
        elif name not in _SILENT:
            translation.note(f"The event “{name}” is not known; nothing follows from it.")

    def _invalidated(self, event: dict[str, Any], translation: Translation) -> None:
        """They may be those of a charger or a solar plant, of which no driver's car is."""
        user, vendor = text(member(event, "user", "id")), text(event.get("vendor"))
        account, at = _account(user, vendor), moment(event.get("createdAt"))
        if not account:
            translation.note("Credentials were invalidated, and it does not say whose, or of which manufacturer.")
            return
        data = {"auth_state": "invalid_credentials", "brand": vendor}
        translation.add("oem_account", data, at, unless_car=_NO_CAR, account=account, driver=user)

    def _device(self, event: dict[str, Any], translation: Translation) -> None:
        """Any device of a manufacturer that is reached shows that the driver's credentials are valid."""
        user, created = text(member(event, "user", "id")), moment(event.get("createdAt"))
        for device in event.values():
            account = _account(user, text(member(device, "vendor")))
            if account and flag(member(device, "isReachable")):
                data = {"auth_state": "ok"}
                at = _heard_at(device, created)
                translation.add("oem_account", data, at, unless_car="", account=account, driver=user)

    def _vehicle(self, event: dict[str, Any], translation: Translation, *, is_new: bool) -> None:
        vehicle, user = event.get("vehicle"), text(member(event, "user", "id"))
        key = text(member(vehicle, "id"))
        if not key:
            translation.note("An event about a vehicle names none.")
            return
        created, vendor = moment(event.get("createdAt")), text(member(vehicle, "vendor"))
        account = _account(user, vendor)
        reachable = flag(member(vehicle, "isReachable"))
        if account and (is_new or reachable):
            heard = created if is_new else _heard_at(vehicle, created)
            data = {"auth_state": "ok", "linked": True, "brand": vendor or None}
            translation.add("oem_account", data, heard, account=account, driver=user)
        information = member(vehicle, "information")
        known = {
            "brand": text(member(information, "brand")) or vendor or None,
            "model": text(member(information, "model"))[:60] or None,
            "vin": text(member(information, "vin"))[:20] or None,
            "capabilities": _capabilities(member(vehicle, "capabilities")) or None,
            # Connected again under the id that it had.
            "removed": False if is_new else None,
        }
        translation.add("vehicle", known, created, vehicle=key, driver=user, account=account)
        if is_new:
            translation.add("vehicle_listing", {"listed": True}, created, vehicle=key, account=account)
        if reachable is False:
            translation.add("vehicle_contact", {"ok": False}, created, vehicle=key)
        else:
            self._telemetry(vehicle, created, key, translation)

    @staticmethod
    def _telemetry(vehicle: Any, created: str | None, key: str, translation: Translation) -> None:
        charge = member(vehicle, "chargeState")
        state, charging = text(member(charge, "powerDeliveryState")), flag(member(charge, "isCharging"))
        plugged, full = flag(member(charge, "isPluggedIn")), flag(member(charge, "isFullyCharged"))
        if state.upper() in ("", "UNKNOWN"):
            state = "charging" if charging else "complete" if full and plugged else ""
            state = state or ("not_charging" if charging is False else "")
        level, rate = member(charge, "batteryLevel"), member(charge, "chargeRate")
        soc, limit = percent(level), percent(member(charge, "chargeLimit"))
        is_full = full or (soc is not None and limit and soc >= limit)
        # At its limit it takes none, whatever it is told.
        if is_full and (
            state.upper().endswith("NO_POWER") or (state.upper() in _AT_REST and not number(rate, -1000, 1000))
        ):
            state = "complete"
        data = {
            "charge_state": state or None,
            "plugged": plugged,
            "soc": translation.read("state of charge", level, soc),
            "power_kw": translation.read("power", rate, number(rate, -1000, 1000)),
            "location": text(first(member(vehicle, "locationId"), member(vehicle, "location", "id"))) or None,
        }
        if any(data[name] is not None for name in ("charge_state", "plugged", "soc", "power_kw")):
            at = moment(member(charge, "lastUpdated")) or moment(member(vehicle, "lastSeen")) or created
            translation.add("telemetry", data, at, position=position(member(vehicle, "location")), vehicle=key)


def _account(user: str, vendor: str) -> str:
    """A driver has one account with each manufacturer; "" where either is not said."""
    return f"{user}/{vendor.upper()}"[:100] if user and vendor else ""


def _heard_at(device: Any, created: str | None) -> str | None:
    """When a device that is reached was heard of: an event may be of a setting, and its values be kept ones."""
    return newest(*(moment(member(device, *path)) for path in _HEARD)) or created


def _capabilities(value: Any) -> dict[str, str]:
    said = {ours: member(value, name) for name, ours in _CAPABILITIES.items()}
    states = {ours: state_of_capability(one) for ours, one in said.items() if isinstance(one, dict)}
    return {ours: state for ours, state in states.items() if state is not None}

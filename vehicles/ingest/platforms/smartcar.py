"""Smartcar's webhooks: one event for a body, signed with HMAC-SHA256 by the application's management token.

Source: Smartcar's documentation of its webhooks (VERIFY, VEHICLE_STATE, VEHICLE_ERROR), its signals and its errors, and
of those of version 2.0, which come by a schedule, dynamically or with an event of the car.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

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

# An answer to a challenge is a signature: only what cannot be a body is signed.
_CHALLENGE = re.compile(r"[A-Za-z0-9_.=+/-]{1,200}")
_IMPERIAL = ("w", "watt", "watts")
# The signals that are read; any other is a telemetry that no notification needs.
_READ = frozenset(
    (
        "tractionbattery-stateofcharge",
        "charge-ischarging",
        "charge-ischargingcableconnected",
        "charge-detailedchargingstatus",
        "charge-wattage",
        "connectivitystatus-isonline",
        "connectivitystatus-isasleep",
        "vehicleidentification-vin",
        "vehicleuseraccount-role",
        "location-preciselocation",
    )
)
_OF_PLUG = frozenset(("charge-ischarging", "charge-ischargingcableconnected", "charge-detailedchargingstatus"))
_MEASURED = frozenset(("tractionbattery-stateofcharge", "charge-wattage"))
# What stands as a whole in a signal's body.
_WHOLE = ("charge-wattage", "location-preciselocation")
_BESIDE_VALUE = ("unit", "units", "type")
# Of version 2.0: the endpoints that are read, and which signal stands where in their answers.
_ENDPOINTS: Mapping[str, Mapping[str, str]] = {
    "/battery": {"percentRemaining": "tractionbattery-stateofcharge"},
    "/charge": {"isPluggedIn": "charge-ischargingcableconnected", "state": "charge-detailedchargingstatus"},
    "/location": {"": "location-preciselocation"},
    "/vin": {"vin": "vehicleidentification-vin"},
}
_SCHEDULED = ("SCHEDULE", "SCHEDULED", "DYNAMIC")
_CHARGE_EVENTS = {"CHARGING_STARTED": "charging", "CHARGING_STOPPED": "stopped", "CHARGING_COMPLETED": "complete"}
_Signals = dict[str, Any]
_Step = Callable[["_Error", Translation], None]


class Smartcar(Platform):
    name = "smartcar"
    label = "Smartcar"
    signature_header = "SC-Signature"
    hash_name = "sha256"
    secret_name = "the application management token"  # noqa: S105 - what it is called

    def challenge(self, body: Any) -> str | None:
        if _kind(body) != "VERIFY":
            return None
        challenge = first(member(body, "data", "challenge"), member(body, "payload", "challenge"))
        return challenge if isinstance(challenge, str) and _CHALLENGE.fullmatch(challenge) else ""

    def translate(self, body: Any) -> Translation:
        body = _unwrapped(body)
        translation = Translation(delivery=text(first(member(body, "eventId"), member(body, "meta", "deliveryId"))))
        kind = _kind(body)
        if text(first(member(body, "meta", "mode"), member(body, "mode"))).upper() == "TEST":
            translation.note(TEST)
        elif kind == "VEHICLE_STATE":
            _state(body, translation)
        elif kind in _SCHEDULED:
            for car in objects(first(member(body, "payload", "vehicles"), [])):
                _scheduled(car, translation)
        elif kind == "EVENTBASED":
            _charge_event(member(body, "payload"), translation)
        elif kind == "VEHICLE_ERROR":
            errors = [*objects(first(member(body, "data", "errors"), member(body, "data", "error"), []))]
            for error in errors:
                _error(body, error, translation)
            if not errors:
                translation.note("An error of a vehicle does not say what it is.")
        elif kind == "VERIFY":
            translation.note("Its challenge is missing or is no short text, and was not answered.")
        else:
            translation.note(f"The event “{kind or 'without a type'}” is not known; nothing follows from it.")
        return translation


def _unwrapped(value: Any) -> Any:
    """A body without the `attributes` that JSON:API puts around what an object says."""
    if isinstance(value, list):
        return [_unwrapped(one) for one in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("attributes")
    return {name: _unwrapped(one) for name, one in (value | inner if isinstance(inner, dict) else value).items()}


def _value(inner: Any) -> Any:
    """What a signal's body says: its `value`, or the only thing beside a unit, by whatever name (`percentage`)."""
    said = [one for name, one in inner.items() if name not in _BESIDE_VALUE] if isinstance(inner, dict) else [inner]
    return first(member(inner, "value"), said[0] if len(said) == 1 else inner)


def _kind(body: Any) -> str:
    return text(first(member(body, "eventType"), member(body, "eventName"))).upper()


def _vehicle(body: Any) -> str:
    places = (("data", "vehicle", "id"), ("vehicleId",), ("data", "vehicleId"))
    return text(first(*(member(body, *place) for place in places)))


def _make(body: Any) -> str:
    return text(first(member(body, "data", "vehicle", "make"), member(body, "vehicle", "make")))


def _user(body: Any) -> str:
    return text(first(member(body, "data", "user", "id"), member(body, "userId")))


def _account(body: Any) -> str:
    """A driver has one account with each manufacturer."""
    user, make = _user(body), _make(body)
    return f"{user}/{make.upper()}"[:100] if user and make else ""


def _said_at(meta: Any) -> str | None:
    """When the manufacturer measured it, or else when it was fetched."""
    return first(*(moment(member(meta, name)) for name in ("oemUpdatedAt", "retrievedAt", "fetchedAt")))  # type: ignore[no-any-return]


def _state(body: Any, translation: Translation) -> None:
    """All signals of a car, each of its own moment."""
    vehicle = _vehicle(body)
    if not vehicle:
        translation.note("An event about a vehicle names none.")
        return
    values: _Signals = {}
    times: dict[str, str | None] = {}
    signals = [*objects(first(member(body, "data", "signals"), []))]
    if signals and not any(text(signal.get("code")) for signal in signals):
        translation.note("No signal says by a code what it is; nothing follows from them.")
    for signal in signals:
        code, status = text(signal.get("code")).lower(), text(member(signal, "status", "value")).upper()
        if code in _READ and status in ("", "SUCCESS"):
            inner = signal.get("body", signal.get("value"))
            values[code] = inner if code in _WHOLE else _value(inner)
            times[code] = _said_at(signal.get("meta"))
    if signals and not any(text(member(signal, "status", "value")).upper() in ("", "SUCCESS") for signal in signals):
        errors = {text(member(signal, "status", "error", "code")) or "ERROR" for signal in signals}
        translation.note(f"No signal of a car could be read by the platform: {', '.join(sorted(errors))[:100]}.")
    delivered = moment(member(body, "meta", "deliveredAt"))
    at = newest(*times.values()) or delivered
    known = {
        "brand": _make(body) or None,
        "model": text(member(body, "data", "vehicle", "model"))[:60] or None,
        "vin": text(values.get("vehicleidentification-vin"))[:20] or None,
        "user_role": text(values.get("vehicleuseraccount-role"))[:40] or None,
    }
    translation.add("vehicle", known, at, vehicle=vehicle, driver=_user(body), account=_account(body))
    asleep, online = flag(values.get("connectivitystatus-isasleep")), flag(values.get("connectivitystatus-isonline"))
    if asleep or online is False:
        data = {"ok": False, "asleep": asleep}
        translation.add("vehicle_contact", data, times.get("connectivitystatus-isonline") or at, vehicle=vehicle)
    if (measured := newest(*times.values())) and _account(body):
        # Whoever gets new values is signed in, also where nobody says that an error is over.
        account, driver = _account(body), _user(body)
        translation.add("oem_account", {"auth_state": "ok"}, measured, account=account, driver=driver)
    _telemetries(values, {name: time or at for name, time in times.items()}, vehicle, translation)


def _telemetries(values: _Signals, times: Mapping[str, str | None], vehicle: str, translation: Translation) -> None:
    """What the car does, of the moment of what says so, with what was measured until then; then what is newer, each of
    its own moment: a new charge says nothing new of a plug."""
    said = {name: time for name, time in times.items() if name in _OF_PLUG or name in _MEASURED}
    state = newest(*(time for name, time in said.items() if name in _OF_PLUG))
    apart: dict[str | None, _Signals] = {}
    for name, time in said.items():
        at = state if name in _OF_PLUG or (state and newest(state, time) == state) else time
        apart.setdefault(at, {})[name] = values[name]
    where = {name: values[name] for name in ("location-preciselocation",) if name in values}
    for at in sorted(apart, key=lambda time: time or ""):
        _telemetry(apart[at] | where, at, vehicle, translation)


def _telemetry(values: _Signals, at: str | None, vehicle: str, translation: Translation) -> None:
    soc, power = values.get("tractionbattery-stateofcharge"), values.get("charge-wattage")
    telemetry = {
        "charge_state": _charge_state(values) or None,
        # Beside "not charging" it alone says whether the car waits.
        "plugged": flag(values.get("charge-ischargingcableconnected")),
        "soc": translation.read("state of charge", soc, percent(soc)),
        "power_kw": translation.read("power", power, _kilowatts(power)),
    }
    if any(value is not None for value in telemetry.values()):
        where = position(values.get("location-preciselocation"))
        translation.add("telemetry", telemetry, at, position=where, vehicle=vehicle)


def _scheduled(car: dict[str, Any], translation: Translation) -> None:
    """A car of a body of version 2.0: the answers of some endpoints."""
    vehicle, values, times = text(car.get("vehicleId")), _Signals(), list[str | None]()
    if not vehicle:
        translation.note("An event about a vehicle names none.")
        return
    known: dict[str, Any] = {}
    for answer in objects(first(car.get("data"), [])):
        path, inner = text(answer.get("path")).lower(), answer.get("body")
        if answer.get("code", 200) != 200:
            continue
        if path == "/":
            known = {
                "brand": text(member(inner, "make"))[:40] or None,
                "model": text(member(inner, "model"))[:60] or None,
            }
        for name, signal in _ENDPOINTS.get(path, {}).items():
            values[signal] = member(inner, name) if name else inner
        if path in _ENDPOINTS:
            times.append(moment(member(answer, "headers", "sc-data-age")))
    said = values.get("tractionbattery-stateofcharge")
    share = translation.read("state of charge", said, number(said, 0, 1))
    values["tractionbattery-stateofcharge"] = None if share is None else 100 * share
    at = newest(*times) or moment(car.get("timestamp"))
    known["vin"] = text(values.get("vehicleidentification-vin"))[:20] or None
    translation.add("vehicle", known, at, vehicle=vehicle, driver=text(car.get("userId")))
    _telemetry(values, at, vehicle, translation)


def _charge_event(event: Any, translation: Translation) -> None:
    """A car of a body of version 2.0 began or ended to charge."""
    vehicle, kind = text(member(event, "vehicleId")), text(member(event, "eventType")).upper()
    if not vehicle or kind not in _CHARGE_EVENTS:
        translation.note(f"The event “{kind or 'without a type'}” of a vehicle is not known; nothing follows from it.")
        return
    translation.delivery = text(member(event, "eventId"))
    at = moment(member(event, "eventTime"))
    translation.add("telemetry", {"charge_state": _CHARGE_EVENTS[kind]}, at, vehicle=vehicle)


def _charge_state(values: Mapping[str, Any]) -> str:
    if flag(values.get("charge-ischarging")):
        return "charging"
    said = text(values.get("charge-detailedchargingstatus"))
    return said or ("not_charging" if flag(values.get("charge-ischarging")) is False else "")


def _kilowatts(signal: Any) -> float | None:
    power = number(_value(signal), -1e6, 1e6)
    if power is None:
        return None
    return power / 1000 if text(member(signal, "unit")).lower() in _IMPERIAL else number(power, -1000, 1000)


class _Error:
    """One error of an event, and the car, account and moment that it is about."""

    def __init__(self, body: Any, error: dict[str, Any]) -> None:
        self.vehicle, self.account, self.driver, self.make = _vehicle(body), _account(body), _user(body), _make(body)
        self.kind, self.code = text(error.get("type")).upper(), text(error.get("code")).upper()
        self.is_over = text(error.get("state")).upper() == "RESOLVED"
        self.at = moment(member(body, "meta", "deliveredAt"))
        self.reason = text(error.get("description"))
        # Of some signals alone, or of the whole connection; and whether the driver has to sign in anew.
        self.is_partial = bool(error.get("signals"))
        self.asks_for_sign_in = text(member(error, "resolution", "type")).upper() == "REAUTHENTICATE"


def _error(body: Any, item: dict[str, Any], translation: Translation) -> None:
    error = _Error(body, item)
    step = _ERRORS.get((error.kind, error.code)) or _ERRORS.get((error.kind, "*"))
    if step is None and error.asks_for_sign_in and not error.is_partial:
        step = _sign_in("invalid_credentials")
    if step is None:
        name = f"{error.kind}:{error.code}" if error.code else error.kind or "without a type"
        translation.note(f"The error “{name}” is not known; nothing follows from it.")
        return
    step(error, translation)
    if step not in (_nothing, _virtual_key):
        # Whose car it is stands beside every error, and may be the first that is heard of it.
        known = {"brand": error.make or None}
        about: dict[str, Any] = {"vehicle": error.vehicle, "driver": error.driver, "account": error.account}
        translation.add("vehicle", known, error.at, **about)


def _sign_in(state: str) -> _Step:
    def step(error: _Error, translation: Translation) -> None:
        if not error.account:
            translation.note("An error of an account does not say whose it is.")
            return
        data = {"auth_state": "ok" if error.is_over else state, "brand": error.make}
        translation.add("oem_account", data, error.at, account=error.account, driver=error.driver)

    return step


def _permission(error: _Error, translation: Translation) -> None:
    """A permission that some signals lack is none of ours; without signals it is the whole connection's."""
    if not error.is_partial:
        _sign_in("invalid_credentials" if error.asks_for_sign_in else "revoked")(error, translation)


def _virtual_key(error: _Error, translation: Translation) -> None:
    if not error.is_over:
        translation.note("A car waits for its driver to add a virtual key; until then it takes no commands.")


def _privacy(error: _Error, translation: Translation) -> None:
    translation.add("vehicle", {"privacy_mode": not error.is_over}, error.at, vehicle=error.vehicle)


def _contact(*, asleep: bool) -> _Step:
    def step(error: _Error, translation: Translation) -> None:
        data = {"ok": error.is_over, "asleep": (not error.is_over) if asleep else None}
        translation.add("vehicle_contact", data, error.at, vehicle=error.vehicle)

    return step


def _subscription(error: _Error, translation: Translation) -> None:
    data = {"code": "CONNECTED_SERVICES", "state": "active" if error.is_over else "expired", "reason": error.reason}
    translation.add("oem_service", data, error.at, vehicle=error.vehicle)


def _missing(error: _Error, translation: Translation) -> None:
    data = {"listed": error.is_over, "confirmed": True}
    translation.add("vehicle_listing", data, error.at, vehicle=error.vehicle, account=error.account)


def _nothing(error: _Error, translation: Translation) -> None:
    """What no notification is about: a car that cannot do it, a limit of calls."""


_ERRORS: Mapping[tuple[str, str], _Step] = {
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): _sign_in("invalid_credentials"),
    ("CONNECTED_SERVICES_ACCOUNT", "ACCOUNT_ISSUE"): _sign_in("action_required"),
    ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION"): _sign_in("revoked"),
    ("CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION"): _subscription,
    ("CONNECTED_SERVICES_ACCOUNT", "VEHICLE_MISSING"): _missing,
    ("CONNECTED_SERVICES_ACCOUNT", "NO_VEHICLES"): _missing,
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): _virtual_key,
    ("VEHICLE_STATE", "REMOTE_ACCESS_DISABLED"): _privacy,
    ("VEHICLE_STATE", "ASLEEP"): _contact(asleep=True),
    ("VEHICLE_STATE", "UNREACHABLE"): _contact(asleep=False),
    ("VEHICLE_STATE", "*"): _nothing,
    ("COMPATIBILITY", "*"): _nothing,
    ("PERMISSION", "*"): _permission,
    ("AUTHENTICATION", "*"): _sign_in("invalid_credentials"),
    ("UPSTREAM", "*"): _nothing,
}

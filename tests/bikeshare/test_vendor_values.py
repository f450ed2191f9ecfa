"""What the clients, fixtures and guides of others' locks and trackers have as messages, each a way of writing: taken.

TTLock, Omni, Nuki, Tuya, SwitchBot, Seam, Segway, Traccar, OsmAnd, flespi, MDS and inventions of fleets, written anew.
"""

from __future__ import annotations

from typing import Any

import pytest

from bikeshare.models import LockBoxState
from tests.bikeshare.kit import NOW, told
from tests.bikeshare.test_spelling import PLACE, post
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.bikeshare import BikeFactory, DockFactory, ProgramFactory, TripFactory

pytestmark = pytest.mark.django_db
LOCKED, UNLOCKED = {"lock": "locked"}, {"lock": "unlocked"}
LATITUDE, LONGITUDE = PLACE["latitude"], PLACE["longitude"]
DEGREES = {"lat": LATITUDE, "lng": LONGITUDE}
NOWHERE = {"latitude": None, "longitude": None}
POINT = {"type": "Point", "coordinates": [LONGITUDE, LATITUDE]}
VAE = {"battery_vae": 44, "battery_vae_range_m": 12500}
TRACCAR: dict[str, Any] = {
    "boitier": "@",
    "protocol": "osmand",
    "fixTime": iso(NOW),
    "valid": True,
    "outdated": False,
    **PLACE,
    "attributes": {"batteryLevel": 18},
}

# "@" stands for the number of a box of its own.
READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # how the box is called, and its charge
    ({"lockId": "@", "electricQuantity": 85, "date": NOW.timestamp() * 1000}, {"battery": 85}),
    ({"mac": "@", "deviceName": "OL", "lockStatus": 1, "powerPercent": 80}, LOCKED | {"battery": 80}),
    ({"imei": "@", "lockStatus": 0, "powerPercent": 55}, UNLOCKED | {"battery": 55}),
    (
        {"imei": "@", "gps": {"lat": LATITUDE, "lon": LONGITUDE}, "bat": 66, "lock": "1"},
        PLACE | LOCKED | {"battery": 66},
    ),
    (
        {"IDDevice": "@", "status": "locked", "battery": "100", "Lat": str(LATITUDE), "Lon": str(LONGITUDE)},
        PLACE | LOCKED,
    ),
    ({"deviceCode": "@", "lastDataTime": iso(NOW), **DEGREES, "lockStatus": 1, "batteryLevel": 77}, PLACE | LOCKED),
    (
        {"nukiId": "@", "stateName": "locked", "batteryCritical": False, "batteryChargeState": 84},
        LOCKED | {"battery": 84},
    ),
    ({"trackerId": "@", "isLocked": True, **DEGREES}, PLACE | LOCKED),
    ({"lock_serial_no": "@", "battery_percent": 73}, {"battery": 73}),
    ({"lock_uid": "@", "lock_state": "strong closed"}, LOCKED),
    ({"devEUI": "@", "battery": 66, "motion_status": "moving", **DEGREES}, PLACE | {"battery": 66}),
    ({"deviceid": "@", "lat": LATITUDE, "lon": LONGITUDE, "batt": 66.5, "accuracy": 12}, PLACE | {"battery": 66.5}),
    ({"device_id": "@", "gps": DEGREES | {"hdop": 2}, "charge": 0.52}, PLACE | {"battery": 52}),
    ({"device": "@", **DEGREES, "current_fuel_percent": 0.7}, PLACE | {"battery_vae": 70, "battery": None}),
    ({"device": "@", "type": "battery", "current_fuel_percent": 0.7}, {"battery": 70, "battery_vae": None}),
    ({"number": "@", **DEGREES, "pedelec_battery": 71}, PLACE | {"battery_vae": 71}),
    ({"ident": "@", "lock.status": False, "battery.level": 88}, UNLOCKED | {"battery": 88}),
    # where the reading stands
    ({"deviceId": "@", "message": {"state": "lock"}, "triggeredAt": iso(NOW)}, LOCKED),
    ({"device_id": "@", "state": {"value": "LOCKED", "updated_at": iso(NOW)}}, LOCKED),
    ({"deviceId": "@", "lock": {"value": "unlocked"}}, UNLOCKED),
    (
        {"device_id": "@", "properties": {"locked": True, "battery": {"level": 0.9, "status": "full"}}},
        LOCKED | {"battery": 90},
    ),
    (
        {"devId": "@", "status": [{"code": "residual_electricity", "value": 61}, {"code": "x", "value": 1}]},
        {"battery": 61},
    ),
    (
        {"deviceId": "@", "data": [{"key": "lockStatus", "value": "open"}, {"key": "soc", "value": "9"}]},
        UNLOCKED | {"battery": 9},
    ),
    # types that say it
    ({"deviceId": "@", "type": "deviceLocked"}, LOCKED),
    ({"deviceId": "@", "event_type": "lock.unlocked"}, UNLOCKED),
    ({"deviceId": "@", "event": "LOCK_CLOSED"}, LOCKED),
    ({"deviceId": "@", "event": "lock_opened"}, UNLOCKED),
    ({"deviceId": "@", "event_type": "device.low_battery", "battery_level": 0.1}, {"battery": 10}),
    ({"serial": "@", "lockCurrentState": 1}, LOCKED),
    ({"device": "@", "central_lock": "unlocked"}, UNLOCKED),
    # beside a place a flag is of the fix, and without one there is no place
    (TRACCAR, PLACE | {"battery": 18}),
    (TRACCAR | {"valid": False}, NOWHERE | {"battery": 18}),
    (TRACCAR | {"valid": "false", "type": "position"}, NOWHERE | {"battery": 18}),
    (TRACCAR | {"outdated": True}, NOWHERE | {"battery": 18}),
    ({"boitier": "@", "lock": 1, "gps": DEGREES | {"fix": False}}, LOCKED | NOWHERE),
    ({"boitier": "@", "lock": 1, "position": {**PLACE, "valid": 0}}, LOCKED | NOWHERE),
    ({"boitier": "@", "lock": 1, **DEGREES, "fix": "3D"}, LOCKED | PLACE),
    ({"boitier": "@", "lock": 1, **DEGREES, "gpsStatus": "V"}, LOCKED | NOWHERE),
    ({"boitier": "@", "lock": 1, "data": {**DEGREES, "valid": False}}, LOCKED | NOWHERE),
    ({"type": "Feature", "geometry": POINT, "properties": {"boitier": "@", "locked": True}}, LOCKED | PLACE),
    # an answer's code is no PIN
    ({"boitier": "@", "code": "200", "lock": 1}, LOCKED),
    ({"code": 200, "accepted": True, "data": {"boitier": "@", "lock": 1}}, LOCKED),
    # what it holds, whatever it calls itself and however deep
    *[({"boitier": "@", "type": kind, "locked": True}, LOCKED) for kind in ("status", "heartbeat", "update_location")],
    (
        {"topic": "a/b", "payload": {"deviceId": "@", "message": {"data": {"state": "locked"}, "type": "change"}}},
        LOCKED,
    ),
    ({"_type": "location", "device": "@", **DEGREES, "tst": NOW.timestamp(), "acc": 7}, PLACE | {"accuracy": 7}),
    ({"device": "@", "state": "LockState.LOCKED"}, LOCKED),
    # a charge in per cent counts, and what stands beside it
    ({"boitier": "@", "battery_vae": {"value": 41.2, "percent": 44, "remaining_distance": 12500}}, VAE),
    ({"boitier": "@", "battery_vae": {"value": 41200, "percent": 44, "range": 12500}}, VAE),
    ({"boitier": "@", "type": "battery", "value": 18.5, "percent": 85}, {"battery": 85}),
    ({"boitier": "@", "lock": "locked", "battery": {"value": 3.7, "unit": "V"}}, {"battery": None}),
    ({"boitier": "@", "chain_type": "OK"}, {"chain_type": "valid"}),
    ({"boitier": "@", "type": "chain_type", "chain_type": "banana"}, {"chain_type": ""}),
    # words
    *[
        ({"device": "@", "state": word}, LOCKED)
        for word in ["Secured", "bolted", "abgesperrt", "zu", "gesloten", "cerrado", "chiuso", "barré"]
    ],
    *[
        ({"device": "@", "state": word}, UNLOCKED)
        for word in ["UNSECURED", "unlatched", "auf", "ontgrendeld", "abierto", "aperto"]
    ],
    # what means none of ours, and is kept as it is
    *[
        ({"device": "@", "state": word}, {"lock": word})
        for word in ["JAMMED", "locking", "moving", "armed", "weak_closed", "on"]
    ],
]


def _of(number: str, value: Any) -> Any:
    return (
        {key: _of(number, inner) for key, inner in value.items()}
        if isinstance(value, dict)
        else (number if value == "@" else value)
    )


def test_messages_of_others_are_read_as_they_mean(api: ApiClient) -> None:
    program = ProgramFactory()
    boxes = [BikeFactory(program=program).boitier for _row in READ]
    answer = post(api, [_of(box.number, sent) for box, (sent, _holds) in zip(boxes, READ, strict=True)])
    assert (answer["accepted"], answer["rejected"]) == (len(READ), [])
    states = LockBoxState.objects.in_bulk([box.pk for box in boxes], field_name="boitier_id")
    wrong = [
        (sent, got)
        for box, (sent, holds) in zip(boxes, READ, strict=True)
        if (got := {name: getattr(states[box.pk], name) for name in holds}) != holds
    ]
    assert not wrong
    assert not told("boitier.pin.incorrect")


def test_what_is_left_out_is_said(api: ApiClient) -> None:
    box = BikeFactory().boitier.number
    sent: list[tuple[dict[str, Any], str]] = [
        ({**PLACE, "valid": False, "lock": 1}, "had no fix"),
        ({**PLACE, "outdated": True, "lock": 1}, "outdated"),
        ({"battery_vae": {"value": 1.2, "percent": 44, "volts": 3}}, "`battery_vae.value`, `battery_vae.volts`"),
        ({"lock": 1, "battery": {"value": 3.7, "unit": "V"}}, "3.7 v"),
        ({"chain_type": "banana"}, "banana"),
        ({"type": "heartbeat", "lock": 1}, "heartbeat"),
    ]
    answer = post(api, [{"boitier": box} | body for body, _words in sent])
    said = {n: " ".join(one["warning"] for one in answer["warnings"] if one["index"] == n) for n in range(len(sent))}
    assert [words for n, (_body, words) in enumerate(sent) if words not in said[n]] == []
    for kind in ({}, {"type": "position"}):
        (rejected,) = post(api, {"boitier": box, **kind, **PLACE, "valid": False})["rejected"]
        assert "no valid fix" in rejected["error"]


@pytest.mark.parametrize("name", ["uid", "rfid"])
def test_a_docks_tag_that_comes_alone_ends_the_trip(api: ApiClient, name: str) -> None:
    trip = TripFactory()
    box, dock = trip.vehicule.boitier.number, DockFactory(program=trip.program)
    post(api, {"boitier": box, "type": "lock", "state": "locked", "at": iso(NOW)})
    assert not told("trip.terminated")
    post(api, {"boitier": box, "type": "rfid", name: dock.rfid, "at": iso(NOW)})
    assert (len(told("trip.terminated")), told("boitier.pass.unrecognized")) == (1, [])

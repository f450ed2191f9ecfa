"""What the clients, fixtures and guides of others' locks and trackers have as messages, each a way of writing: taken.

TTLock, Omni, Nuki, Tuya, SwitchBot, Seam, Segway, Traccar, OsmAnd, flespi, MDS and inventions of fleets, written anew.
"""

from __future__ import annotations

from typing import Any

import pytest

from bikeshare.models import LockBoxState
from tests.bikeshare.kit import NOW
from tests.bikeshare.test_spelling import PLACE, post
from tests.clock import iso
from tests.conftest import ApiClient
from tests.factories.bikeshare import BikeFactory, ProgramFactory

pytestmark = pytest.mark.django_db
LOCKED, UNLOCKED = {"lock": "locked"}, {"lock": "unlocked"}
LATITUDE, LONGITUDE = PLACE["latitude"], PLACE["longitude"]
DEGREES = {"lat": LATITUDE, "lng": LONGITUDE}

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

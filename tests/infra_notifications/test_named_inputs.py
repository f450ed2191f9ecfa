"""Vendors' messages that name a part in one field and say in another how it is, under whatever names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra_notifications.ingest import observe
from infra_notifications.rules.retained import retained
from infra_notifications.rules.transfer_words import CODES, FAULT_TEXT_NAMES
from tests.infra_notifications.helpers import at, open_cases, say, station

FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"
# How an input or a part is called, what its case is, and by which words it is so, or no longer.
INPUTS: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    ("EmergencyStop", FUSE, [(True, False), (1, 0), ("true", "false"), ("on", "off"), ("pressed", "released")]),
    ("estop", FUSE, [(True, False), ("pressed", "released")]),
    ("doorOpen", SENSORS, [(True, False), ("true", "false"), (1, 0)]),
    ("door", SENSORS, [("open", "closed"), ("opened", "closed")]),
    ("smoke", SENSORS, [(True, False), ("detected", "cleared")]),
    ("tilt", SENSORS, [(True, False)]),
    ("RCD", FUSE, [("tripped", "ok"), ("tripped", "reset")]),
]
FORMS = [
    *(f'{{"{name}": "%s", "{state}": %s}}' for name in ("name", "sensor", "key") for state in ("state", "value")),
    *('{"event": "%s", "state": %s}', '{"type": "%s", "active": %s}', '{"inputs": {"%s": %s}}'),
    *('{"di": {"%s": {"value": %s}}}', '[{"component": "%s", "status": %s}]', '{"input": "%s", "on": %s, "ts": 1}'),
]
VALUES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({name: 1}, {name: 0}) for name in ("value", "val", "v", "flag")),
    *(({name: True}, {name: False}) for name in ("val", "flag")),
    *(
        ({before: 0, since: 1}, {before: 1, since: 0})
        for before, since in (("old", "new"), ("from", "to"), ("oldValue", "newValue"), ("prev", "curr"))
    ),
    ({"old": "closed", "new": "open"}, {"old": "open", "new": "closed"}),
    *(({name: "rising"}, {name: "falling"}) for name in ("edge", "transition")),
]


def told() -> Iterator[tuple[str, Any, str, Any]]:
    """A message, what it says, its case, and what it says when that is over."""
    for name, case, states in INPUTS:
        for number, form in enumerate(FORMS):
            how, over = (json.loads(form % (name, json.dumps(state))) for state in states[number % len(states)])
            yield ("Telemetry", "DigitalInput")[number % 2], how, case, over
    for is_on, is_off in VALUES:
        yield "alarm", {"code": "DOOR_OPEN"} | is_on, SENSORS, {"code": "DOOR_OPEN"} | is_off
        yield "events", [{"code": "DOOR_OPEN"} | is_on], SENSORS, [{"code": "DOOR_OPEN"} | is_off]
    for name in ("SensorEvent", "inputStatus"):
        for how, over in (("open", "closed"), ("opened", "closed")):
            yield name, {"sensor": "door", "state": how}, SENSORS, {"sensor": "door", "state": over}
            yield name, {"inputs": {"door": {"state": how}}}, SENSORS, {"inputs": {"door": {"state": over}}}
    yield "Fault", {"component": "RCD", "state": "fault"}, FUSE, {"component": "RCD", "state": "ok"}
    parts = {"component": "RCD", "variable": "Tripped"}
    yield "Telemetry", parts | {"value": "true"}, FUSE, parts | {"value": "false"}
    for name in (
        "ChargeEnd",
        "ChargingEnd",
        "EndOfCharge",
        "SessionEnd",
        "SessionStopped",
        "TransactionClosed",
        "ChargingFinished",
    ):
        yield name, {"error": "RCD tripped"}, FUSE, {"error": ""}
        yield name, {"errorCode": 12}, OTHER, {"errorCode": 0}


def transfer(name: str, data: Any) -> dict[str, Any]:
    return {"vendorId": "v", "messageId": name, "data": json.dumps(data)}


@pytest.mark.django_db
def test_a_part_that_is_named_in_a_value_is_heard_and_ends() -> None:
    (point,) = station(points=1)
    for number, (name, data, case, over) in enumerate(told()):
        say(point, transfer(name, data), action="DataTransfer", now=at(number * 10_000))
        assert open_cases(point) == [case], (name, data)
        say(point, transfer(name, over), action="DataTransfer", now=at(number * 10_000 + 1))
        assert open_cases(point) == [], (name, over)


@pytest.mark.django_db
def test_what_only_has_such_parts_is_calm() -> None:
    (point,) = station(points=1)
    calm: list[tuple[str, Any]] = [
        *(("Telemetry", {name: "EmergencyStop", "enabled": True}) for name in ("name", "sensor")),
        *(("Telemetry", {"sensor": part, "value": 1}) for part in ("tilt", "shock", "door", "fan", "meter", "rcd")),
        *(("Telemetry", {"sensor": part, "state": "ok"}) for part in ("smoke", "door", "rcd")),
        *(("Telemetry", {part: True}) for part in ("smokeSensor", "rcd", "door", "lock", "meter", "fan")),
        *(("Telemetry", {"name": name, "value": 1}) for name in ("connector", "soc", "session", "gun")),
        ("Event", {"event": "session started", "state": "active"}),
        *((name, {"reason": "Local", "energy": 12}) for name in ("ChargeEnd", "SessionEnd", "TransactionClosed")),
        *((name, {"status": "Failed", "errorCode": 3}) for name in ("OTAStatus", "FotaStatus", "UpgradeStatus")),
    ]
    for number, (name, data) in enumerate(calm):
        say(point, transfer(name, data), action="DataTransfer", now=at(number))
        assert open_cases(point) == [], (name, data)


def test_a_text_of_a_fault_is_read_under_every_name_and_kept() -> None:
    for name in sorted(FAULT_TEXT_NAMES):
        body = transfer("FaultNotification", {"faultCode": "0x1003", name: "AC input breaker tripped"})
        (seen,) = observe("ocpp1.6", "DataTransfer", body)
        assert "AC input breaker tripped" in seen.words, name
        (kept,) = observe("ocpp1.6", "DataTransfer", retained("DataTransfer", body))
        assert kept.facts == seen.facts
    composed = ("fault_desc", "errorDesc", "errMsg", "faultMsg", "faultInfo", "alarmContent", "fault-reason")
    assert {*map(_folded, composed)} <= FAULT_TEXT_NAMES
    assert {"errornumber", "faultid", "alarmno", "problemcode"} <= CODES


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def test_a_number_beside_what_is_measured_says_not_that_it_is_over() -> None:
    for data in (
        {"faultCode": 12, "v": 0, "i": 0},
        {"code": "DOOR_OPEN", "v": 0, "current": 0},
        {"code": 7, "flag": 0},
    ):
        (seen,) = observe("ocpp1.6", "DataTransfer", transfer("Alarm", data))
        assert seen.over is not True, data


@pytest.mark.django_db
def test_what_is_kept_of_such_a_message_says_the_same() -> None:
    for name, data, _case, over in told():
        for said in (data, over):
            body = transfer(name, said)
            seen = [each.facts for each in observe("ocpp1.6", "DataTransfer", body)]
            kept = [each.facts for each in observe("ocpp1.6", "DataTransfer", retained("DataTransfer", body))]
            assert kept == seen, (name, said)

"""What makers add to messages: bits and lists of codes, fields of their own, answers to what was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra_notifications.ingest import OcppMessage, observe
from infra_notifications.models import ChargePoint, UnmappedReport
from infra_notifications.rules.retained import retained
from tests.infra_notifications.helpers import NOW, at, fine, open_cases, say, station, take

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"
# A vendor's message, its cases, and one that ends them.
TRANSFERS: list[tuple[str, Any, list[str], Any]] = [
    ("text", "RCD tripped", [FUSE], None),
    ("message", "E-Stop pressed", [FUSE], None),
    ("push", {"title": "Fault", "body": "Fuse blown L1"}, [FUSE], {"title": "Fault cleared", "body": "Fuse L1"}),
    ("x", {"selfTest": "failed"}, [OTHER], {"selfTest": "passed"}),
    ("selfTest", "failed", [OTHER], "passed"),
    ("SelfTestResult", {"result": "FAILED", "test": "RCD"}, [OTHER], {"result": "ok", "test": "RCD"}),
    ("x", {"errorCode": [0, 0, 12]}, [OTHER], {"errorCode": [0, 0, 0]}),
    ("faults", [3, 4], [OTHER], []),
    ("alarm", {"errors": {"rcd": 1, "door": 0}}, [FUSE], {"errors": {"rcd": 0, "door": 0}}),
    ("x", {"alarms": {"overTemperature": 1}}, [SENSORS], {"alarms": {"overTemperature": 0}}),
    ("alarm", {"rcd": 1}, [FUSE], {"rcd": 0}),
    ("alarm", {"bits": {"rcd": 1, "tilt": 1}}, [FUSE, SENSORS], {"bits": {"rcd": 0, "tilt": 0}}),
    *(
        ("x", {name: value}, [OTHER], {name: nothing})
        for name, value, nothing in (
            ("alarmBits", 5, 0),
            ("errorFlags", "0x0010", "0x0000"),
            ("faultBitmap", "00010000", "00000000"),
            ("faultWord", 4, 0),
        )
    ),
    ("status", "Faulted", [OTHER], "Available"),
    ("status", "1:Faulted;2:Available", [OTHER], "1:Available;2:Available"),
]
CALM = [
    *(("text", said) for said in ("Welcome", "RCD not tripped", "User pressed stop", "Price 0.30 EUR/kWh")),
    *(("x", data) for data in ({"flags": {"rcd": 1}}, {"rcd": 1}, {"errorCode": [0, 0]}, {"bits": {"door": 1}})),
    ("display", "RCD tripped"),
    ("SelfTestResult", {"result": "passed"}),
    ("alarm", {"errors": {"rcd": 0}}),
    ("sequence", {"result": "failed"}),
]


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def transfer(name: str, data: Any) -> dict[str, Any]:
    return {"vendorId": "v", "messageId": name, "data": data if isinstance(data, str) else json.dumps(data)}


def test_flags_lists_of_codes_and_texts_of_vendors_are_told_and_end(point: ChargePoint) -> None:
    for number, (name, data, cases, nothing) in enumerate(TRANSFERS):
        say(point, transfer(name, data), action="DataTransfer", now=at(number * 10_000))
        assert open_cases(point) == cases, (name, data)
        if nothing is None:
            nothing = json.loads(json.dumps(data).replace("tripped", "reset").replace("pressed", "released"))
        say(point, transfer(name, nothing), action="DataTransfer", now=at(number * 10_000 + 1))
        assert open_cases(point) == [], (name, nothing)


def test_what_has_a_part_or_only_passes_by_is_no_fault(point: ChargePoint) -> None:
    for number, (name, data) in enumerate(CALM):
        say(point, transfer(name, data), action="DataTransfer", now=at(number))
        assert open_cases(point) == [], (name, data)


def test_each_of_a_list_in_words_has_its_case(point: ChargePoint) -> None:
    said = ["DOOR_OPEN|ESTOP", "EMERGENCY_STOP|DOOR_OPEN", "E-Stop pressed and door open", "RCD tripped / door open"]
    for number, info in enumerate((*said, "Door open, RCD not tripped", "RCD, door and tilt sensor OK")):
        say(point, fine(status="Charging", info=info), now=at(number * 10))
        wanted = [FUSE, SENSORS] if info in said else [SENSORS] if "not" in info else []
        assert open_cases(point) == wanted, info
        say(point, fine(), now=at(number * 10 + 1))
        assert open_cases(point) == []


def test_custom_data_of_a_status_of_2_x_is_its_code_and_text(point: ChargePoint) -> None:
    status = {"evseId": 1, "connectorId": 1, "timestamp": NOW.isoformat()}
    said: list[tuple[str, dict[str, Any], list[str]]] = [
        ("Faulted", {"errorCode": "RCD_TRIP", "info": "RCD tripped"}, [FUSE]),
        ("Occupied", {"error_code": "E17"}, [OTHER]),
        ("Occupied", {"vendorErrorCode": "E17", "techInfo": "Door open"}, [SENSORS]),
        ("Available", {"info": "ready", "errorCode": "NoError"}, []),
        ("Occupied", {"errorCode": "GroundFailure", "vendorErrorCode": "E17"}, [FUSE]),
        ("Faulted", {"vendorErrorCode": "E17"}, [OTHER]),
        *((state, {"vendorErrorCode": code}, []) for state in ("Available", "Occupied") for code in ("Online", "E05")),
        ("Available", {"errorCode": "NoError", "vendorErrorCode": "Offline"}, []),
        ("Occupied", {"sessionCount": 4}, []),
    ]
    for number, (state, custom, cases) in enumerate(said):
        told = status | {"connectorStatus": state, "customData": {"vendorId": "x"} | custom}
        for again in range(2):
            say(point, told, now=at(number * 10 + again))
            assert open_cases(point) == cases, custom
        say(point, status | {"connectorStatus": "Available"}, now=at(number * 10 + 3))
        assert open_cases(point) == []


def test_what_custom_data_says_is_what_1_6_says_and_what_is_kept_of_it() -> None:
    """A vendor's code without an error code is one beside NoError."""
    for state in ("Available", "Unavailable", "Faulted"):
        for name in ("vendorErrorCode", "errorCode", "techCode", "code", "info", "description"):
            for value in ("Online", "E05", "RCD tripped", "GroundFailure", "NoError", "ready"):
                new: dict[str, Any] = {"evseId": 1, "connectorId": 1, "connectorStatus": state}
                new |= {"timestamp": NOW.isoformat(), "customData": {"vendorId": "v", name: value}}
                (seen,) = observe("ocpp2.0.1", "StatusNotification", new)
                (kept,) = observe("ocpp2.0.1", "StatusNotification", retained("StatusNotification", new))
                assert kept.facts == seen.facts
                (old,) = observe("ocpp1.6", "StatusNotification", fine(status=state, vendorErrorCode=value))
                is_code = name in ("vendorErrorCode", "techCode", "code") and value != "NoError"
                assert not is_code or (seen.alarming, seen.defective) == (old.alarming, old.defective)


def test_a_code_beside_no_error_that_nobody_knows_is_listed_and_raises_nothing(point: ChargePoint) -> None:
    for number, status in enumerate(("Charging", "Unavailable", "Available")):
        for code in ("E17", "0x0012", "0", "0x0000", "AMINA_INFO", "none"):
            say(point, fine(status=status, vendorErrorCode=code), now=at(number))
    assert open_cases(point) == []
    assert {report.said.split(" · ")[-1] for report in UnmappedReport.objects.all()} == {
        "NoError, E17",
        "NoError, 0x0012",
    }


def test_a_self_test_that_failed_is_told_also_beside_no_error(point: ChargePoint) -> None:
    failed = [
        *("RCD self test failed", "FI-Selbsttest fehlgeschlagen", "Self-test error", "Autotest différentiel échoué"),
        *("Selbsttest nicht bestanden", "zelftest mislukt", "Autodiagnosi fallita", "MCU Self Test Fail"),
    ]
    calm = [
        *("RCD self test passed", "no self test failed", "self test failed 0 times", "Selbsttest bestanden"),
        *("last self test failed", "self test running", "Autotest superato", "self test ok, no error"),
    ]
    for number, info in enumerate((*failed, *calm) * 2):
        status = ("Available", "SuspendedEVSE")[number // len((*failed, *calm))]
        say(point, fine(status=status, info=info), now=at(number * 10))
        assert open_cases(point) == ([OTHER] if info in failed else []), info
        say(point, fine(), now=at(number * 10 + 1))
        assert open_cases(point) == []


def test_an_answer_that_tells_a_fault_raises_it(point: ChargePoint) -> None:
    asked = {"component": {"name": "Connector", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    problem = {"component": {"name": "RCD", "evse": {"id": 1}}, "variable": {"name": "Problem"}}
    for number, (about, value, status, cases) in enumerate(
        (
            (asked, "Faulted", "Rejected", []),
            (asked, "Faulted", "Accepted", [OTHER]),
            (asked, "Available", "Accepted", []),
            (problem, "true", "Accepted", [FUSE]),
            (problem, "false", "Accepted", []),
        )
    ):
        result = about | {"attributeStatus": status, "attributeType": "Actual", "attributeValue": value}
        body = {"getVariableResult": [result]}
        take(
            OcppMessage(station="CP-1", protocol="ocpp2.0.1", action="GetVariablesResponse", payload=body),
            now=at(number),
        )
        assert open_cases(point) == cases, (about, value)

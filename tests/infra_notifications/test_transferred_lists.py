"""Lists of faults, and of connectors with a word for an error each, in vendors' own messages (DataTransfer)."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from infra_notifications.models import ChargePoint, Incident
from tests.infra_notifications.helpers import at, message, open_cases, station, take

pytestmark = pytest.mark.django_db
OTHER, FUSE = "OTHER_FAULT", "FUSE_TRIPPED"
EMPTY: list[Any] = [[], None, {}, "", "[]", "none", 0, False]
LISTS = ["faults", "faultList", "alarms", "activeAlarms", "errorCodes", "error_list", "currentFaults"]


@pytest.fixture
def points() -> list[ChargePoint]:
    return station(points=2)


def tell(data: Any, seconds: int = 0, name: str = "faultInfo") -> None:
    body = {"vendorId": "v", "messageId": name, "data": json.dumps(data)}
    where = {"station": "CP-1", "charge_point": None}
    assert take(message("", body, action="DataTransfer", **where), now=at(seconds)).accepted == 1


@pytest.mark.parametrize("name", ["faultInfo", "StatusReport", "telemetry"])
@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("held", [[{"code": 3}], ["EStop"]])
def test_an_emptied_list_ends_what_it_named(points: list[ChargePoint], name: str, field: str, held: Any) -> None:
    for number, nothing in enumerate(EMPTY):
        tell({field: held}, number * 10, name)
        assert (len(open_cases(points[0])), len(open_cases(points[1]))) == (1, 1), nothing
        tell({field: nothing}, number * 10 + 5, name)
        assert (open_cases(points[0]), open_cases(points[1])) == ([], []), nothing


def test_numbers_in_a_list_of_codes_are_told_but_for_0(points: list[ChargePoint]) -> None:
    tell({"errorCodes": [7, 0]})
    assert open_cases(points[0]) == [OTHER]
    tell({"errorCodes": [0, 0]}, 1)
    assert open_cases(points[0]) == []


@pytest.mark.parametrize("order", [*permutations([("alarms", []), ("faults", ["EStop"]), ("errors", None)])])
def test_an_empty_list_beside_a_full_one_ends_nothing_and_tells_nothing_twice(
    points: list[ChargePoint], order: Any
) -> None:
    for number in range(3):
        tell(dict(order), number, "StatusReport")
    assert (open_cases(points[0]), Incident.objects.filter(charge_point=points[0]).count()) == ([FUSE], 1)


def test_what_an_alarm_leaves_empty_does_not_end_it(points: list[ChargePoint]) -> None:
    for empty in EMPTY:
        tell({"name": "RCD tripped", "errors": empty}, name="Alarm")
        assert open_cases(points[0]) == [FUSE], empty


@pytest.mark.parametrize(
    "data", [{"faultHistory": []}, {"errorStatus": None}, {"lastFaults": None}, {"alarmCount": 0}, {"loginErrors": []}]
)
def test_what_is_no_list_of_present_faults_ends_nothing(points: list[ChargePoint], data: Any) -> None:
    tell({"faults": ["EStop"]}, name="StatusReport")
    tell(data, 1, "StatusReport")
    assert open_cases(points[0]) == [FUSE]


WELL: dict[str, Any] = {"id": 1, "state": "C", "error": "none"}
WORDS: list[tuple[dict[str, Any], str]] = [
    *(({"state": "F", "error": "contactor_weld"}, OTHER), ({"state": "F", "error": "grid_xy"}, OTHER)),
    *(({"state": "B", "error": "RCD tripped"}, FUSE), ({"errorCode": 17}, OTHER), ({"alarms": ["EStop"]}, FUSE)),
    ({"state": "Faulted", "error": "contactor_weld"}, OTHER),
]


@pytest.mark.parametrize("name", ["GetStatus", "Status", "getConnectorState", "telemetry"])
@pytest.mark.parametrize("field", ["evse", "connectors", "evseList", "outlets"])
@pytest.mark.parametrize("turned", [False, True])
def test_each_of_a_list_of_connectors_is_told_of_its_own(
    points: list[ChargePoint], name: str, field: str, turned: bool
) -> None:
    for number, (said, case) in enumerate(WORDS):
        broken = [WELL, {"id": 2} | said]
        tell({field: broken[::-1] if turned else broken}, number * 10, name)
        assert (open_cases(points[0]), open_cases(points[1])) == ([], [case]), said
        calm = {"state": "Available", "errorCode": "NoError"} if said.get("state") == "Faulted" else {"error": "none"}
        ends: dict[str, Any] = {"id": 2, "state": "A"} | ({"alarms": ""} if "alarms" in said else calm)
        tell({field: [WELL, ends]}, number * 10 + 5, name)
        assert (open_cases(points[0]), open_cases(points[1])) == ([], []), said


@pytest.mark.parametrize(
    "data",
    [
        *({}, {"status": "Accepted"}, {"error": "NotSupported"}, {"evse": [1, 2]}, {"connectors": []}),
        *({"evse": [WELL]}, {"evse": [{"id": 1, "state": "A", "error": ""}]}, {"faultList": [{"code": 3}]}),
        *({"connectors": [{"id": 1, "error": "No error"}]}, {"connectors": [{"id": 1, "type": "CCS", "soc": 5}]}),
    ],
)
def test_what_was_asked_and_is_well_alarms_nobody(points: list[ChargePoint], data: Any) -> None:
    for name in ("GetStatus", "GetErrorStatus", "GetDiagnosticsStatus"):
        tell(data, name=name)
    assert not Incident.objects.exists()

"""Where a message speaks of and when, and what it says in words: also where a field is none that OCPP knows."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint, ChargePointMessage, Incident
from infra_notifications.rules.retained import retained
from tests.infra_notifications.helpers import (
    NOW,
    at,
    event,
    events,
    fault,
    fine,
    message,
    open_cases,
    say,
    station,
    take,
)

pytestmark = pytest.mark.django_db
NO_PLACES: list[Any] = [-1, True, 99_999_999_999, "left", "A", 1.5, [1, 2], {}]


@pytest.fixture
def points() -> list[ChargePoint]:
    return station(points=2)


def of_station(payload: Any, **more: Any) -> Any:
    return message("", payload, charge_point=None, station="CP-1", **more)


def event_at(evse: Any) -> dict[str, Any]:
    tripped = event("RCD", "Tripped")
    tripped["component"]["evse"] = evse
    return events(tripped)


# ---- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", NO_PLACES)
def test_what_is_no_connector_is_the_whole_station_and_said_so(points: list[ChargePoint], place: Any) -> None:
    took = take(of_station(fault(connectorId=place)))
    assert (took.accepted, "it was read as 0, the whole station" in str(took.warnings)) == (1, True)
    assert [open_cases(point) for point in points] == [["FUSE_TRIPPED"]] * 2
    take(of_station(fine(connectorId=place)), now=at(9))
    assert [open_cases(point) for point in points] == [[], []]


@pytest.mark.parametrize("place", NO_PLACES)
def test_what_is_no_connector_ends_nothing_of_one(points: list[ChargePoint], place: Any) -> None:
    take(of_station(fault(connectorId=2)))
    take(of_station(fine(connectorId=place)), now=at(9))
    assert [open_cases(point) for point in points] == [[], ["FUSE_TRIPPED"]]


@pytest.mark.parametrize("evse", [{"id": -1}, {"id": "x"}, -1, "x"])
def test_what_is_no_evse_is_the_whole_station(points: list[ChargePoint], evse: Any) -> None:
    took = take(of_station(event_at(evse)))
    assert "it was read as 0, the whole station" in str(took.warnings)
    assert [open_cases(point) for point in points] == [["FUSE_TRIPPED"]] * 2


@pytest.mark.parametrize("evse", [2, "2", {"id": "2"}])
def test_an_evse_is_also_its_number_alone(points: list[ChargePoint], evse: Any) -> None:
    take(of_station(event_at(evse)))
    assert [open_cases(point) for point in points] == [[], ["FUSE_TRIPPED"]]


@pytest.mark.parametrize("connector", [-1, 99_999_999])
def test_a_connector_around_a_payload_that_is_none_is_rejected(points: list[ChargePoint], connector: int) -> None:
    payload = {"errorCode": "GroundFailure", "status": "Faulted"}
    took = take(of_station(payload, connector=connector))
    assert [error for _index, error in took.rejected] == ["`connector` must be a number from 0 to 32767."]


@pytest.mark.parametrize(
    ("more", "payload", "said"),
    [
        ({"station": "CP-2"}, fault(), "is one of station CP-1, not of CP-2"),
        ({}, fault(connectorId=2), "is connector 1, not 2"),
        ({"station": "cp-1 "}, fault(), None),
        ({}, fault(connectorId=0), None),
    ],
)
def test_a_charge_point_counts_and_what_contradicts_it_is_named(
    points: list[ChargePoint], more: dict[str, Any], payload: Any, said: str | None
) -> None:
    took = say(points[0], payload, **more)
    warnings = [warning for _index, warning in took.warnings]
    assert [said in warning for warning in warnings] == [True] if said else warnings == []
    assert [open_cases(point) for point in points] == [["FUSE_TRIPPED"], []]


# ---- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["garbage", "2026-02-30T10:00:00Z", "30.11.2026 10:00:00", 7, True])
@pytest.mark.parametrize("kind", ["status", "event", "events"])
def test_a_moment_that_nobody_can_read_is_named_and_costs_nothing(
    points: list[ChargePoint], moment: Any, kind: str
) -> None:
    payload = {
        "status": fault(timestamp=moment),
        "event": events(event("RCD", "Tripped", timestamp=moment)),
        "events": events(event("RCD", "Tripped")) | {"generatedAt": moment},
    }[kind]
    took = say(points[0], payload)
    assert (took.accepted, "is no moment that can be read" in str(took.warnings)) == (1, True)
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize("unit", [1, 1000])
def test_seconds_and_milliseconds_since_1970_are_a_moment(points: list[ChargePoint], unit: int) -> None:
    moment = at(-30)
    took = say(points[0], fault(timestamp=int(moment.timestamp() * unit)))
    assert "was read as" in str(took.warnings)
    assert Incident.objects.get().opened_at == moment
    take(message(points[1], events(event("RCD", "Tripped", timestamp=moment.timestamp() * unit, evse=2))))
    assert Incident.objects.get(charge_point=points[1]).opened_at == moment


def test_moments_that_can_be_read_are_not_named(points: list[ChargePoint]) -> None:
    for moment in (NOW.isoformat(), NOW.strftime("%Y-%m-%dT%H:%M:%S"), NOW.strftime("%Y-%m-%d %H:%M:%SZ")):
        assert say(points[0], fault(timestamp=moment)).warnings == []


# ---- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "info",
    [
        {"code": "E4", "text": "RCD tripped"},
        {"details": [{"message": "RCD tripped"}]},
        [{"text": "RCD tripped"}, {"text": "call service"}],
        {"rcdTripped": True, "doorOpen": False},
        "RCD trip\u00adped",
        "R\u200bCD trip\u200dped",
        "\u2060RCD\ufeff tripped",
    ],
)
@pytest.mark.parametrize("field", ["info", "vendorErrorCode", "techInfo"])
@pytest.mark.parametrize("is_proxied", [False, True])
def test_a_text_in_several_parts_or_with_what_nobody_sees_is_heard(
    points: list[ChargePoint], info: Any, field: str, is_proxied: bool
) -> None:
    payload = fault("OtherError", **{field: info})
    if field == "techInfo":
        payload = events(event("Maker", "Problem", techInfo=info))
    name = "NotifyEvent" if field == "techInfo" else "StatusNotification"
    took = say(points[0], retained(name, payload) if is_proxied else payload)
    assert took.rejected == []
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize("status", [["Faulted"], {"value": "Faulted"}])
def test_a_status_alone_in_a_list_passes_the_proxy(points: list[ChargePoint], status: Any) -> None:
    say(points[0], retained("StatusNotification", fault(status=status)))
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]


def test_an_object_that_is_read_as_text_is_named(points: list[ChargePoint]) -> None:
    took = say(points[0], fault("OtherError", info={"text": "RCD tripped"}))
    assert [warning for _index, warning in took.warnings] == ["`info` was no text and was read as 'RCD tripped'."]


# ---- what is missing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [{"errorCode": "NoError"}, {"errorCode": "NoError", "connectorId": 1}, {}])
def test_what_says_nothing_without_the_fields_that_it_lacks_is_rejected(
    points: list[ChargePoint], payload: dict[str, Any]
) -> None:
    say(points[0], fault())
    took = say(points[0], payload, now=at(9), action="StatusNotification")
    assert (took.accepted, "lacks" in str(took.rejected), "was taken" in str(took.warnings)) == (0, True, False)
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]


@pytest.mark.parametrize("payload", [{"errorCode": "GroundFailure"}, {"status": "Faulted", "info": "RCD tripped"}])
def test_what_says_something_without_them_is_taken(points: list[ChargePoint], payload: dict[str, Any]) -> None:
    took = say(points[0], payload, action="StatusNotification")
    assert "what it says was taken" in str(took.warnings)
    assert open_cases(points[0]) == ["FUSE_TRIPPED"]
    assert ChargePointMessage.objects.get().verdict == "raised"

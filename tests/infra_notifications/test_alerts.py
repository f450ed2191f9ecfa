"""Alerts of OCPP 2.x whose value reads as calm: the severity and the words tell, and only an end ends them."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.models import ChargePoint
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, open_cases, say
from tests.infra_notifications.test_mapping_seed import meaning

pytestmark = pytest.mark.django_db
FUSE, SENSORS, OTHER = "FUSE_TRIPPED", "SENSORS", "OTHER_FAULT"


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


def alert(component: str, variable: str, value: Any, **more: Any) -> dict[str, Any]:
    return events(event(component, variable, value, trigger="Alerting", **more))


@pytest.mark.parametrize("severity", range(10))
@pytest.mark.parametrize(
    ("component", "variable", "values"),
    [
        *(("Fan", "Speed", "0 0.0 off"), ("ElectricalFeed", "ACVoltage", "0"), ("Controller", "Active", "false 0 no")),
        *(("NetworkConnection", "State", "off closed idle"), ("LinkCtrlr", "Status", "inactive reset connected")),
        *(("DoorSensor", "State", "0 off closed"), ("Contactor", "State", "Closed"), ("Heater", "Enabled", "false")),
    ],
)
def test_grave_severity_is_a_fault_whatever_the_value_reads_as(
    component: str, variable: str, values: str, severity: int
) -> None:
    for value in values.split():
        means = meaning(alert(component, variable, value, severity=severity), protocol="ocpp2.1")
        assert means.startswith("raise") is (severity <= 4), value


@pytest.mark.parametrize(
    ("component", "variable", "value"),
    [
        *(("RCD", "Tripped", "false"), ("EVSE", "Problem", "0"), ("TiltSensor", "Active", "false")),
        *(("EVSE", "ErrorCode", "0"), ("Fan", "State", "OK"), ("TemperatureSensor", "OverTemperature", "false")),
        *(("Connector", "AvailabilityState", "Available"), ("EVSE", "State", "Charging"), ("Odd", "Stuck", "false")),
    ],
)
def test_value_that_answers_whether_something_is_broken_ends_it_whatever_its_monitor_is_called(
    component: str, variable: str, value: str
) -> None:
    for severity in (0, 4):
        assert not meaning(alert(component, variable, value, severity=severity), protocol="ocpp2.1").startswith("raise")


@pytest.mark.parametrize(("first", "then"), [("300", "0"), ("0", "0"), ("0", "300"), ("120", "off")])
def test_only_an_end_ends_what_has_a_grave_severity(point: ChargePoint, first: str, then: str) -> None:
    say(point, alert("Fan", "Speed", first, severity=2), protocol="ocpp2.1")
    say(point, alert("Fan", "Speed", then, severity=1), protocol="ocpp2.1", now=at(1))
    assert open_cases(point) == [OTHER]
    say(point, alert("Fan", "Speed", then, severity=1, cleared=True), protocol="ocpp2.1", now=at(2))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("more", "case"),
    [
        ({"techCode": "FanStopped", "techInfo": "fan failure"}, OTHER),
        ({"techInfo": "Fan failure"}, OTHER),
        ({"techInfo": "Lüfterstörung"}, OTHER),
        ({"techCode": "Overvoltage"}, OTHER),
        ({"techInfo": "Over voltage"}, OTHER),
        ({"techInfo": "RCD tripped"}, FUSE),
        ({"techInfo": "Door opened"}, SENSORS),
    ],
)
@pytest.mark.parametrize("value", ["0", "7", "off"])
def test_words_of_an_alert_that_name_a_fault_are_told_whatever_the_value(
    value: str, more: dict[str, Any], case: str
) -> None:
    assert meaning(alert("Fan", "Speed", value, **more)) == f"raise {case}"
    assert not meaning(alert("Fan", "Speed", value, cleared=True, **more)).startswith("raise")


@pytest.mark.parametrize(
    "more",
    [{"techCode": "NoError"}, {"techInfo": "fan recovered"}, {"techInfo": "no failure"}, {"techInfo": "ok"}, {}],
)
def test_words_of_an_alert_that_name_none_leave_a_calm_value_its_end(point: ChargePoint, more: dict[str, Any]) -> None:
    say(point, alert("Fan", "Speed", "7", techInfo="fan failure"))
    say(point, alert("Fan", "Speed", "0", **more), now=at(1))
    assert open_cases(point) == []


def test_words_beside_a_severity_that_is_harmless_alarm_nobody() -> None:
    for severity in range(5, 10):
        assert meaning(alert("Fan", "Speed", "7", techInfo="fan failure", severity=severity)) == "unmapped"

"""OTHER_FAULT: nothing that says "faulted" is silent, nothing is counted twice, and each fault ends as it began."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.choices import CloseReason
from infra_notifications.models import ChargePoint, ChargePointMessage, EventRule, Incident, NotificationDecision
from infra_notifications.services.mapping import forget_rule_book, save_rule
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory
from tests.infra_notifications.helpers import alerts, at, event, events, fault, fine, open_cases, say

pytestmark = pytest.mark.django_db

OTHER, FUSE, SENSORS = "OTHER_FAULT", "FUSE_TRIPPED", "SENSORS"
CODES_1_6 = (
    *("ConnectorLockFailure", "InternalError", "OtherError", "OverVoltage", "UnderVoltage", "PowerMeterFailure"),
    *("PowerSwitchFailure", "ReaderFailure", "ResetFailure", "EVCommunicationError", "LocalListConflict"),
    *("WeakSignal", "NoError", "", "E-4711", "noerror"),
)


def status(value: str, connector: int = 1, evse: int = 1) -> dict[str, Any]:
    """A StatusNotification of OCPP 2.x."""
    return {"timestamp": at(0).isoformat(), "connectorStatus": value, "evseId": evse, "connectorId": connector}


def availability(value: str, **more: Any) -> dict[str, Any]:
    return events(event("Connector", "AvailabilityState", value, **more))


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


@pytest.mark.parametrize("code", CODES_1_6)
def test_every_faulted_status_of_1_6_opens_and_no_error_closes(point: ChargePoint, code: str) -> None:
    say(point, fault(code))
    assert open_cases(point) == [OTHER]
    say(point, fine(), now=at(60))
    assert open_cases(point) == []


@pytest.mark.parametrize("state", ["Available", "Preparing", "Charging", "Unavailable", "Finishing"])
@pytest.mark.parametrize(
    ("code", "cases"),
    [("ReaderFailure", [OTHER]), ("OtherError", [OTHER]), ("WeakSignal", []), ("NoError", []), ("", [])],
)
def test_code_counts_without_the_status_unless_it_is_a_warning(
    point: ChargePoint, code: str, cases: list[str], state: str
) -> None:
    say(point, fault(code, status=state))
    assert open_cases(point) == cases


def test_station_that_always_warns_ends_its_fault_when_one_can_charge_again(point: ChargePoint) -> None:
    say(point, fault("ReaderFailure"))
    say(point, fault("WeakSignal", status="Unavailable"), now=at(1))
    assert open_cases(point) == [OTHER]
    say(point, fault("WeakSignal", status="Available"), now=at(2))
    assert open_cases(point) == []


@pytest.mark.parametrize("value", [True, "true", "TRUE", "1"])
@pytest.mark.parametrize(
    ("component", "variable"),
    [
        *(("EVSE", "Tripped"), ("Connector", "Tripped"), ("ConnectorPlugRetentionLock", "Problem")),
        *(("FiscalMetering", "Problem"), ("PowerContactor", "Problem"), ("TokenReader", "Problem")),
        *(("Odd", "Problem"), ("CPPWMController", "Problem"), ("ChargingStation", "Problem")),
    ],
)
def test_whatever_part_has_a_problem(point: ChargePoint, component: str, variable: str, value: Any) -> None:
    say(point, events(event(component, variable, value)), protocol="ocpp2.1")
    assert open_cases(point) == [OTHER]
    say(point, events(event(component, variable, "false")), protocol="ocpp2.1", now=at(60))
    assert open_cases(point) == []


@pytest.mark.parametrize("severity", range(10))
@pytest.mark.parametrize("value", ["E-12", "7"])
def test_severities_from_danger_to_error(point: ChargePoint, severity: int, value: str) -> None:
    said = {"severity": severity, "trigger": "Alerting"}
    say(point, events(event("Controller", "Code", value, **said)), protocol="ocpp2.1")
    assert open_cases(point) == ([OTHER] if severity <= 4 else [])
    say(point, events(event("Controller", "Code", "0", cleared=True, **said)), protocol="ocpp2.1", now=at(60))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("more", "case"),
    [
        ({"techCode": "E01", "techInfo": "RCD triggered", "severity": 3}, FUSE),
        ({"techInfo": "Emergency stop pressed"}, FUSE),
        ({"techCode": "CX004"}, FUSE),
        ({"techCode": "E01"}, OTHER),
        ({}, OTHER),
    ],
)
@pytest.mark.parametrize("component", ["Connector", "EVSE"])
def test_code_and_text_of_a_state_are_read(point: ChargePoint, component: str, more: dict[str, Any], case: str) -> None:
    say(point, events(event(component, "AvailabilityState", "Faulted", trigger="Alerting", **more)))
    assert open_cases(point) == [case]
    say(point, events(event(component, "AvailabilityState", "Available")), now=at(60))
    assert open_cases(point) == []


def test_connector_of_an_evse_is_not_ended_by_its_neighbour(point: ChargePoint) -> None:
    say(point, status("Faulted", connector=1))
    say(point, status("Available", connector=2), now=at(1))
    assert open_cases(point) == [OTHER]
    say(point, status("Occupied", connector=1), now=at(2))
    assert open_cases(point) == []


# ---- one fault belongs to one case ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vague", [fault("OtherError"), fault("NoError")])
def test_what_turns_out_to_be_a_fuse_goes_on_as_a_fuse(point: ChargePoint, vague: dict[str, Any]) -> None:
    say(point, vague)
    say(point, fault("GroundFailure"), now=at(5))
    assert open_cases(point) == [FUSE]
    assert Incident.objects.get(case=OTHER).close_reason == CloseReason.RENAMED
    say(point, fine(), now=at(60))
    assert open_cases(point) == []


@pytest.mark.parametrize("first", [0, 1])
def test_state_of_2_x_and_its_cause_are_one_fault_in_whatever_order(point: ChargePoint, first: int) -> None:
    both = (status("Faulted"), events(event("RCD", "Tripped")))
    say(point, both[first])
    say(point, both[1 - first], now=at(1))
    assert open_cases(point) == [FUSE]
    say(point, events(event("RCD", "Tripped", "false")), now=at(60))
    assert open_cases(point) == [OTHER], "the state is still Faulted"
    say(point, status("Available"), now=at(61))
    assert open_cases(point) == []


def test_state_ends_before_its_cause(point: ChargePoint) -> None:
    say(point, events(event("RCD", "Tripped")))
    say(point, status("Faulted"), now=at(1))
    say(point, status("Available"), now=at(2))
    assert open_cases(point) == [FUSE]
    say(point, events(event("RCD", "Tripped", "false")), now=at(3))
    assert open_cases(point) == []


def test_other_fault_with_a_cause_stands_beside_a_fuse(point: ChargePoint) -> None:
    say(point, fault("GroundFailure"))
    say(point, fault("PowerMeterFailure"), now=at(1))
    assert open_cases(point) == [FUSE, OTHER]
    say(point, fine(), now=at(2))
    assert open_cases(point) == []


def test_new_rule_takes_over_what_was_unknown(point: ChargePoint) -> None:
    unknown = events(event("EVSE", "Problem", techCode="X17"))
    say(point, unknown)
    save_rule(rule=EventRule(name="ours", codes=["X17"], effect="raise", case=SENSORS))
    forget_rule_book()
    say(point, unknown, now=at(1))
    assert open_cases(point) == [SENSORS]


def test_shock_that_ends_by_time_explains_no_faulted_state(point: ChargePoint) -> None:
    say(point, events(event("ShockSensor", "Active")))
    say(point, status("Faulted"), now=at(1))
    assert open_cases(point) == [OTHER, SENSORS]


# ---- who is told ----------------------------------------------------------------------------------------------------


def test_group_is_told_after_five_minutes_unless_it_is_over_by_then(point: ChargePoint) -> None:
    NotificationGroupFactory(members=[point])
    say(point, fault("ReaderFailure"))
    decision = NotificationDecision.objects.get()
    assert (decision.state, decision.reason, decision.due_at) == ("waiting", "hold_off", at(300))
    say(point, fine(), now=at(299))
    decision.refresh_from_db()
    assert (decision.state, decision.reason) == ("skipped", "recovered")


def test_group_of_three_cases_keeps_what_it_chose(point: ChargePoint) -> None:
    NotificationGroupFactory(members=[point], cases=[FUSE, "UNAVAILABLE", SENSORS])
    say(point, fault("ReaderFailure"))
    assert NotificationDecision.objects.get().reason == "case_not_selected"


@pytest.mark.parametrize(("cases", "told"), [([OTHER, FUSE], ["renamed"]), ([OTHER], [""])])
def test_what_goes_on_as_another_case_has_no_all_clear_for_who_hears_of_that(
    point: ChargePoint, cases: list[str], told: list[str]
) -> None:
    NotificationGroupFactory(members=[point], cases=cases, hold_off_s={OTHER: 0})
    say(point, fault("OtherError"))
    assert len(alerts()) == 1
    say(point, fault("GroundFailure"), now=at(600))
    assert list(NotificationDecision.objects.filter(kind="recovered").values_list("reason", flat=True)) == told


# ---- what may be silenced -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "cases"),
    [
        (fault("OtherError", vendorErrorCode="X17"), [OTHER]),
        (fault("OtherError", vendorErrorCode="X17", status="Charging"), []),
        (events(event("EVSE", "Problem", techCode="X17")), []),
        (availability("Faulted", techCode="X17"), [OTHER]),
    ],
)
def test_known_no_alarm_silences_only_what_is_not_faulted(
    point: ChargePoint, payload: dict[str, Any], cases: list[str]
) -> None:
    save_rule(rule=EventRule(name="ours", codes=["X17"], effect="info"))
    forget_rule_book()
    say(point, payload)
    assert open_cases(point) == cases


def test_message_list_says_that_no_rule_knows_it(point: ChargePoint) -> None:
    say(point, fault("OtherError", vendorErrorCode="X17"))
    message = ChargePointMessage.objects.get()
    (finding,) = message.findings or []
    assert (message.verdict, finding["case"], finding["rule"]) == ("raised", OTHER, None)


# ---- transactions that a fault ended --------------------------------------------------------------------------------


def stop(reason: Any, **more: Any) -> dict[str, Any]:
    return {"meterStop": 1, "timestamp": at(0).isoformat(), "transactionId": 7, "reason": reason} | more


def ended(reason: Any, trigger: Any = "StopAuthorized") -> dict[str, Any]:
    return {
        "eventType": "Ended",
        "seqNo": 3,
        "timestamp": at(0).isoformat(),
        "triggerReason": trigger,
        "transactionInfo": {"transactionId": "t", "stoppedReason": reason},
        "evse": {"id": 1},
    }


@pytest.mark.parametrize(
    ("reason", "case"),
    [
        ("EmergencyStop", FUSE),
        ("emergency_stop", FUSE),
        ("GroundFault", FUSE),
        ("OvercurrentFault", FUSE),
        ("GroundFailure", FUSE),
        ("OverCurrentFailure", FUSE),
    ],
)
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
def test_a_fault_that_ended_a_transaction_is_told_until_the_connector_is_available(
    point: ChargePoint, reason: str, case: str, protocol: str
) -> None:
    action, payload = (
        ("StopTransaction", stop(reason)) if protocol == "ocpp1.6" else ("TransactionEvent", ended(reason))
    )
    assert say(point, payload, action=action, protocol=protocol).rejected == []
    incident = Incident.objects.get(closed_at=None)
    assert incident.case == case
    assert incident.ends_at is not None
    say(point, fine())
    assert not Incident.objects.filter(closed_at=None).exists()


@pytest.mark.parametrize(
    "reason", ["Local", "Remote", "PowerLoss", "PowerQuality", "EVDisconnected", "", None, 7, {}, []]
)
def test_any_other_end_of_a_transaction_is_none(point: ChargePoint, reason: Any) -> None:
    say(point, stop(reason), action="StopTransaction")
    say(point, ended(reason), action="TransactionEvent", protocol="ocpp2.0.1")
    assert not Incident.objects.exists()


@pytest.mark.parametrize("kind", ["Updated", "Ended"])
@pytest.mark.parametrize("trigger", ["AbnormalCondition", "abnormal_condition"])
def test_an_abnormal_condition_of_a_transaction_is_told_where_nothing_else_ended_it(
    point: ChargePoint, kind: str, trigger: str
) -> None:
    for reason in ("Local", "EVDisconnected", "PowerLoss"):
        say(point, ended(reason, trigger), action="TransactionEvent", protocol="ocpp2.0.1")
    assert not Incident.objects.exists()
    say(point, ended("", trigger) | {"eventType": kind}, action="TransactionEvent", protocol="ocpp2.0.1", now=at(5))
    incident = Incident.objects.get(closed_at=None)
    assert (incident.case, incident.ends_at is None) == ("OTHER_FAULT", False)
    say(point, fine(), now=at(9))
    assert open_cases(point) == []


@pytest.mark.parametrize("later", ["Faulted", "Unavailable"])
def test_a_fault_that_ended_a_transaction_and_lasts_does_not_end_by_time(point: ChargePoint, later: str) -> None:
    say(point, stop("GroundFault"), action="StopTransaction")
    say(point, fault("GroundFailure", status=later))
    assert Incident.objects.get(closed_at=None).ends_at is None

"""Untrusted payloads as observations: what can be understood is, and nothing raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.device_clock import parse_time
from infra_notifications.ingest import Observation, observe
from infra_notifications.rules.stations import firmware_of
from infra_notifications.rules.vocabulary import evse_of, text, truth, whole
from tests.infra_notifications.helpers import NOW, event, events, fault, fine


def see(payload: Any, action: str = "StatusNotification", protocol: str = "ocpp1.6") -> Observation:
    """The only thing that a message says."""
    (found,) = observe(protocol, action, payload)
    return found


# ---- OCPP 1.6 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({}, ("OtherError",)),
        ({"vendorErrorCode": "F001,F003"}, ("OtherError", "F001", "F003")),
        ({"vendorErrorCode": "F001; F003|F004 F005"}, ("OtherError", "F001", "F003", "F004", "F005")),
        ({"vendorErrorCode": 210}, ("OtherError", "210")),
        ({"vendorErrorCode": "OtherError"}, ("OtherError",)),
        ({"vendorErrorCode": "NoError"}, ("OtherError",)),
        ({"vendorErrorCode": None}, ("OtherError",)),
        ({"vendorErrorCode": ["F001"]}, ("OtherError", "F001")),
        ({"vendorErrorCode": ["F001", 7, {}, "F002"]}, ("OtherError", "F001", "F002")),
        ({"errorCode": "overCurrentFailure"}, ("overCurrentFailure",)),
        ({"errorCode": "mode3Error"}, ("mode3Error",)),
        ({"errorCode": "NoError", "vendorErrorCode": "AMINA_INFO"}, ("NoError", "AMINA_INFO")),
        ({"errorCode": None}, ()),
    ],
)
def test_codes_of_both_fields_are_taken_also_as_lists(more: dict[str, Any], codes: tuple[str, ...]) -> None:
    assert see(fault("OtherError") | more).codes == codes


def test_what_it_said_holds_status_codes_and_words() -> None:
    said = see(fault("OtherError", info="MCB of type 2 socket triggered", vendorErrorCode="8")).said
    assert said == "Faulted · OtherError, 8 · MCB of type 2 socket triggered"


@pytest.mark.parametrize(
    ("payload", "alarming"),
    [
        (fine(), False),
        (fault("NoError"), True),
        (fault("OtherError", status="Available"), True),
        ({"status": "Available"}, False),
        ({"status": "Faulted"}, True),
        ({}, False),
    ],
)
def test_error_or_fault_is_to_be_seen_even_if_no_rule_knows_it(payload: dict[str, Any], alarming: bool) -> None:
    assert see(payload).alarming is alarming


@pytest.mark.parametrize(("connector", "name"), [(1, "status"), (None, "status"), (0, "status@0"), ("0", "status@0")])
def test_whole_station_holds_a_fault_of_its_own(connector: Any, name: str) -> None:
    assert see(fault(connectorId=connector)).fault == name


# ---- OCPP 2.x -------------------------------------------------------------------------------------------------------


def test_status_of_2_x_names_its_evse_and_no_code() -> None:
    seen = see({"connectorStatus": "Faulted", "evseId": 2, "connectorId": 1, "timestamp": NOW.isoformat()})
    assert (seen.evse, seen.status, seen.codes, seen.occurred_at) == (2, "Faulted", (), NOW)


@pytest.mark.parametrize(
    ("value", "more", "over"),
    [
        ("true", {}, False),
        (True, {}, False),
        ("false", {}, True),
        ("FALSE", {}, True),
        ("0", {}, True),
        ("true", {"cleared": True}, True),
        ("true", {"cleared": "true"}, True),
        ("false", {"cleared": False}, True),
        ("17.5", {}, None),
        (None, {"cleared": True}, True),
        # What is reported as tripped and says no more has.
        (None, {}, False),
        ("", {}, False),
        ({"odd": 1}, {}, False),
        ("yes", {}, False),
        ("no", {}, True),
    ],
)
def test_event_says_whether_it_is_over(value: Any, more: dict[str, Any], over: bool | None) -> None:
    assert see(events(event("RCD", "Tripped", value, **more)), "NotifyEvent", "ocpp2.0.1").over is over


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (event("RCD", "Tripped"), "RCD/Tripped@1"),
        (event("RCD", "Tripped", evse=None), "RCD/Tripped@0"),
        (event("RCD", "Tripped", instance="A"), "RCD/Tripped[A]@1"),
        (event("EVSE", "Problem", techCode="CX004"), "EVSE/Problem@1#CX004"),
        (event("Connector", "AvailabilityState", "Faulted"), "status#evse?"),
        (event("Connector", "AvailabilityState", "Available"), "status#evse"),
        (event("ChargingStation", "AvailabilityState", "Faulted", evse=None), "status@0?"),
        (event("ChargingStation", "AvailabilityState", "Available", evse=None), "status@0"),
    ],
)
def test_fault_is_named_by_its_place_and_code(data: dict[str, Any], name: str) -> None:
    assert see(events(data), "NotifyEvent", "ocpp2.1").fault == name


@pytest.mark.parametrize(
    ("data", "alarming"),
    [
        (event("Anything", "Problem", "true"), True),
        (event("Anything", "Problem", "false"), False),
        (event("Anything", "Level", "17", trigger="Periodic"), False),
        (event("Anything", "Level", "17", trigger="Alerting"), True),
        (event("Anything", "Level", "17", trigger="Alerting", cleared=True), False),
        (event("Connector", "AvailabilityState", "Faulted", trigger="Alerting"), True),
        (event("Connector", "AvailabilityState", "Faulted", trigger="Delta"), True),
        (event("Connector", "AvailabilityState", "Unavailable", trigger="Alerting"), False),
        (event("Connector", "AvailabilityState", "Available", trigger="Alerting"), False),
    ],
)
def test_asserted_fault_or_alert_is_to_be_seen(data: dict[str, Any], alarming: bool) -> None:
    assert see(events(data), "NotifyEvent", "ocpp2.0.1").alarming is alarming


def test_every_event_of_a_message_is_an_observation() -> None:
    payload = events(event("RCD", "Tripped"), event("ShockSensor", "Active"))
    assert [o.component for o in observe("ocpp2.0.1", "NotifyEvent", payload)] == ["RCD", "ShockSensor"]


def test_event_without_a_time_has_that_of_its_message() -> None:
    assert see(events(event("RCD", "Tripped", timestamp=None)), "NotifyEvent").occurred_at == NOW


def test_single_event_that_is_no_list_is_taken() -> None:
    assert see({"eventData": event("RCD", "Tripped")}, "NotifyEvent").component == "RCD"


def test_security_event_is_of_the_whole_station() -> None:
    seen = see({"type": "TamperDetectionActivated", "techInfo": "lid"}, "SecurityEventNotification")
    assert (seen.evse, seen.codes, seen.words, seen.fault) == (
        0,
        ("TamperDetectionActivated",),
        "lid",
        "security/TamperDetectionActivated",
    )


@pytest.mark.parametrize("action", ["Heartbeat", "MeterValues", "DataTransfer", "Unheard", ""])
def test_other_actions_say_no_more_than_that_the_sender_lives(action: str) -> None:
    assert observe("ocpp1.6", action, fault()) == []


def test_action_ignores_case() -> None:
    assert see(fault(), "statusNOTIFICATION").codes == ("OverCurrentFailure",)


# ---- times, numbers, texts ------------------------------------------------------------------------------------------

NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_text", "moment"),
    [
        ("2026-11-21T09:00:00Z", NINE),
        ("2026-11-21T10:00:00+01:00", NINE),
        ("2026-11-21t09:00:00z", NINE),
        (" 2026-11-21T09:00:00Z ", NINE),
        ("2026-11-21T09:00:00", NINE),
        ("2026-11-21T09:00:00.000Z", NINE),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-11-21", None),
        ("2026-13-40T99:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (1700000000, None),
        (None, None),
        ({}, None),
    ],
)
def test_time_is_read_or_missing(given_text: Any, moment: datetime | None) -> None:
    assert parse_time(given_text) == moment


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        ("2", 2),
        (" 3 ", 3),
        (0, 0),
        (-1, None),
        (40_000, None),
        ("123456", None),
        (True, None),
        (1.0, 1),
        ("1.0", 1),
        (1.5, None),
        ("1.5", None),
        ("²", None),
        (None, None),
        ([1], 1),
        ([1, 2], None),
    ],
)
def test_small_whole_numbers_are_taken_also_as_text(value: Any, number: int | None) -> None:
    assert whole(value) == number


@pytest.mark.parametrize(("value", "said"), [("true", True), (" False ", False), (1, True), ("on", None), ([], None)])
def test_truth_of_a_value(value: Any, said: bool | None) -> None:
    assert truth(value) is said


@pytest.mark.parametrize(
    ("value", "shown"),
    [(" ab ", "ab"), (12, "12"), (1.5, "1.5"), (True, ""), ({}, ""), (None, ""), ("x" * 900, "x" * 500)],
)
def test_text_is_short_and_clean(value: Any, shown: str) -> None:
    assert text(value) == shown


@pytest.mark.parametrize(
    ("payload", "evse"),
    [
        ({"connectorId": 2}, 2),
        ({"evseId": 2, "connectorId": 1}, 2),
        ({"evse": {"id": 3, "connectorId": 1}}, 3),
        ({"connectorId": 0}, 0),
        ({"evse": 3}, None),
        ({}, None),
        ("odd", None),
    ],
)
def test_evse_wins_over_the_connector_within_it(payload: Any, evse: int | None) -> None:
    assert evse_of(payload) == evse


@pytest.mark.parametrize(
    ("payload", "facts"),
    [
        (
            {"chargePointVendor": "Alfen", "chargePointModel": "Eve", "firmwareVersion": "5.2"},
            {"vendor": "Alfen", "model": "Eve", "firmware": "5.2"},
        ),
        (
            {"reason": "PowerUp", "chargingStation": {"vendorName": "ABB", "model": "Terra", "firmwareVersion": "1"}},
            {"vendor": "ABB", "model": "Terra", "firmware": "1"},
        ),
        ({"chargePointVendor": "Alfen"}, {"vendor": "Alfen"}),
        ({"chargePointVendor": {}, "chargePointModel": ""}, {}),
        (None, {}),
    ],
)
def test_boot_notification_tells_vendor_model_and_firmware(payload: Any, facts: dict[str, str]) -> None:
    assert firmware_of("BootNotification", payload) == facts
    assert firmware_of("Heartbeat", payload) == {}


# ---- whatever comes -------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "connectorId",
    "errorCode",
    "status",
    "info",
    "vendorErrorCode",
    "vendorId",
    "timestamp",
    "connectorStatus",
    "evseId",
    "eventData",
    "generatedAt",
    "type",
    "techInfo",
    "evse",
    "chargingStation",
    "firmwareVersion",
    "chargePointVendor",
)
EVENT_FIELDS = ("component", "variable", "actualValue", "cleared", "techCode", "techInfo", "timestamp", "trigger")
PARTS = st.dictionaries(st.sampled_from(["name", "instance", "evse", "id"]), JSON)
EVENTS = st.lists(st.dictionaries(st.sampled_from(EVENT_FIELDS), JSON | PARTS), max_size=3)
PAYLOADS = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | EVENTS)
ACTIONS = st.sampled_from(
    ["StatusNotification", "NotifyEvent", "SecurityEventNotification", "BootNotification", "MeterValues"]
)


@given(st.sampled_from(["ocpp1.6", "ocpp2.0.1", "ocpp2.1", "", "odd"]), ACTIONS, PAYLOADS)
def test_no_payload_raises_or_outgrows_its_column(protocol: str, action: str, payload: Any) -> None:
    for seen in observe(protocol, action, payload):
        assert len(seen.said) <= 500
        assert len(seen.fault) <= 200
        assert seen.evse is None or 0 <= seen.evse < 32_768
    assert all(len(fact) <= 60 for fact in firmware_of(action, payload).values())
    evse = evse_of(payload)
    assert evse is None or 0 <= evse < 32_768


# ---- several things in one message ----------------------------------------------------------------------------------

MOMENTS = [f"2026-11-30T07:00:0{second}Z" for second in range(4)]


@given(st.permutations(MOMENTS))
def test_what_one_message_tells_is_read_in_the_order_in_which_it_happened(moments: list[str]) -> None:
    said = [event("RCD", "Tripped", str(moment == MOMENTS[2]), timestamp=moment) for moment in moments]
    found = observe("ocpp2.0.1", "NotifyEvent", events(*said))
    assert [each.occurred_at for each in found] == [parse_time(moment) for moment in MOMENTS]
    assert [each.over for each in found] == [True, True, False, True]


@pytest.mark.parametrize("moments", [(MOMENTS[1], None), (MOMENTS[1], "later"), (MOMENTS[1], MOMENTS[1])])
def test_what_does_not_say_when_is_read_as_it_stands(moments: tuple[str, str | None]) -> None:
    said = [event("RCD", "Tripped", value, timestamp=m) for value, m in zip(("true", "false"), moments, strict=True)]
    assert [each.over for each in observe("ocpp2.0.1", "NotifyEvent", events(*said))] == [False, True]


def test_alarms_of_a_vendor_are_read_in_the_order_in_which_they_happened() -> None:
    alarms = [
        {"alarm": "RCD tripped", "state": state, "connectorId": 1, "timestamp": moment}
        for state, moment in (("cleared", MOMENTS[1]), ("raised", MOMENTS[0]))
    ]
    payload = {"vendorId": "x", "messageId": "Alarms", "data": {"alarms": alarms}}
    found = observe("ocpp1.6", "DataTransfer", payload)
    assert [each.occurred_at for each in found] == [parse_time(moment) for moment in MOMENTS[:2]]

"""What MaEVe and EVerest publish: bodies by their own documents, and what they become."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_notifications.models import (
    ChargePoint,
    ChargePointMessage,
    ChargePointState,
    Incident,
    Source,
    StationConnection,
    UnknownChargePoint,
)
from infra_notifications.rules.mqtt_topics import MESSAGES, NotUnderstood, read_publication
from infra_notifications.services.adoption import adopt_stations, stations_of
from infra_notifications.services.mqtt import MqttIntake
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at
from tests.infra_notifications.helpers import open_cases as open_cases_of

MAEVE, EVEREST = "cs/in/ocpp1.6/CP-1", "CP-1/everest_api/1"
HISTORY, OCPP = f"{EVEREST}/error_history_consumer/errors/e2m", f"{EVEREST}/ocpp_consumer/ocpp/e2m"
Json = dict[str, Any]


@dataclass
class Arrival:
    topic: str
    body: bytes
    received_at: datetime


def station() -> None:
    """CP-1 with one connector."""
    ChargePointFactory(evse_id="DE*TST*E1*1", station="CP-1", connector=1)


def open_cases() -> list[str]:
    return open_cases_of(ChargePoint.objects.get())


def arrival(topic: str, value: Any, seconds: float = 0) -> Arrival:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Arrival(topic, body, at(seconds))


def take(*arrivals: Arrival, intake: MqttIntake | None = None) -> Counter[str]:
    return (intake or MqttIntake("broker.example")).take(arrivals, at(3_600))


def maeve(action: str, payload: Json, pk: str = "1", kind: Any = 2) -> Json:
    inner = "request" if kind in (2, "call") else "response"
    return {"type": kind, "action": action, "id": pk, inner: payload}


def error(kind: str = "evse_board_support/MREC4OverCurrentFailure", state: str = "Active", **more: Any) -> Json:
    return {
        "type": kind,
        "description": "Over current protection device has tripped.",
        "message": "OC on phase 2",
        "severity": "High",
        "origin": {"module_id": "yeti_driver_1", "implementation_id": "board_support"},
        "timestamp": at(0).isoformat(),
        "uuid": "2c7d2f6e-56a4-4a4d-a2a2-0f2f9f5a2a11",
        "state": state,
    } | more


# ---- what it becomes ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [2, "call"])
def test_maeves_call_is_a_message(kind: Any) -> None:
    station()
    status = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"}
    assert take(arrival(MAEVE, maeve("StatusNotification", status, kind=kind))) == {"accepted": 1}
    assert open_cases() == ["FUSE_TRIPPED"]
    assert ChargePointMessage.objects.get().action == "StatusNotification"


@pytest.mark.django_db
def test_maeves_answer_is_one_of_its_call() -> None:
    station()
    take(arrival("cs/in/ocpp2.0.1/CP-1", maeve("ChangeAvailability", {"status": "Accepted"}, kind=3)))
    assert ChargePointMessage.objects.get().action == "ChangeAvailability"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "description", "case"),
    [
        ("evse_board_support/MREC4OverCurrentFailure", "Over current protection device has tripped.", "FUSE_TRIPPED"),
        ("ac_rcd/AC", "AC fault current detected.", "FUSE_TRIPPED"),
        ("evse_board_support/TiltDetected", "The EVSE has been tilted beyond acceptable limits.", "SENSORS"),
        ("evse_board_support/MREC14PilotFault", "The control pilot voltage is out of range.", "OTHER_FAULT"),
    ],
)
def test_everests_error_is_raised_and_cleared(kind: str, description: str, case: str) -> None:
    station()
    words = {"description": description, "message": "see the module"}
    take(arrival(f"{HISTORY}/error_raised", error(kind, **words)))
    raised = open_cases()
    assert raised == [case]
    take(arrival(f"{HISTORY}/error_cleared", error(kind, "ClearedByModule", **words), 60))
    assert open_cases() == []
    assert Incident.objects.count() == 1


TRIPPED = [
    *("ac_rcd/AC", "ac_rcd/DC", "ac_rcd/MREC2GroundFailure", "evse_board_support/MREC4OverCurrentFailure"),
    *("isolation_monitor/MREC22ResistanceFault", "power_supply_DC/OverCurrentDC", "evse_manager/MREC2GroundFailure"),
    *("over_voltage_monitor/MREC5OverVoltage", "evse_board_support/MREC8EmergencyStop"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("severity", ["Medium", "Low", "low", "", "Unheard", None])
@pytest.mark.parametrize("kind", TRIPPED)
def test_a_protection_that_tripped_is_told_whatever_its_severity(kind: str, severity: Any) -> None:
    """As it is with the highest."""
    station()
    words = {"description": "see the module", "message": ""}
    take(arrival(f"{HISTORY}/error_raised", error(kind, **words)))
    told = open_cases()
    assert told[0] == "FUSE_TRIPPED" or kind.endswith(("OverVoltage", "EmergencyStop"))
    Incident.objects.all().delete()
    ChargePointState.objects.all().update(memory="")
    take(arrival(f"{HISTORY}/error_raised", error(kind, severity=severity, uuid="other", **words)))
    assert open_cases() == told


@pytest.mark.django_db
def test_of_the_same_error_at_two_connectors_one_ends_alone() -> None:
    station()
    first, second = ({"module_id": "bsp", "implementation_id": f"rcd_{n}"} for n in (1, 2))
    words = {"kind": "ac_rcd/DC", "message": "RDC-MD triggered", "description": "see the module"}
    raised = [error(origin=origin, uuid=str(origin), **words) for origin in (first, second)]
    take(*(arrival(f"{HISTORY}/error_raised", each) for each in raised))
    take(arrival(f"{HISTORY}/error_cleared", raised[0], 60))
    assert open_cases() == ["FUSE_TRIPPED"]
    take(arrival(f"{HISTORY}/error_cleared", raised[1], 90))
    assert open_cases() == []


@pytest.mark.django_db
def test_a_warning_of_the_lowest_severity_is_no_incident() -> None:
    station()
    take(arrival(f"{HISTORY}/error_raised", error("evse_board_support/VendorWarning", severity="Low", description="")))
    assert open_cases() == []


@pytest.mark.django_db
def test_one_of_two_errors_ends_alone() -> None:
    station()
    take(
        arrival(f"{HISTORY}/error_raised", error(uuid="a")),
        arrival(f"{HISTORY}/error_raised", error("evse_board_support/EnclosureOpen", uuid="b"), 1),
        arrival(f"{HISTORY}/error_cleared", error(uuid="a"), 2),
    )
    assert len(open_cases()) == 1
    assert "FUSE_TRIPPED" not in open_cases()


@pytest.mark.django_db
def test_everests_event_in_snake_case_is_read() -> None:
    station()
    event = {
        "component_variable": {
            "component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connector_id": 1}},
            "variable": {"name": "Problem"},
        },
        "event_id": 7,
        "timestamp": at(0).isoformat(),
        "trigger": "Alerting",
        "actual_value": "true",
        "event_notification_type": "HardWiredMonitor",
        "tech_code": "E01",
    }
    take(arrival(f"{OCPP}/event_data", event))
    assert len(open_cases()) == 1
    take(arrival(f"{OCPP}/event_data", event | {"actual_value": "false", "event_id": 8, "cleared": True}, 5))
    assert open_cases() == []


@pytest.mark.django_db
def test_everests_frames_are_paired_with_their_answers() -> None:
    station()
    boot = [2, "9", "BootNotification", {"chargePointVendor": "Pionix", "chargePointModel": "BelayBox"}]
    answer = [3, "9", {"status": "Accepted", "currentTime": at(0).isoformat(), "interval": 300}]
    take(
        arrival(f"{OCPP}/ocpp_message", {"message": json.dumps(boot), "direction": "ChargingStationToCSMS"}),
        arrival(f"{OCPP}/ocpp_message", {"message": json.dumps(answer), "direction": "CSMSToChargingStation"}, 1),
        arrival(
            f"{OCPP}/ocpp_message",
            {"message": '[2,"c1","Reset",{"type":"Soft"}]', "direction": "CSMSToChargingStation"},
            2,
        ),
    )
    assert list(ChargePointMessage.objects.order_by("id").values_list("action", flat=True)) == ["BootNotification"] * 2


@pytest.mark.django_db
def test_an_everest_that_lost_its_csms_is_disconnected_until_it_has_it_back() -> None:
    station()
    intake = MqttIntake("broker.example")
    take(arrival(f"{OCPP}/heartbeat", 1), arrival(f"{OCPP}/is_connected", False, 1), intake=intake)
    take(*(arrival(f"{OCPP}/heartbeat", n, 60 * n) for n in range(2, 20)), intake=intake)
    assert not StationConnection.objects.get().connected
    assert open_cases() == ["UNAVAILABLE"]
    take(arrival(f"{OCPP}/is_connected", True, 1_300), intake=intake)
    assert open_cases() == []
    assert StationConnection.objects.get().connected


EVENT = {
    "component_variable": {"component": {"name": "ConnectorPlugRetentionLock"}, "variable": {"name": "Problem"}},
    "event_id": 7,
    "timestamp": at(0).isoformat(),
    "trigger": "Alerting",
    "actual_value": "true",
}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
FRAME = {"message": json.dumps([2, "1", "StatusNotification", STATUS]), "direction": "ChargingStationToCSMS"}
# Whatever EVerest publishes, and whether it proves that it has a CSMS.
SAID: dict[str, tuple[str, Any, bool]] = {
    "error_raised": (HISTORY, error(), False),
    "error_cleared": (HISTORY, error(), False),
    "event_data": (OCPP, EVENT, False),
    "security_event": (OCPP, {"type": "StartupOfTheDevice", "timestamp": at(0).isoformat()}, False),
    "heartbeat": (OCPP, 1, False),
    "is_connected": (OCPP, True, True),
    "connection_status": (OCPP, {"connected": True, "identity": "CP-1"}, True),
    "ocpp_message": (OCPP, FRAME, True),
}


def test_each_message_of_everest_is_life_or_not() -> None:
    assert SAID.keys() == MESSAGES.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("is_new_process", [True, False])
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("name", SAID)
def test_without_its_csms_only_what_reached_one_is_life(name: str, is_known: bool, is_new_process: bool) -> None:
    """Also where it was adopted meanwhile; what else is said is taken, and its faults are told."""
    topic, body, is_life = SAID[name]
    if is_known:
        station()
    intake = MqttIntake("broker.example")
    take(arrival(f"{OCPP}/is_connected", True), arrival(f"{OCPP}/is_connected", False, 1), intake=intake)
    intake = MqttIntake("broker.example") if is_new_process else intake
    take(arrival(f"{topic}/{name}", body, 60), arrival(f"{OCPP}/heartbeat", 2, 120), intake=intake)
    if not is_known:
        adopt_stations(stations=stations_of(UnknownChargePoint.objects.all()), now=at(3_700))
    faults = {"error_raised": ["FUSE_TRIPPED"], "event_data": ["OTHER_FAULT"]}.get(name, [])
    assert open_cases() == [*faults, *(() if is_life else ("UNAVAILABLE",))]
    assert StationConnection.objects.get().connected is (name in ("is_connected", "connection_status"))
    state = ChargePointState.objects.get()
    assert (state.disconnected_at is None) is is_life
    assert (state.connectivity == "online") is is_life
    # What comes with its CSMS is life again.
    take(arrival(f"{OCPP}/is_connected", True, 180), arrival(f"{OCPP}/heartbeat", 3, 200), intake=intake)
    assert "UNAVAILABLE" not in open_cases()
    assert ChargePointState.objects.get().last_seen == at(200)


@pytest.mark.django_db
def test_everests_heartbeat_is_life_once_a_minute() -> None:
    station()
    take(*(arrival(f"{OCPP}/heartbeat", n, n) for n in range(121)))
    assert ChargePointMessage.objects.count() == 3
    assert ChargePointState.objects.get().last_seen == at(120)


@pytest.mark.django_db
def test_tokens_are_not_stored() -> None:
    station()
    frame = [2, "1", "Authorize", {"idTag": "04A1B2C3D4"}]
    take(arrival(f"{OCPP}/ocpp_message", {"message": json.dumps(frame), "direction": "ChargingStationToCSMS"}))
    assert "04A1B2C3D4" not in str(ChargePointMessage.objects.values_list("payload", flat=True))


# ---- what is not understood -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_not_understood_is_counted_at_the_source_and_spoils_nothing() -> None:
    station()
    outcome = take(
        arrival("weather/berlin", {"t": 7}),
        arrival(MAEVE, b"\xff{"),
        arrival("everest_api/1/ocpp_consumer/ocpp/e2m/event_data", {}),
        arrival(MAEVE, maeve("Heartbeat", {})),
    )
    source = Source.objects.get()
    assert outcome == {"accepted": 1, "rejected": 3}
    assert (source.kind, source.name, source.accepted, source.rejected) == ("mqtt", "broker.example", 1, 3)
    assert any("weather/berlin" in row["text"] for row in source.rejections)


@pytest.mark.django_db
def test_what_comes_again_is_a_repetition() -> None:
    station()
    raised = arrival(f"{HISTORY}/error_raised", error())
    take(raised)
    assert take(raised) == {"duplicates": 1}
    assert Incident.objects.count() == 1


@pytest.mark.django_db
def test_an_everest_without_a_prefix_is_the_station_that_is_set() -> None:
    station()
    topic = "everest_api/1/error_history_consumer/errors/e2m/error_raised"
    take(arrival(topic, error()), intake=MqttIntake("localhost", "CP-1"))
    assert len(open_cases()) == 1


WORDS = ["type", "action", "id", "request", "origin", "message", "timestamp", "severity"]
TOPICS = (
    MAEVE,
    *(f"{OCPP}/{name}" for name in ["event_data", "is_connected", "ocpp_message", "heartbeat", "security_event"]),
    *(f"{HISTORY}/{name}" for name in ("error_raised", "error_cleared", "")),
    *("x", "", "/in//", "everest_api"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(WORDS), inner),
)


BODIES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())


@given(topic=st.sampled_from(TOPICS), body=BODIES)
def test_no_publication_breaks_the_link(topic: str, body: bytes) -> None:
    with contextlib.suppress(NotUnderstood):
        read_publication(topic, body, "CP-1")


@pytest.mark.django_db
def test_a_batch_of_which_something_was_taken_is_not_rejected_as_a_whole() -> None:
    """Whatever the order: its last one was accepted, so the source is not one of which everything is refused."""
    station()
    good = [arrival(MAEVE, maeve("Heartbeat", {}, pk=f"{n}"), n) for n in range(5)]
    bad = [arrival(MAEVE, b"{", 10 + n) for n in range(6)]
    assert take(*good[:4], *bad, good[4]) == {"accepted": 5, "rejected": 6}
    source = Source.objects.get()
    assert (source.accepted, source.rejected, source.refused_in_row, source.refused_since) == (5, 6, 0, None)
    assert take(*bad) == {"rejected": 6}
    source.refresh_from_db()
    assert (source.rejected, source.refused_in_row) == (12, 6)

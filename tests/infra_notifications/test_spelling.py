"""OCPP as senders really spell it: read, with a note, or rejected by name; never accepted in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra_notifications.ingest import OcppMessage
from infra_notifications.models import ChargePoint, ChargePointMessage, Incident, UnknownChargePoint
from infra_notifications.rules.action_names import CALL, ERROR, RESULT
from infra_notifications.rules.actions import ACTIONS, nearest_action
from infra_notifications.rules.retained import retained
from infra_notifications.rules.spelling import is_exact, read_wire
from infra_notifications.services.charge_points import ChargePointInput, upsert_charge_points
from tests import clock
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import say, signal, station, take, take_neutral

pytestmark = pytest.mark.django_db
NOW = clock.NOW
FAULTED: dict[str, Any] = {"connectorId": 1, "errorCode": "OverCurrentFailure", "status": "Faulted"}
FINE: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
SNAKE = {"connector_id": 1, "error_code": "OverCurrentFailure", "status": "Faulted"}
EVENT = {
    "generatedAt": clock.iso(NOW),
    "seqNo": 0,
    "eventData": [
        {
            "eventId": 1,
            "timestamp": clock.iso(NOW),
            "trigger": "Alerting",
            "actualValue": "true",
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "ShockSensor", "evse": {"id": 1}},
            "variable": {"name": "Active"},
        }
    ],
}
QUIET = settings(max_examples=150)


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


def sent(point: ChargePoint, action: str, payload: Any, protocol: str = "ocpp1.6") -> Any:
    return say(point, payload, action=action, protocol=protocol)


# ---- a fault is heard however it is spelt ---------------------------------------------------------------------------

SPELT: list[tuple[str, str, Any]] = [
    ("ocpp1.6", "StatusNotificationRequest", FAULTED),
    ("ocpp1.6", "StatusNotification.req", FAULTED),
    ("ocpp1.6", "StatusNotification.conf", FAULTED),
    ("ocpp1.6", "StatusNotificationResponse", FAULTED),
    ("ocpp1.6", "StatusNotificationPayload", FAULTED),
    ("ocpp1.6", " StatusNotification\n", FAULTED),
    ("ocpp1.6", "Status Notification", FAULTED),
    ("ocpp1.6", "Status\u200bNotification\ufeff", FAULTED),
    ("ocpp1.6", "status_notification", SNAKE),
    ("ocpp1.6", "status-notification", FAULTED),
    ("ocpp1.6", "statusNotification", FAULTED),
    ("ocpp1.6", "STATUSNOTIFICATION", {key.upper(): value for key, value in FAULTED.items()}),
    ("ocpp1.6", "STATUS_NOTIFICATION", {key.upper(): value for key, value in SNAKE.items()}),
    ("ocpp1.6", "StatusNotification", SNAKE),
    ("ocpp1.6", "StatusNotification", {"ConnectorId": 1, "ErrorCode": "OverCurrentFailure", "Status": "Faulted"}),
    ("ocpp1.6", "StatusNotification", {f"{key}\u200b": value for key, value in FAULTED.items()}),
    ("ocpp1.6", "StatusNotification", {"payload": FAULTED}),
    ("ocpp1.6", "StatusNotification", {"StatusNotification": FAULTED}),
    ("ocpp1.6", "StatusNotification", {"statusNotificationRequest": SNAKE}),
    ("ocpp1.6", "StatusNotification", {"payload": {"payload": FAULTED}}),
    ("ocpp1.6", "StatusNotification", {"action": "StatusNotification", "payload": FAULTED}),
    ("ocpp1.6", "StatusNotification", json.dumps(FAULTED)),
    ("ocpp1.6", "StatusNotification", json.dumps(json.dumps(FAULTED))),
    ("ocpp1.6", "StatusNotification", {"payload": json.dumps(FAULTED)}),
    ("ocpp1.6", "StatusNotification", [FAULTED]),
    ("ocpp1.6", "StatusNotification", [2, "id", "StatusNotification", FAULTED]),
    ("ocpp1.6", "StatusNotification", ["2", "id", "StatusNotification", SNAKE]),
    ("ocpp1.6", "StatusNotification", json.dumps([2, "id", "StatusNotification", FAULTED])),
    ("ocpp1.6", "StatusNotification", {"payload": [2, "id", "StatusNotification", FAULTED]}),
    ("ocpp1.6", "CALL", [2, "id", "StatusNotification", FAULTED]),
    ("ocpp1.6", "Heartbeat", [2, "id", "StatusNotification", FAULTED]),
    ("OCPP1.6", "StatusNotification", FAULTED),
    ("ocpp16", "StatusNotification", FAULTED),
    ("1.6", "StatusNotification", FAULTED),
    ("1.6J", "StatusNotification", FAULTED),
    ("OCPP 1.6-J", "StatusNotification", FAULTED),
    ("ocpp1.6s", "StatusNotification", FAULTED),
    ("v16", "StatusNotification", FAULTED),
    ("ocpp1.6", "StatusNotification", FAULTED | {"status": "faulted"}),
    ("ocpp1.6", "StatusNotification", FAULTED | {"status": "FAULTED", "errorCode": "over_current_failure"}),
    *(
        ("ocpp1.6", action, FAULTED)
        for action in (
            "ocpp:StatusNotification",
            "urn:ocpp:cp:1.6:StatusNotification",
            "urn://Ocpp/Cp/2015/10/StatusNotification",
            "/StatusNotification",
            "v16.StatusNotification",
            "v16.StatusNotification.req",
            "ocpp.v16.call.StatusNotificationPayload",
            "on_status_notification",
            "handleStatusNotification",
            "CP-1/StatusNotification",
        )
    ),
    ("ocpp1.6", "StatusNotification", {"data": FAULTED}),
    ("ocpp1.6", "StatusNotification", {"data": {"payload": json.dumps(FAULTED)}}),
    ("ocpp1.6", "StatusNotification", [2.0, "id", "StatusNotification", FAULTED]),
    ("ocpp1.6", "StatusNotification", ["2.0", "id", "ocpp:StatusNotification", FAULTED]),
    ("ocpp2.0", "NotifyEvent", EVENT),
    ("OCPP2.0.1", "notify_event", EVENT),
    ("2.1", "NotifyEventRequest", EVENT),
    ("ocpp201", "NotifyEvent", {"payload": EVENT}),
    ("ocpp2.0.1", "NotifyEvent", [2, "1", "NotifyEvent", EVENT]),
]


@pytest.mark.parametrize(("protocol", "action", "payload"), SPELT)
def test_a_fault_in_another_spelling_is_heard_and_the_spelling_named(
    point: ChargePoint, protocol: str, action: str, payload: Any
) -> None:
    told = sent(point, action, payload, protocol)
    assert (told.accepted, told.rejected) == (1, [])
    assert told.warnings
    assert all(place == 0 and sentence.endswith(".") for place, sentence in told.warnings)
    assert Incident.objects.filter(charge_point=point, closed_at=None).count() == 1
    assert ChargePointMessage.objects.get().action in ACTIONS


@pytest.mark.parametrize(
    ("protocol", "action", "payload"),
    [
        ("ocpp1.6", "StatusNotification", FAULTED),
        ("ocpp1.6", "StatusNotification", FAULTED | {"x_vendor": 1, "vendorErrorCode": "E_01"}),
        ("ocpp2.0.1", "NotifyEvent", EVENT),
        ("ocpp1.6", "Heartbeat", {}),
        ("ocpp1.6", "DataTransfer", {"vendorId": "x", "data": {"snake_case": {"payload": 1}}}),
    ],
)
def test_what_is_spelt_right_is_not_warned_of_and_stays(
    point: ChargePoint, protocol: str, action: str, payload: Any
) -> None:
    assert sent(point, action, payload, protocol).warnings == []
    assert ChargePointMessage.objects.get().payload == retained(action, payload)


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def kebab(name: str) -> str:
    return snake(name).replace("_", "-")


def pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


HABITS = st.sampled_from([str, str.upper, str.lower, pascal, snake, kebab, lambda name: f" {name}\u200b"])
WRAPS = st.lists(
    st.sampled_from(
        [
            lambda payload: {"payload": payload},
            json.dumps,
            lambda payload: {"StatusNotification": payload},
            lambda payload: [2, "1", "StatusNotification", payload],
        ]
    ),
    max_size=2,
)


@QUIET
@given(HABITS, HABITS, HABITS, WRAPS, st.sampled_from(["", "Request", ".req", "Payload"]))
def test_no_fault_is_lost_by_its_spelling(habit: Any, of_keys: Any, of_values: Any, wraps: Any, suffix: str) -> None:
    payload: Any = {of_keys(key): of_values(value) if key == "status" else value for key, value in FAULTED.items()}
    for wrap in wraps:
        payload = wrap(payload)
    wire = read_wire("ocpp1.6", habit("StatusNotification") + suffix, payload)
    assert (wire.action, wire.kind, wire.problem) == ("StatusNotification", CALL, "")
    assert wire.payload == FAULTED


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["payload", "status", "a", "StatusNotification", "eventData"]), inner)
    ),
    max_leaves=12,
)


@QUIET
@given(st.text(max_size=20), st.text(max_size=20) | st.sampled_from(list(ACTIONS)), ANY)
def test_nothing_that_comes_raises_and_what_is_read_once_is_exact_by_then(
    protocol: str, action: str, payload: Any
) -> None:
    wire = read_wire(protocol, action, payload)
    if wire.problem:
        assert wire.problem.endswith(".")
        return
    assert wire.action in ACTIONS
    again = read_wire(wire.protocol, wire.action, wire.payload)
    assert (again.action, again.payload) == (wire.action, wire.payload) or not is_exact(
        wire.protocol, wire.action, wire.payload
    )


# ---- what it holds decides which version's message it is ------------------------------------------------------------

STATUS_2X = {"timestamp": clock.iso(NOW), "connectorStatus": "Faulted", "evseId": 1, "connectorId": 1}
BOOT_2X = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}


@pytest.mark.parametrize(
    ("label", "action", "payload", "read"),
    [
        ("ocpp2.0.1", "StatusNotification", FAULTED, "ocpp1.6"),
        ("ocpp2.1", "StatusNotification", FAULTED, "ocpp1.6"),
        ("ocpp2.1", "StatusNotification", FAULTED | {"timestamp": clock.iso(NOW)}, "ocpp1.6"),
        ("ocpp2.0.1", "StatusNotification", {"connectorId": 1, "errorCode": "GroundFailure"}, "ocpp1.6"),
        ("2.0.1", "status_notification", SNAKE, "ocpp1.6"),
        ("ocpp2.1", "StatusNotification", {"data": FAULTED}, "ocpp1.6"),
        ("ocpp1.6", "StatusNotification", STATUS_2X, "ocpp2.0.1"),
        ("ocpp1.6", "StatusNotification", {"connectorStatus": "Faulted", "evseId": 1}, "ocpp2.0.1"),
        ("ocpp1.6", "NotifyEvent", EVENT, "ocpp2.0.1"),
        ("ocpp2.0.1", "BootNotification", {"chargePointModel": "m", "chargePointVendor": "v"}, "ocpp1.6"),
        ("ocpp1.6", "BootNotification", BOOT_2X, "ocpp2.0.1"),
        ("ocpp2.1", "MeterValues", {"connectorId": 1, "meterValue": []}, "ocpp1.6"),
        ("ocpp1.6", "MeterValues", {"evseId": 1, "meterValue": []}, "ocpp2.0.1"),
        ("ocpp1.6", "TransactionEvent", {}, "ocpp2.0.1"),
        ("ocpp2.0.1", "StartTransaction", {"connectorId": 1}, "ocpp1.6"),
    ],
)
def test_a_message_is_of_the_version_whose_fields_it_has(label: str, action: str, payload: Any, read: str) -> None:
    wire = read_wire(label, action, payload)
    assert (wire.protocol, wire.problem) == (read, "")
    assert any(f"the fields of {read}, not of " in note for note in wire.notes)


@pytest.mark.parametrize("label", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize(("bad", "good"), [(FAULTED, FINE), (STATUS_2X, STATUS_2X | {"connectorStatus": "Available"})])
def test_a_fault_begins_and_ends_whatever_version_its_label_names(
    point: ChargePoint, label: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    sent(point, "StatusNotification", bad, label)
    assert Incident.objects.filter(closed_at=None).count() == 1
    sent(point, "StatusNotification", good, label)
    assert not Incident.objects.filter(closed_at=None).exists()


def test_a_status_of_both_versions_at_once_loses_neither_of_its_faults(point: ChargePoint) -> None:
    sent(point, "StatusNotification", STATUS_2X | FAULTED | {"connectorStatus": "Available"}, "ocpp2.0.1")
    assert Incident.objects.get(closed_at=None).case == "FUSE_TRIPPED"


@pytest.mark.parametrize(
    "transfer",
    [
        {"vendorId": "maker", "messageId": "StatusNotification", "data": json.dumps(FAULTED)},
        {"vendorId": "maker", "messageId": "status_notification", "data": FAULTED},
        {"vendorId": "StatusNotification", "data": json.dumps(SNAKE)},
        {
            "vendorId": "maker",
            "messageId": "org.maker.StatusNotification.req",
            "data": json.dumps({"payload": FAULTED}),
        },
    ],
)
@pytest.mark.parametrize("label", ["ocpp1.6", "ocpp2.0.1"])
def test_a_fault_in_a_data_transfer_is_heard(point: ChargePoint, transfer: dict[str, Any], label: str) -> None:
    told = sent(point, "DataTransfer", transfer, label)
    assert (0, "A DataTransfer carried StatusNotification and was read as such.") in told.warnings
    assert Incident.objects.get(closed_at=None).case == "FUSE_TRIPPED"


@pytest.mark.parametrize(
    "transfer",
    [
        {"vendorId": "maker", "messageId": "StatusNotification", "data": "no JSON"},
        {"vendorId": "maker", "messageId": "StatusNotification", "data": json.dumps({"a": 1})},
        {"vendorId": "maker", "messageId": "Heat", "data": json.dumps(FAULTED)},
        {"vendorId": "maker", "messageId": "StatusNotification"},
    ],
)
def test_any_other_data_transfer_stays_one(point: ChargePoint, transfer: dict[str, Any]) -> None:
    assert sent(point, "DataTransfer", transfer).accepted == 1
    assert ChargePointMessage.objects.get().action == "DataTransfer"


SEVERITIES = [3, 3.0, "3", "3.0", " 3 ", "Critical", "critical", "CRITICAL", [3], ["3"], "3 - Critical", "3-Critical"]


@pytest.mark.parametrize("severity", [*SEVERITIES, 0, "Danger", "hardware failure", "HardwareFailure", "Error", "4.00"])
def test_a_grave_severity_is_read_in_any_spelling(point: ChargePoint, severity: Any) -> None:
    quiet = EVENT["eventData"][0] | {"trigger": "Periodic", "actualValue": "7", "severity": severity}  # type: ignore[index]
    quiet |= {"component": {"name": "Controller", "evse": {"id": 1}}, "variable": {"name": "Load"}}
    sent(point, "NotifyEvent", EVENT | {"eventData": [quiet]}, "ocpp2.1")
    assert Incident.objects.filter(closed_at=None).count() == 1


@pytest.mark.parametrize("severity", [7, "7.0", "Notice", "warning", [9], True, None, {}, [], "x", "3000", -1, 1e300])
def test_what_is_no_grave_severity_opens_nothing(point: ChargePoint, severity: Any) -> None:
    quiet = EVENT["eventData"][0] | {"trigger": "Periodic", "actualValue": "7", "severity": severity}  # type: ignore[index]
    quiet |= {"component": {"name": "Controller", "evse": {"id": 1}}, "variable": {"name": "Load"}}
    assert sent(point, "NotifyEvent", EVENT | {"eventData": [quiet]}, "ocpp2.1").accepted == 1
    assert not Incident.objects.exists()


# ---- what is none ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "nearest"),
    [
        ("StatusNotifcation", "StatusNotification"),
        ("statusNotify", "StatusNotification"),
        ("HeartBeatz", "Heartbeat"),
        ("Boot", ""),
        ("Teleport", ""),
        ("\U0001f50c", ""),
        ("x" * 60, ""),
    ],
)
def test_an_action_of_no_version_is_rejected_with_the_nearest(point: ChargePoint, action: str, nearest: str) -> None:
    told = sent(point, action, FAULTED)
    ((_place, sentence),) = told.rejected
    assert "is no action of OCPP 1.6, 2.0.1 or 2.1; the nearest is " in sentence
    named = sentence.removesuffix(".").rpartition(" ")[2]
    assert named in ACTIONS
    assert nearest_action(action) == named
    assert named == (nearest or named)
    assert not ChargePointMessage.objects.exists()


@pytest.mark.parametrize(
    ("protocol", "action", "payload", "named"),
    [
        ("ocpp1.6", "StatusNotification", {}, "`connectorId`, `errorCode`, `status`"),
        ("ocpp1.6", "StatusNotification", {"connectorId": 1}, "`errorCode`, `status`"),
        ("ocpp1.6", "StatusNotification", None, "`connectorId`, `errorCode`, `status`"),
        ("ocpp1.6", "BootNotification", {}, "`chargePointModel`, `chargePointVendor`"),
        ("ocpp2.0.1", "BootNotification", {"reason": "PowerUp"}, "`chargingStation`"),
        ("ocpp1.6", "MeterValues", {"connectorId": 1}, "`meterValue`"),
        ("ocpp2.0.1", "NotifyEvent", {"generatedAt": clock.iso(NOW), "seqNo": 0}, "`eventData`"),
        ("ocpp2.1", "BatterySwap", {}, "`batteryData`, `eventType`, `idToken`, `requestId`"),
        ("ocpp1.6", "StartTransaction", {"connector_id": 1}, "`idTag`, `meterStart`, `timestamp`"),
    ],
)
def test_a_known_action_without_what_it_must_hold_is_rejected_by_name(
    point: ChargePoint, protocol: str, action: str, payload: Any, named: str
) -> None:
    told = sent(point, action, payload if payload is not None else {}, protocol)
    assert told.rejected == [(0, f"{action} lacks {named}, which OCPP requires.")]


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("StatusNotification", {"status": "Faulted", "connectorId": 1}),
        ("StatusNotification", {"connectorStatus": "Faulted", "evseId": 1}),
        ("SecurityEventNotification", {"type": "TamperDetectionActivated"}),
        ("NotifyEvent", {"eventData": EVENT["eventData"]}),
        ("BootNotification", {"firmwareVersion": "5.1"}),
    ],
)
def test_what_says_enough_is_taken_without_the_rest_and_warned_of(
    point: ChargePoint, action: str, payload: dict[str, Any]
) -> None:
    told = sent(point, action, payload)
    assert told.accepted == 1
    assert any("which OCPP requires; what it says was taken." in sentence for _place, sentence in told.warnings)


@pytest.mark.parametrize("payload", [7, True, [1], [7, "a"], "no JSON", [[]], 1.5])
def test_a_payload_that_is_none_is_rejected(point: ChargePoint, payload: Any) -> None:
    wire = read_wire("ocpp1.6", "StatusNotification", payload)
    assert wire.problem == "`payload` must be the OCPP payload, an object."


# ---- answers --------------------------------------------------------------------------------------------------------

CONF = {"status": "Accepted", "currentTime": clock.iso(NOW), "interval": 300}


@pytest.mark.parametrize(
    ("action", "payload", "kind"),
    [
        ("BootNotification", [3, "id", CONF], RESULT),
        ("BootNotification.conf", CONF, RESULT),
        ("BootNotificationResponse", CONF, RESULT),
        ("boot_notification_response", {"status": "Accepted", "current_time": "x", "interval": 300}, RESULT),
        ("BootNotification", CONF, RESULT),
        ("Heartbeat", [3, "id", {"currentTime": clock.iso(NOW)}], RESULT),
        ("BootNotification", [4, "id", "InternalError", "", {}], ERROR),
        ("StatusNotification", [4, "id", "FormationViolation"], ERROR),
        ("StatusNotification", [4], ERROR),
        ("NotifyPeriodicEventStream", [6, "id", "NotifyPeriodicEventStream", {"id": 1}], CALL),
    ],
)
def test_answers_are_read_as_answers(point: ChargePoint, action: str, payload: Any, kind: str) -> None:
    wire = read_wire("ocpp1.6", action, payload)
    if payload != [4]:
        assert (wire.kind, wire.problem) == (kind, "")
    told = sent(point, action, payload)
    assert told.accepted == (kind != CALL and payload != [4])
    assert not Incident.objects.exists()


# ---- identities -----------------------------------------------------------------------------------------------------

COMPOSED, APART = "K\u00f6ln-1", "Ko\u0308ln-1"
SAME = [
    ("CP-1", "cp-1"),
    ("CP-1", " CP-1\t"),
    ("CP-1", "\ufeffCP\u200b-1"),
    (COMPOSED, APART),
    (APART, COMPOSED.upper()),
    ("Stra\u00dfe", "STRA\u00dfE"),
    ("CP-1", "/CP-1"),
    ("CP-1", "CP-1/"),
    ("/CP-1", "cp-1"),
    ("ocpp/CP-1", "/OCPP/CP-1 /"),
]


@pytest.mark.parametrize(("listed", "spelt"), SAME)
def test_a_station_and_an_evse_id_are_the_same_in_every_spelling(listed: str, spelt: str) -> None:
    upsert_charge_points(
        rows=[ChargePointInput(evse_id=f"DE*{listed.strip('/')}*1", station=listed, connector=1)], now=NOW
    )
    point = ChargePoint.objects.get()
    heard = [
        say(point, FAULTED, charge_point=None, station=spelt),
        say(point, FAULTED, charge_point=f" DE*{spelt.strip().strip(' /')}*1"),
        take_neutral(signal(f"de*{spelt.strip().strip(' /')}*1\n", "raised", case="SENSORS")),
    ]
    assert [told.accepted for told in heard] == [1, 1, 1], heard
    upsert_charge_points(rows=[ChargePointInput(evse_id=f" DE*{spelt.strip().strip(' /')}*1", name="renamed")], now=NOW)
    assert ChargePoint.objects.get().name == "renamed"


@pytest.mark.parametrize(
    "spelt", ["DEABCE00011", "DE-ABC-E0001-1", "de*abc*e0001-1", "DE ABC E0001 1", "DE*ABC*E00011"]
)
def test_the_separators_of_an_evse_id_may_be_others(spelt: str) -> None:
    points = [
        ChargePointInput(evse_id=f"DE*ABC*E0001*{n}", station="CP-1" if n < 3 else "", connector=n) for n in (1, 2, 3)
    ]
    upsert_charge_points(rows=points, now=NOW)
    point = ChargePoint.objects.get(connector=1)
    assert say(point, FAULTED, charge_point=spelt).accepted == 1
    assert take_neutral(signal(spelt, "raised", case="SENSORS")).accepted == 1
    assert set(Incident.objects.values_list("charge_point__connector", flat=True)) == {1}


def test_an_evse_id_that_may_be_two_is_neither() -> None:
    upsert_charge_points(
        rows=[ChargePointInput(evse_id=evse_id) for evse_id in ("DE*ABC*E1*11", "DE*ABC*E11*1")], now=NOW
    )
    assert take_neutral(signal("DE*ABC*E11*1", "raised")).accepted == 1
    assert take_neutral(signal("DEABCE111", "raised")).accepted == 0
    assert Incident.objects.get().charge_point.evse_id == "DE*ABC*E11*1"


def test_the_signs_of_any_other_id_count() -> None:
    upsert_charge_points(rows=[ChargePointInput(evse_id="box-1.1")], now=NOW)
    assert take_neutral(signal("box-11", "raised")).accepted == 0


def test_unknown_stations_are_one_in_every_spelling() -> None:
    assert take(*(say_unknown(name) for name in ("cp-9", "CP-9 ", "Cp\u200b-9"))).accepted == 0
    take(say_unknown("CP-9"))
    unknown = UnknownChargePoint.objects.get()
    assert (unknown.station.upper(), unknown.messages) == ("CP-9", 4)


def say_unknown(name: str) -> Any:
    return OcppMessage(station=name, action="StatusNotification", payload=FAULTED)


def test_machines_find_a_charge_point_in_every_spelling(api: ApiClient) -> None:
    upsert_charge_points(rows=[ChargePointInput(evse_id=f"DE*{APART}*1", station=APART)], now=NOW)
    assert ChargePoint.objects.get().evse_id == f"DE*{COMPOSED}*1"
    group = {"name": "g", "emails": ["a@example.org"], "charge_points": [f"de*{APART}\u200b*1"]}
    assert api.post("/charging/groups", group).json()["charge_points"] == 1
    assert api.get(f"/charging/charge-points/de*{APART}*1").json()["station"] == COMPOSED


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("CHARGE_POINT_STATUS_AVAILABLE", "CHARGE_POINT_ERROR_CODE_NO_ERROR"),
        ("STATUS_CHARGING", "ERROR_CODE_NO_ERROR"),
        ("Status_Available", "ErrorCode_NoError"),
        ("ChargePointStatus::Available", "ChargePointErrorCode::NoError"),
        ("<ChargePointStatus.available: 'Available'>", "NoError"),
    ],
)
def test_members_of_enumerations_are_known_behind_its_name(status: str, code: str) -> None:
    wire = read_wire("ocpp1.6", "StatusNotification", {"connectorId": 1, "status": status, "errorCode": code})
    assert wire.payload["status"] in ("Available", "Charging")
    assert wire.payload["errorCode"] == "NoError"

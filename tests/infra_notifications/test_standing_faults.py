"""What says by itself that something is broken: no word, rule or odd spelling silences it; an end has a name."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra_notifications.models import ChargePoint, ChargePointState, EventRule, UnmappedReport
from infra_notifications.services.mapping import forget_rule_book, rule_from_report
from tests.factories.infra_notifications import ChargePointFactory
from tests.infra_notifications.helpers import at, event, events, fault, fine, open_cases, say

pytestmark = pytest.mark.django_db

OTHER, FUSE, SENSORS = "OTHER_FAULT", "FUSE_TRIPPED", "SENSORS"
NO_ENDS = (
    *(
        "RCD reset required",
        "RCD needs reset",
        "RCD must be reset",
        "please reset RCD",
        "Reset breaker and call service",
    ),
    *("RCD reset failed", "Failed to reset RCD", "RCD cannot be reset", "RCD tripped again after reset"),
    *("reset of RCD timed out", "RCD reset attempts exceeded", "fuse to be replaced", "Fuse must be replaced"),
    *("Sicherung muss ersetzt werden", "FI muss zurückgesetzt werden", "FI nach Reset erneut ausgelöst"),
    *("diferencial disparado tras rearme", "Ground fault after power restored", "disjoncteur doit être réarmé"),
    *("aardlekschakelaar moet gereset worden", "il salvavita deve essere ripristinato", "fusible debe ser reparado"),
    *("RCD couldn't be reset", "RCD won't reset", "zekering moet vervangen worden", "fusible à remplacer"),
)
ENDS = (
    *("E-stop released", "fuse replaced", "Ground fault cleared", "Error TiltDetected resolved", "door closed"),
    *("RCD reconnected", "Sicherung ersetzt", "Tür geschlossen", "porte fermée", "puerta cerrada", "deur gesloten"),
)
STANDARD = (
    "GroundFailure",
    "OverCurrentFailure",
    "InternalError",
    "OtherError",
    "PowerSwitchFailure",
    "HighTemperature",
)


@pytest.fixture
def point() -> ChargePoint:
    return ChargePointFactory()


# ---- an end in words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*NO_ENDS, *ENDS, "E-Stop reset failed", "E-stop must be released"])
def test_no_word_silences_a_fault_with_a_standard_code(point: ChargePoint, text: str) -> None:
    for second, code in enumerate(STANDARD):
        say(point, fault(code, info=text), now=at(2 * second))
        assert open_cases(point) != [], code
        say(point, fine(), now=at(2 * second + 1))
    say(point, fault("GroundFailure"), now=at(60))
    say(point, fault("OverCurrentFailure", info=text), now=at(61))
    assert FUSE in open_cases(point)


@pytest.mark.parametrize("text", NO_ENDS)
@pytest.mark.parametrize("status", ["Faulted", "Available", "Charging"])
def test_an_end_that_is_asked_for_or_failed_ends_nothing(point: ChargePoint, text: str, status: str) -> None:
    say(point, fault("GroundFailure", status=status))
    say(point, fault("GroundFailure", status=status, info=text), now=at(1))
    assert open_cases(point) == [FUSE]


@pytest.mark.parametrize(
    ("data", "case"),
    [
        (event("Connector", "Problem", True, severity=2, techInfo="RCD tripped again after reset"), FUSE),
        (event("Connector", "Problem", True, severity=2, techInfo="RCD reset required"), FUSE),
        (event("RCD", "Tripped", True, techInfo="Ground fault cleared"), FUSE),
        (event("EVSE", "AvailabilityState", "Faulted", techInfo="fuse replaced"), OTHER),
        (event("EVSE", "Problem", True, techInfo="tilt resolved"), OTHER),
        (event("PowerContactor", "Problem", True, severity=1, techInfo="RCD tripped"), FUSE),
    ],
)
def test_what_is_true_counts_beside_any_word(point: ChargePoint, data: dict[str, Any], case: str) -> None:
    say(point, events(data), protocol="ocpp2.1")
    assert open_cases(point) == [case]


@pytest.mark.parametrize("was_open", [True, False])
def test_named_end_while_another_error_stands(point: ChargePoint, was_open: bool) -> None:
    tilt = {"vendorId": "EVerest", "vendorErrorCode": "evse_board_support/TiltDetected"}
    if was_open:
        say(point, fault("OtherError", info="TiltDetected", **tilt))
        assert open_cases(point) == [SENSORS]
        say(point, fault("PowerMeterFailure"), now=at(1))
    say(point, fault("PowerMeterFailure", info="Error TiltDetected resolved", **tilt), now=at(2))
    assert open_cases(point) == [OTHER]
    say(point, fine(), now=at(3))
    assert open_cases(point) == []


def test_end_of_one_of_two_named_faults(point: ChargePoint) -> None:
    say(point, fault("OtherError", info="Door open"))
    say(point, fault("GroundFailure"), now=at(1))
    assert open_cases(point) == [FUSE, SENSORS]
    say(point, fault("GroundFailure", info="door closed"), now=at(2))
    assert open_cases(point) == [FUSE]


@pytest.mark.parametrize("code", ["NoError", "OtherError"])
def test_faulted_beside_an_end_belongs_to_the_cause_that_is_open(point: ChargePoint, code: str) -> None:
    say(point, fault("GroundFailure"))
    say(point, fault(code, info="door closed"), now=at(1))
    assert open_cases(point) == [FUSE]
    say(point, fine(), now=at(2))
    assert open_cases(point) == []


# ---- statuses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status",
    [
        *("Fault", "Error", "OutOfOrder", "OUTOFORDER", "out of order", "Failed", "Blocked", "Störung", "gestört"),
        *("Defekt", "en panne", "en défaut", "avería", "fallo", "storing", "defect", "guasto", "errore"),
        *("ChargePointStatus.faulted", "FAULTED"),
    ],
)
def test_spellings_of_faulted(point: ChargePoint, status: str) -> None:
    intake = say(point, fine(status=status))
    assert open_cases(point) == [OTHER]
    assert "Faulted" in str(intake.warnings)
    assert ChargePointState.objects.get(charge_point=point).status == "Faulted"


# Words for out of service did as much once. They are Unavailable now, of which OCPP says the same: nobody can charge,
# and nobody is told of it by the rules that come with the product (test_words_of_states.py).
@pytest.mark.parametrize("status", ["Foo", "", None, "Defaulted", "Unknown"])
def test_unknown_status_neither_ends_nor_raises(point: ChargePoint, status: str | None) -> None:
    assert say(point, fine(status=status)).warnings != []
    assert open_cases(point) == []
    say(point, fault("GroundFailure"), now=at(1))
    say(point, fine(status=status), now=at(2))
    assert open_cases(point) == [FUSE]


# ---- what text or vendor's code name beside "no error" ---------------------------------------------------------------

NOT_AVAILABLE = ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable"]


@pytest.mark.parametrize("status", NOT_AVAILABLE)
def test_fault_goes_on_while_it_is_named_beside_no_error(point: ChargePoint, status: str) -> None:
    say(point, fine(status=status, info="Door open", vendorErrorCode="0"))
    assert open_cases(point) == [SENSORS]
    say(point, fine(status=status), now=at(1))
    assert open_cases(point) == []
    say(point, fault("OtherError", vendorErrorCode="EmergencyStop"), now=at(2))
    say(point, fine(status=status, vendorErrorCode="EmergencyStop", info="0"), now=at(3))
    assert open_cases(point) == [FUSE]
    say(point, fine(vendorErrorCode="EmergencyStop"), now=at(4))
    assert open_cases(point) == [], "Available: that is what was left over of it"


# ---- codes ----------------------------------------------------------------------------------------------------------

NO_ERRORS = (
    *("None", "OK", "0", "NoFault", "null", "N/A", "-", "ChargePointErrorCode.no_error", "noError", "No Error"),
    *("no_error", "NO_ERROR", 0, "", None),
)


@pytest.mark.parametrize("code", NO_ERRORS)
def test_spellings_of_no_error_end(point: ChargePoint, code: Any) -> None:
    say(point, fault("GroundFailure"))
    say(point, fine(errorCode=code), now=at(1))
    assert open_cases(point) == []


def test_available_without_a_code_is_an_end_and_warned_of(point: ChargePoint) -> None:
    say(point, fault("GroundFailure"))
    intake = say(point, {"connectorId": 1, "status": "Available"}, now=at(1))
    assert open_cases(point) == []
    assert "errorCode" in str(intake.warnings)


@pytest.mark.parametrize(
    ("after", "cases"),
    [
        (fault("WeakSignal", status="Available"), []),
        (fault("EVCommunicationError", status="Charging"), []),
        (fault("InternalError", status="Available"), [OTHER]),
        (fault("OtherError", status="Available", info="door open"), [SENSORS]),
        (fault("OtherError", status="Charging", info="Firmware update"), []),
        (fault("WeakSignal", status="Unavailable"), [FUSE]),
        (fault("ReaderFailure", status="Unavailable"), [FUSE, OTHER]),
        (fault("ReaderFailure"), [FUSE, OTHER]),
    ],
)
def test_status_that_lets_one_charge_ends_what_was_faulted(
    point: ChargePoint, after: dict[str, Any], cases: list[str]
) -> None:
    say(point, fault("GroundFailure"))
    say(point, after, now=at(1))
    assert open_cases(point) == cases
    say(point, fine(), now=at(2))
    assert open_cases(point) == []


def test_what_one_can_charge_in_spite_of_is_told_in_turn(point: ChargePoint) -> None:
    say(point, fault("OtherError", status="Available", info="TiltDetected"))
    say(point, fault("PowerMeterFailure", status="Available"), now=at(1))
    assert open_cases(point) == [OTHER, SENSORS]
    say(point, fault("PowerMeterFailure", status="Available", info="Error TiltDetected resolved"), now=at(2))
    assert open_cases(point) == [OTHER]
    say(point, fine(), now=at(3))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("payload", "case"),
    [
        (fault("WeakSignal", info="RCD tripped"), [FUSE]),
        (fault("WeakSignal", status="Charging", info="no impact on charging"), []),
        (fault("OtherError", info="RDC > 6mA"), [FUSE]),
        (fault("OtherError", info="F1 tripped"), [FUSE]),
        (fault("OtherError", info="Emergency stop button pressed"), [FUSE]),
        (fine(status="Unavailable", info="Emergency stop pressed"), [FUSE]),
        (fine(status="Charging", info="Door open"), [SENSORS]),
        (fine(status="Available", info="Door open"), []),
        (fine(status="Charging", info="Door closed"), []),
        *((fault("OtherError", info=text), [OTHER]) for text in ("RCD hasn't tripped", "RCD didn’t trip")),
        *((fault("OtherError", info=text), [OTHER]) for text in ("DC leakage 0.2 mA", "RCD type B installed")),
        *((fault("OtherError", info=text), [OTHER]) for text in ("fuse 32A", "Sicherung 63 A", "FI Typ A verbaut")),
        *((fault("OtherError", info=text), [OTHER]) for text in ("le disjoncteur n'a jamais déclenché",)),
        *((fault("OtherError", info=text), [OTHER]) for text in ("el diferencial nunca ha saltado",)),
        *((fault("OtherError", info=text), [OTHER]) for text in ("aardlekschakelaar is nooit uitgeschakeld",)),
    ],
)
def test_texts_beside_codes(point: ChargePoint, payload: dict[str, Any], case: list[str]) -> None:
    say(point, payload)
    assert open_cases(point) == case


# ---- OCPP 2.x -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["yes", "on", "active", "Tripped", "1", None, "", "E42"])
def test_problem_in_whatever_words(point: ChargePoint, value: Any) -> None:
    data = event("PowerContactor", "Problem") | {"actualValue": value}
    say(point, events(data))
    assert open_cases(point) == [OTHER]


@pytest.mark.parametrize("value", ["no", "off", "inactive", "OK", False, "0", "No Fault"])
def test_end_of_a_problem_in_whatever_words_and_case(point: ChargePoint, value: Any) -> None:
    say(point, events(event("PowerContactor", "Problem")))
    say(point, events(event("powercontactor", "problem", value)), now=at(1))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("data", "case"),
    [
        (event("Connector", "ErrorCode", "GroundFailure"), [FUSE]),
        (event("Connector", "ErrorCode", "E42"), [OTHER]),
        (event("Connector", "ErrorCode", "NoError"), []),
        (event("EmergencyStop", "Active"), [FUSE]),
        (event("EmergencyStop", "Tripped"), [FUSE]),
        (event("EmergencyStop", "Enabled"), []),
        (event("EVSE", "Overload"), [FUSE]),
        (event("ResidualCurrentDevice", "Tripped"), [FUSE]),
        (event("FuseBox", "Problem"), [FUSE]),
        (event("FuseBox", "Available"), []),
        (event("EVSE", "availability_state", "Faulted"), [OTHER]),
        (event("EVSE", "AvailabilityState", "ConnectorStatusEnumType.faulted"), [OTHER]),
        (event("EVSE", "Problem") | {"variable": "Problem", "component": "EVSE"}, [OTHER]),
        (event("TiltSensor", "Active", True, severity=9), []),
        (event("TiltSensor", "Active", True, severity=9, trigger="Periodic"), []),
        (event("TiltSensor", "Active", True, severity=9, trigger="Alerting"), [SENSORS]),
        (event("TiltSensor", "Active", True), [SENSORS]),
    ],
)
def test_events_in_other_spellings(point: ChargePoint, data: dict[str, Any], case: list[str]) -> None:
    say(point, events(data), protocol="ocpp2.1")
    assert open_cases(point) == case


def test_security_event_in_snake_case(point: ChargePoint) -> None:
    said = {"type": "tamper_detection_activated", "timestamp": at(0).isoformat()}
    say(point, said, action="SecurityEventNotification", protocol="ocpp2.0.1")
    assert open_cases(point) == [SENSORS]


# ---- rules of operators ---------------------------------------------------------------------------------------------


def said_to_be_harmless(report: UnmappedReport, effect: str = "info") -> None:
    rule_from_report(report=report, effect=effect, case="")
    forget_rule_book()


@pytest.mark.parametrize("effect", ["info", "clear"])
def test_click_on_faulted_silences_nothing_that_is_faulted(point: ChargePoint, effect: str) -> None:
    bare = {"connectorStatus": "Faulted", "evseId": 1, "connectorId": 1, "timestamp": at(0).isoformat()}
    report = UnmappedReport(protocol="ocpp2.0.1", action="StatusNotification", said="Faulted", signature="x")
    report.conditions = {"actions": ["StatusNotification"], "codes": ["!*"], "statuses": ["Faulted"], "words": ["="]}
    report.first_seen = report.last_seen = at(0)
    report.save()
    said_to_be_harmless(report, effect)
    say(point, fault("GroundFailure"))
    assert open_cases(point) == [FUSE]
    say(point, fine(), now=at(1))
    say(point, bare, now=at(2))
    assert open_cases(point) == [OTHER]


def test_click_on_a_part_leaves_its_grave_messages_and_what_they_name(point: ChargePoint) -> None:
    say(point, events(event("OddPart", "Problem", True)), protocol="ocpp2.1")
    said_to_be_harmless(UnmappedReport.objects.get())
    say(point, events(event("OddPart", "Problem", False)), protocol="ocpp2.1", now=at(1))
    say(point, events(event("OddPart", "Problem", True)), protocol="ocpp2.1", now=at(2))
    assert open_cases(point) == []
    say(point, events(event("OddPart", "Problem", True, severity=1)), protocol="ocpp2.1", now=at(3))
    assert open_cases(point) == [OTHER]
    tripped = event("OddPart", "Problem", True, severity=1, techInfo="RCD tripped")
    say(point, events(tripped), protocol="ocpp2.1", now=at(4))
    assert FUSE in open_cases(point)


# ---- nothing that is Faulted is silent ------------------------------------------------------------------------------

STATUSES = ("Faulted", "Störung", "Available", "Charging", "Unavailable", "Foo", "")
CODES = (*STANDARD, "NoError", "WeakSignal", "None", "", "E42", "GroundFailure,F003")
TEXTS = ("", "RCD tripped", "door open", "all OK", "Firmware update", "kein Fehler", *NO_ENDS, *ENDS)
STATUS_1_6 = st.builds(
    lambda status, code, info: fault(code, status=status, info=info),
    *(st.sampled_from(STATUSES), st.sampled_from(CODES), st.sampled_from(TEXTS)),
)
STATE_2_X = st.builds(
    lambda status, text, code, cleared: events(
        event("Connector", "AvailabilityState", status, techInfo=text, techCode=code, cleared=cleared)
    ),
    *(st.sampled_from(STATUSES), st.sampled_from(TEXTS)),
    *(st.sampled_from((None, "CX004", "E42")), st.sampled_from((None, None, True))),
)
DEFECT_2_X = st.builds(
    lambda part, variable, value, text: events(event(part, variable, value, techInfo=text)),
    *(st.sampled_from(("EVSE", "RCD", "FuseBox", "TiltSensor")), st.sampled_from(("Problem", "Tripped", "Active"))),
    *(st.sampled_from((True, False, "yes", "off", "")), st.sampled_from(TEXTS)),
)
HARMLESS_RULES = (
    {"effect": "info", "statuses": ["Faulted"]},
    {"effect": "clear", "statuses": ["Faulted"]},
    {"effect": "clear", "case": FUSE, "codes": ["GroundFailure"]},
    {"effect": "info", "codes": ["OtherError", "InternalError"]},
    {"effect": "info", "components": ["Connector", "EVSE"]},
    {"effect": "clear", "case": SENSORS, "words": ["tripped"]},
)


@settings(max_examples=120)
@given(
    messages=st.lists(st.one_of(STATUS_1_6, STATE_2_X, DEFECT_2_X), min_size=1, max_size=6),
    harmless=st.one_of(st.none(), st.sampled_from(HARMLESS_RULES)),
)
@example(
    messages=[
        fault("GroundFailure", info=""),
        events(event("Connector", "AvailabilityState", "", techInfo="E-stop released")),
    ],
    harmless=None,
)
def test_no_charge_point_is_faulted_without_an_incident(
    messages: list[dict[str, Any]], harmless: dict[str, Any] | None
) -> None:
    with transaction.atomic():
        point = ChargePointFactory()
        if harmless:
            EventRule.objects.create(name="An operator’s own", precedence=10, **({"case": ""} | harmless))
        forget_rule_book()
        for second, payload in enumerate(messages):
            say(point, payload, now=at(second))
            is_faulted = ChargePointState.objects.get(charge_point=point).status == "Faulted"
            assert not is_faulted or open_cases(point) != []
        transaction.set_rollback(True)
    forget_rule_book()

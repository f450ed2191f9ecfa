"""The rules that come with Signalbox: what chargers say, in every OCPP version, and what it means."""

from __future__ import annotations

from typing import Any

import pytest

from infra_notifications.ingest import observe
from infra_notifications.models import EventRule
from infra_notifications.rules.matching import effect_of
from infra_notifications.services.mapping import forget_rule_book, rule_book, save_rule
from tests.infra_notifications.helpers import event, events, fault, fine

pytestmark = pytest.mark.django_db

FUSE, SENSORS, UNAVAILABLE, OTHER = "FUSE_TRIPPED", "SENSORS", "UNAVAILABLE", "OTHER_FAULT"
CHARGEX = {"vendorId": "https://chargex.inl.gov"}
EVEREST_CODES = {"info": "evse_board_support->board_support", "vendorId": "Something is wrong with the board"}


def meaning(payload: dict[str, Any], action: str = "", protocol: str = "") -> str:
    """What a message means by the rules: "raise FUSE_TRIPPED", "clear", "info", "unmapped" or "life"."""
    two = "eventData" in payload or "connectorStatus" in payload
    action = action or ("NotifyEvent" if "eventData" in payload else "StatusNotification")
    found = []
    for seen in observe(protocol or ("ocpp2.0.1" if two else "ocpp1.6"), action, payload):
        rule = rule_book().match(seen)
        if rule is None:
            found.append("unmapped" if seen.alarming else "life")
        else:
            found.append(f"{effect_of(rule, seen)} {rule.case}".strip())
    assert len(found) == 1
    return found[0]


# ---- OCPP 1.6: errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "means"),
    [
        # Standard codes.
        (fault("OverCurrentFailure"), f"raise {FUSE}"),
        (fault("GroundFailure"), f"raise {FUSE}"),
        (fault("OverCurrentFailure", status="Available"), f"raise {FUSE}"),
        (fault("HighTemperature"), f"raise {SENSORS}"),
        (fault("HighTemperature", status="Charging"), f"raise {SENSORS}"),
        # Bender/ebee: lower case, the name of OCPP 1.5, plain words.
        (fault("overCurrentFailure", info="MCB of type 2 socket triggered"), f"raise {FUSE}"),
        (fault("overCurrentFailure", info="MCB of domestic socket triggered"), f"raise {FUSE}"),
        (fault("groundFailure", info="RCD triggered"), f"raise {FUSE}"),
        (fault("groundFailure", info="Residual current detected via sensor"), f"raise {FUSE}"),
        (fault("groundFailure", info="RCD may be triggered (OCPP meter power loss)"), f"raise {FUSE}"),
        (fault("mode3Error", info="RCD triggered"), f"raise {FUSE}"),
        (fault("mode3Error"), f"raise {OTHER}"),
        (fault("powerSwitchFailure", info="Contactor welded"), f"raise {OTHER}"),
        (fault("otherError", info="The charge point is tilted"), f"raise {SENSORS}"),
        (fault("otherError", info="The charge point was tilted"), f"raise {SENSORS}"),
        (fault("OtherError", vendorErrorCode="ERR_TILT"), f"raise {SENSORS}"),
        (fault("OtherError", vendorErrorCode="ERR_TILT_PREVENT_CHARGING_UNTIL_REBOOT"), f"raise {SENSORS}"),
        (fault("InternalError", info="Backend disconnected"), f"raise {OTHER}"),
        (fault("InternalError", info="No power on mains detected"), f"raise {OTHER}"),
        # ChargeX MREC, alone, in lists and in any case.
        (fault("OtherError", vendorErrorCode="CX004", **CHARGEX), f"raise {FUSE}"),
        (fault("OtherError", vendorErrorCode="CX002", **CHARGEX), f"raise {FUSE}"),
        (fault("OtherError", vendorErrorCode="cx002", **CHARGEX), f"raise {FUSE}"),
        (fault("OtherError", vendorErrorCode="CX015,CX004", **CHARGEX), f"raise {FUSE}"),
        (fault("OtherError", vendorErrorCode="CX008", **CHARGEX), f"raise {FUSE}"),
        (fault("OtherError", vendorErrorCode="CX026", **CHARGEX), f"raise {SENSORS}"),
        (fault("OtherError", vendorErrorCode="CX015", **CHARGEX), f"raise {OTHER}"),
        (fault("OtherError", vendorErrorCode="CX017", **CHARGEX), f"raise {OTHER}"),
        (fault("OtherError", vendorErrorCode="CX0041", **CHARGEX), f"raise {OTHER}"),
        # EVgo MREC: lists of codes that no standard rule knows.
        (
            fault("OtherError", status="Finishing", vendorErrorCode="F001,F003", vendorId="com.evgo.mrec"),
            f"raise {OTHER}",
        ),
        # EVerest: "Type/SubType" as the vendor's code.
        (fault("OtherError", vendorErrorCode="evse_board_support/TiltDetected", **EVEREST_CODES), f"raise {SENSORS}"),
        (
            fault("OtherError", vendorErrorCode="evse_board_support/WaterIngressDetected", **EVEREST_CODES),
            f"raise {SENSORS}",
        ),
        (fault("OtherError", vendorErrorCode="evse_board_support/EnclosureOpen", **EVEREST_CODES), f"raise {SENSORS}"),
        (fault("OtherError", vendorErrorCode="evse_manager/Inoperative", **EVEREST_CODES), f"raise {OTHER}"),
        (fault("GroundFailure", vendorErrorCode="CX002", info="ac_rcd->main"), f"raise {FUSE}"),
        # Words, in the languages that are sold here.
        (fault("OtherError", info="LS-Schalter ausgelöst"), f"raise {FUSE}"),
        (fault("OtherError", info="FI ausgelöst"), f"raise {FUSE}"),
        (fault("OtherError", info="Sicherung hat ausgelöst"), f"raise {FUSE}"),
        (fault("InternalError", info="RCBO tripped"), f"raise {FUSE}"),
        (fault("InternalError", vendorErrorCode="RCCB trip"), f"raise {FUSE}"),
        (fault("InternalError", info="RCMB triggered at 6 mA"), f"raise {FUSE}"),
        (fault("OtherError", info="main breaker tripped"), f"raise {FUSE}"),
        (fault("OtherError", info="fuse 2 tripped"), f"raise {FUSE}"),
        (fault("OtherError", info="fuse rating 16 A"), f"raise {OTHER}"),
        (fault("OtherError", info="WIFI trigger failed"), f"raise {OTHER}"),
        (fault("OtherError", info="RCD self test passed"), f"raise {OTHER}"),
        (fault("OtherError", info="Shock detected"), f"raise {SENSORS}"),
        (fault("OtherError", info="impact sensor"), f"raise {SENSORS}"),
        (fault("OtherError", info="crash!"), f"raise {SENSORS}"),
        (fault("OtherError", info="Vibrations measured"), f"raise {SENSORS}"),
        (fault("OtherError", info="Tampering suspected"), f"raise {SENSORS}"),
        (fault("InternalError", info="door open"), f"raise {SENSORS}"),
        (fault("InternalError", info="Front door is open"), f"raise {SENSORS}"),
        (fault("InternalError", info="Cover opened"), f"raise {SENSORS}"),
        (fault("InternalError", info="enclosure open"), f"raise {SENSORS}"),
        (fault("InternalError", info="Housing open"), f"raise {SENSORS}"),
        (fault("InternalError", info="Flooding of the cabinet"), f"raise {SENSORS}"),
        (fault("InternalError", info="water ingress"), f"raise {SENSORS}"),
        (fault("InternalError", info="smoke detected"), f"raise {SENSORS}"),
        (fault("InternalError", info="door closed"), f"raise {OTHER}"),
        (fault("InternalError", info="stilted speech"), f"raise {OTHER}"),
        # Known to be no alarm, or unknown and visible.
        (fault("EVCommunicationError", status="SuspendedEV"), "clear"),
        (fault("EVCommunicationError", status="Unavailable"), "info"),
        (fault("WeakSignal", status="Available"), "clear"),
        (fault("WeakSignal", status="Unavailable"), "info"),
        (fault("LocalListConflict", status="Available"), "clear"),
        (fault("LocalListConflict", status="Unavailable"), "info"),
        (fault("ReaderFailure", status="Available"), f"raise {OTHER}"),
        (fault("ConnectorLockFailure"), f"raise {OTHER}"),
        (fault("PowerMeterFailure"), f"raise {OTHER}"),
        (fault("PowerSwitchFailure"), f"raise {OTHER}"),
        (fault("ResetFailure"), f"raise {OTHER}"),
        (fault("OverVoltage"), f"raise {OTHER}"),
        (fault("UnderVoltage"), f"raise {OTHER}"),
        (
            fault("OtherError", connectorId=0, info="Modbus TCP/IP lost contact", vendorErrorCode="210"),
            f"raise {OTHER}",
        ),
    ],
)
def test_error_of_ocpp_1_6(payload: dict[str, Any], means: str) -> None:
    assert meaning(payload) == means


@pytest.mark.parametrize(
    ("payload", "means"),
    [
        (fine(), "clear"),
        (fine(status="Charging"), "clear"),
        (fine(status="Unavailable"), "clear"),
        (fine(errorCode="noError"), "clear"),
        (fine(vendorErrorCode="AMINA_INFO", info="Cable lock moved"), "clear"),
        (fine(vendorErrorCode="CX004"), "clear"),
        (fine(info="RCD reconnected"), "clear"),
        # Faulted counts, whatever the code; what is beside it tells the cause.
        (fault("NoError"), f"raise {OTHER}"),
        (fault("NoError", vendorErrorCode="AMINA_INFO"), f"raise {OTHER}"),
        (fault("NoError", vendorErrorCode="CX004", **CHARGEX), f"raise {FUSE}"),
        (fault("NoError", vendorErrorCode="evse_board_support/TiltDetected"), f"raise {SENSORS}"),
        (fault("NoError", info="RCD triggered"), f"raise {FUSE}"),
        (fault("NoError", info="door open"), f"raise {SENSORS}"),
        # Bender says that it is over while the code still stands.
        (fault("overCurrentFailure", status="Available", info="MCB type 2 reconnected"), f"clear {FUSE}"),
        (fault("overCurrentFailure", status="Available", info="MCB domestic socket reconnected"), f"clear {FUSE}"),
        (fault("groundFailure", status="Available", info="RCD reconnected"), f"clear {FUSE}"),
        (fault("groundFailure", status="Charging", info="Residual current situation resolved"), f"clear {FUSE}"),
        # As long as it is Faulted, the code counts.
        (fault("overCurrentFailure", info="MCB type 2 reconnected"), f"raise {FUSE}"),
        (fault("groundFailure", info="Residual current situation resolved"), f"raise {FUSE}"),
        (fault("groundFailure", info="RCD disconnected"), f"raise {FUSE}"),
    ],
)
def test_end_of_an_error_of_ocpp_1_6(payload: dict[str, Any], means: str) -> None:
    assert meaning(payload) == means


NOT_AVAILABLE = ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable"]


def test_what_text_or_vendors_code_name_beside_no_error_is_heard_unless_one_may_plug_in() -> None:
    codes = {
        FUSE: ["CX004", "GroundFailure", "evse_board_support/MREC2GroundFailure", "MREC8EmergencyStop", "RCD"],
        SENSORS: ["TiltDetected", "HighTemperature", "CX026"],
    }
    words = {
        FUSE: ["EmergencyStop", "E-STOP", "GroundFault", "ERR_RCD_TRIP", "Not-Aus gedrückt"],
        SENSORS: ["doorOpen", "Tür offen", "Water ingress"],
    }
    for case in (FUSE, SENSORS):
        for status in NOT_AVAILABLE:
            for said in (*codes[case], *words[case]):
                assert meaning(fine(status=status, vendorErrorCode=said)) == f"raise {case}", (said, status)
                assert meaning(fine(vendorErrorCode=said)) == "clear", said
            for said in words[case]:
                assert meaning(fine(status=status, info=said)) == f"raise {case}", (said, status)
                assert meaning(fine(status=status, info=said, vendorErrorCode="0")) == f"raise {case}", (said, status)


def test_what_names_nothing_that_is_broken_beside_no_error_is_an_end() -> None:
    calm = (
        *("0", "none", "0x0", "0x0000", "OK", "NoError", "AMINA_INFO", "RCD OK", "RCD self test passed", "door closed"),
        *("EmergencyStopReleased", "NO_FAULT", "Error TiltDetected resolved", "17", "ReaderFailure", "WeakSignal"),
    )
    for status in NOT_AVAILABLE:
        for said in calm:
            assert meaning(fine(status=status, vendorErrorCode=said)) == "clear", (said, status)
            assert meaning(fine(status=status, info=said)) == "clear", (said, status)


# ---- OCPP 2.0.1 and 2.1: components and variables -------------------------------------------------------------------

RAISING = [
    ("OverCurrentProtection", "Active", FUSE),
    ("OverCurrentProtection", "Tripped", FUSE),
    ("RCD", "Tripped", FUSE),
    ("UpstreamProtectionTrigger", "Tripped", FUSE),
    ("GroundIsolationProtection", "Active", FUSE),
    ("GroundIsolationProtection", "Problem", FUSE),
    ("PowerContactor", "Tripped", FUSE),
    ("OverCurrentProtectionRecloser", "Problem", FUSE),
    ("RCDRecloser", "Problem", FUSE),
    ("ShockSensor", "Active", SENSORS),
    ("TiltSensor", "Active", SENSORS),
    ("FloodSensor", "Active", SENSORS),
    ("FloodSensor", "Tripped", SENSORS),
    ("CaseAccessSensor", "Active", SENSORS),
    ("CaseAccessSensor", "Tripped", SENSORS),
    ("CaseAccessSensor", "Problem", SENSORS),
    ("CableBreakawaySensor", "Active", SENSORS),
    ("CableBreakawaySensor", "Tripped", SENSORS),
    ("EmergencyStopSensor", "Active", FUSE),
    ("EmergencyStopSensor", "Tripped", FUSE),
    ("TemperatureSensor", "Active", SENSORS),
    ("TemperatureSensor", "Problem", SENSORS),
    ("ExternalTemperatureSensor", "Active", SENSORS),
    ("TiltSensor", "Problem", SENSORS),
    ("HumiditySensor", "Problem", SENSORS),
    *((f"{part}Sensor", "Tripped", SENSORS) for part in ("Shock", "Tilt", "Temperature", "ExternalTemperature", "Odd")),
    *(("RCD", variable, FUSE) for variable in ("Problem", "Fault", "Alarm")),
    *(
        (part, "Tripped", FUSE)
        for part in ("GroundIsolationProtection", "OverCurrentProtectionRecloser", "RCDRecloser")
    ),
    ("SmokeSensor", "Active", SENSORS),
    ("CaseAccessSensor", "Alarm", SENSORS),
]
HARMLESS = [
    ("OverCurrentProtection", "Operated", "info"),
    ("RCD", "Operated", "info"),
    ("PowerContactor", "Active", "info"),
    ("DataLink", "Active", "info"),
    ("BayOccupancySensor", "Active", "info"),
    ("BayOccupancySensor", "Problem", f"raise {OTHER}"),
    ("BayOccupancySensor", "Fault", f"raise {OTHER}"),
    ("ConnectorHolsterSensor", "Active", "info"),
    ("VehicleIdSensor", "Active", "info"),
    ("LocalAvailabilitySensor", "Active", "info"),
    ("LightSensor", "Active", "info"),
    ("DataLink", "Problem", f"raise {OTHER}"),
    ("PowerContactor", "Problem", f"raise {OTHER}"),
    ("UpstreamProtectionTrigger", "Problem", f"raise {OTHER}"),
    ("OverCurrentProtectionRecloser", "Active", "unmapped"),
    ("ChargingStation", "Problem", f"raise {OTHER}"),
    ("EVSE", "Tripped", f"raise {OTHER}"),
    ("DistributionPanel", "Fuse", "unmapped"),
]
VERSIONS = pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])


@VERSIONS
@pytest.mark.parametrize(("component", "variable", "case"), RAISING)
def test_component_raises_and_clears_its_case(protocol: str, component: str, variable: str, case: str) -> None:
    said = {"severity": 3} if protocol == "ocpp2.1" else {}
    raised = (event(component, variable, **said), event(component, variable, True, trigger="Alerting"))
    cleared = (event(component, variable, "false", **said), event(component, variable, cleared=True, **said))
    expected = {f"raise {case}": raised, f"clear {case}": cleared}
    for means, variants in expected.items():
        assert {meaning(events(one), protocol=protocol) for one in variants} == {means}


@VERSIONS
@pytest.mark.parametrize(("component", "variable", "means"), HARMLESS)
def test_component_that_raises_nothing(protocol: str, component: str, variable: str, means: str) -> None:
    assert meaning(events(event(component, variable)), protocol=protocol) == means


@pytest.mark.parametrize(
    ("data", "means"),
    [
        # EVerest: every error is EVSE.Problem or ChargingStation.Problem; the techCode tells.
        (event("EVSE", "Problem", techCode="CX004"), f"raise {FUSE}"),
        (event("EVSE", "Problem", techCode="CX002"), f"raise {FUSE}"),
        (event("ChargingStation", "Problem", techCode="CX002", evse=None), f"raise {FUSE}"),
        (event("EVSE", "Problem", techCode="ac_rcd/MREC2GroundFailure"), f"raise {FUSE}"),
        (event("EVSE", "Problem", techCode="evse_board_support/MREC4OverCurrentFailure"), f"raise {FUSE}"),
        (event("EVSE", "Problem", techCode="evse_board_support/TiltDetected"), f"raise {SENSORS}"),
        (event("EVSE", "Problem", techCode="evse_board_support/WaterIngressDetected"), f"raise {SENSORS}"),
        (event("EVSE", "Problem", techCode="evse_board_support/EnclosureOpen"), f"raise {SENSORS}"),
        (event("EVSE", "Problem", techCode="CX008"), f"raise {FUSE}"),
        (event("EVSE", "Problem", techCode="CX026"), f"raise {SENSORS}"),
        (event("EVSE", "Problem", techCode="CX015"), f"raise {OTHER}"),
        (event("EVSE", "Problem", techCode="evse_board_support/VendorError"), f"raise {OTHER}"),
        (event("EVSE", "Problem", techInfo="The charging station is tilted"), f"raise {SENSORS}"),
        (event("EVSE", "Problem", techInfo="MCB tripped"), f"raise {FUSE}"),
        (event("EVSE", "Problem", "false", techCode="CX004"), f"clear {FUSE}"),
        (event("EVSE", "Problem", "true", techCode="CX004", cleared=True), f"clear {FUSE}"),
        # The code comes before the component.
        (event("OverCurrentProtection", "Active", techCode="CX008"), f"raise {FUSE}"),
        (event("BayOccupancySensor", "Active", techCode="CX004"), f"raise {FUSE}"),
        # Of the states of a connector Faulted is a fault, whatever triggered its report.
        (event("Connector", "AvailabilityState", "Available"), "life"),
        (event("Connector", "AvailabilityState", "Faulted"), f"raise {OTHER}"),
        (event("EVSE", "AvailabilityState", "Unavailable"), "life"),
        (event("ChargingStation", "AvailabilityState", "Faulted", trigger="Alerting", evse=None), f"raise {OTHER}"),
        (event("Connector", "AvailabilityState", "Faulted", techInfo="RCD tripped"), f"raise {FUSE}"),
        # Measured values that merely changed or came by the clock.
        (event("TemperatureSensor", "Temperature", "41.5"), "life"),
        (event("TiltSensor", "Angle", "2.0", trigger="Periodic"), "life"),
        (event("ShockSensor", "Force", "0.2", trigger="Periodic"), "life"),
        (event("ShockSensor", "Active", "17", trigger="Periodic"), f"info {SENSORS}"),
        (event("TiltSensor", "Active", "", trigger="Delta"), f"info {SENSORS}"),
        (event("TiltSensor", "Angle", "41.5", trigger="Alerting"), "unmapped"),
        # A threshold that was crossed and is no longer.
        (event("TemperatureSensor", "Active", "85", trigger="Alerting"), f"raise {SENSORS}"),
        (event("TemperatureSensor", "Active", "60", trigger="Alerting", cleared=True), f"clear {SENSORS}"),
    ],
)
def test_event_by_code_words_and_value(data: dict[str, Any], means: str) -> None:
    assert meaning(events(data)) == means


@pytest.mark.parametrize(
    ("payload", "means"),
    [
        ({"connectorStatus": "Available", "evseId": 1, "connectorId": 1}, "life"),
        ({"connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}, "life"),
        ({"connectorStatus": "Unavailable", "evseId": 1, "connectorId": 1}, "life"),
        ({"connectorStatus": "Faulted", "evseId": 1, "connectorId": 1}, f"raise {OTHER}"),
    ],
)
def test_status_of_2_x_has_no_cause(payload: dict[str, Any], means: str) -> None:
    assert meaning(payload) == means
    assert meaning(payload, protocol="ocpp2.1") == means


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize(
    ("kind", "means"),
    [
        ("TamperDetectionActivated", f"raise {SENSORS}"),
        ("tamperdetectionactivated", f"raise {SENSORS}"),
        ("FirmwareUpdated", "info"),
        ("SettingSystemTime", "info"),
        ("StartupOfTheDevice", "info"),
        ("ResetOrReboot", "info"),
        ("SecurityLogWasCleared", "info"),
        ("ReconfigurationOfSecurityParameters", "info"),
        ("MaintenanceLoginAccepted", "info"),
        ("FailedToAuthenticateAtCsms", "unmapped"),
        ("MemoryExhaustion", "unmapped"),
        ("AttemptedReplayAttacks", "unmapped"),
        ("InvalidFirmwareSignature", "unmapped"),
    ],
)
def test_security_event(protocol: str, kind: str, means: str) -> None:
    assert meaning({"type": kind}, "SecurityEventNotification", protocol) == means


# ---- precedence, operators' own rules, optional rules ---------------------------------------------------------------


def own_rule(**values: Any) -> EventRule:
    """A rule as an operator makes one: precedence 10 unless said otherwise."""
    return save_rule(rule=EventRule(**({"name": "Ours", "effect": "raise", "case": SENSORS} | values)))


@pytest.mark.parametrize(
    ("conditions", "payload"),
    [
        ({"codes": ["OverCurrentFailure"], "vendors": ["Odd"]}, fault(vendorId="Odd & Sons")),
        ({"words": ["MCB of type 2 socket"]}, fault("overCurrentFailure", info="MCB of type 2 socket triggered")),
        ({"words": ["reconnected"]}, fault("groundFailure", info="RCD reconnected")),
        ({"codes": ["AMINA_INFO"]}, fine(vendorErrorCode="AMINA_INFO")),
        ({"codes": ["CX004"]}, events(event("EVSE", "Problem", techCode="CX004"))),
        ({"components": ["RCD"]}, events(event("RCD", "Tripped"))),
        ({"components": ["BayOccupancySensor"]}, events(event("BayOccupancySensor", "Active"))),
    ],
)
def test_operators_own_rule_wins_over_every_seeded_one(conditions: dict[str, Any], payload: dict[str, Any]) -> None:
    assert meaning(payload) != f"raise {SENSORS}"
    own_rule(**conditions)
    forget_rule_book()
    assert meaning(payload) == f"raise {SENSORS}"


def test_seeded_rules_leave_precedence_10_to_operators() -> None:
    assert EventRule._meta.get_field("precedence").default == 10
    assert not EventRule.objects.filter(precedence__lte=10).exists()


def enable(*names: str) -> None:
    assert EventRule.objects.filter(name__in=names, enabled=False).update(enabled=True) == len(names)
    forget_rule_book()


UNAVAILABLE_RULES = (
    "Reported Unavailable without an error counts as UNAVAILABLE",
    "Reported Unavailable counts as UNAVAILABLE",
    "A data link problem counts as UNAVAILABLE",
    "Reported available again",
)


@pytest.mark.parametrize(
    ("payload", "means"),
    [
        (fine(status="Unavailable"), f"raise {UNAVAILABLE}"),
        (fine(status="Available"), "clear"),
        (fault("EVCommunicationError", status="SuspendedEV"), "clear"),
        (fault("OverCurrentFailure", status="Unavailable"), f"raise {FUSE}"),
        (fault("OtherError", status="Unavailable"), f"raise {UNAVAILABLE}"),
        (fault("OverCurrentFailure"), f"raise {FUSE}"),
        (fault("OtherError", info="tilted"), f"raise {SENSORS}"),
        ({"connectorStatus": "Unavailable", "evseId": 1}, f"raise {UNAVAILABLE}"),
        ({"connectorStatus": "Available", "evseId": 1}, f"clear {UNAVAILABLE}"),
        (events(event("Connector", "AvailabilityState", "Unavailable")), f"raise {UNAVAILABLE}"),
        (events(event("Connector", "AvailabilityState", "Available")), "life"),
        (events(event("DataLink", "Problem")), f"raise {UNAVAILABLE}"),
        (events(event("DataLink", "Problem", "false")), f"clear {UNAVAILABLE}"),
    ],
)
def test_optional_rules_for_unavailable_work_when_enabled(payload: dict[str, Any], means: str) -> None:
    enable(*UNAVAILABLE_RULES)
    assert meaning(payload) == means


def test_optional_rules_are_off_and_all_others_on() -> None:
    assert set(EventRule.objects.filter(enabled=False).values_list("name", flat=True)) == set(UNAVAILABLE_RULES)


def test_every_seeded_rule_is_valid_and_names_its_source() -> None:
    for rule in EventRule.objects.all():
        rule.full_clean()
        assert len(rule.note) > 20, rule.name


def test_momentary_events_are_those_that_nobody_clears() -> None:
    transient = EventRule.objects.exclude(momentary_s=None).values_list("name", "momentary_s")
    assert dict(transient) == {"Shock sensor": 3_600, "Tampering detected": 86_400}

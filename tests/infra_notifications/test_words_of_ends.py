"""An end in parentheses belongs to the fault before it, a sign stands for a word, and what ends may be a code."""

from __future__ import annotations

from itertools import count

import pytest

from infra_notifications.models import ChargePoint
from tests.infra_notifications.helpers import at, fault, fine, open_cases, say, station

pytestmark = pytest.mark.django_db


@pytest.fixture
def point() -> ChargePoint:
    return station(points=1)[0]


@pytest.mark.parametrize(
    "info",
    [
        "Last fault: RCD tripped (cleared 12:30)",
        "RCD tripped (resolved)",
        "Emergency stop pressed (already released)",
        "FI ausgelöst (behoben um 12:30)",
        "Sicherung ausgelöst (wieder eingeschaltet)",
        "Disjoncteur déclenché (résolu)",
    ],
)
def test_a_fault_whose_end_stands_in_parentheses_is_over(point: ChargePoint, info: str) -> None:
    say(point, fault("OtherError", status="Available", info=info))
    assert open_cases(point) == []


@pytest.mark.parametrize(
    ("info", "case"),
    [
        ("RCD tripped (reset required)", "FUSE_TRIPPED"),
        ("RCD tripped (not cleared)", "FUSE_TRIPPED"),
        ("RCD tripped (cannot be reset)", "FUSE_TRIPPED"),
        ("RCD tripped (2nd time since reset)", "FUSE_TRIPPED"),
        ("FI ausgelöst (noch nicht behoben)", "FUSE_TRIPPED"),
        ("Last fault: RCD tripped (connector 1)", "FUSE_TRIPPED"),
        ("Ambient temp > 70C", "SENSORS"),
        ("temperature >70 °C", "SENSORS"),
        ("Humidity > 95 %", "SENSORS"),
    ],
)
@pytest.mark.parametrize("status", ["Faulted", "Available"])
def test_what_stands_is_told_whatever_parentheses_hold(point: ChargePoint, info: str, case: str, status: str) -> None:
    say(point, fault("OtherError", status=status, info=info))
    assert open_cases(point) == [case]
    say(point, fault("OtherError", status="Faulted", info=f"{info} (cleared)"), now=at(9))
    assert open_cases(point) != [], "what is Faulted is never silent"


NOT_SO = {
    "FUSE_TRIPPED": """
        Charging not possible: RCD tripped|Laden nicht möglich: FI ausgelöst|No power: fuse blown
        Geen spanning: zekering defect|Carga no posible: diferencial disparado|Charge impossible, disjoncteur déclenché
        Ricarica non possibile: differenziale scattato|No power\nfuse blown|Not charging / RCD tripped
        Kein Fahrzeug: FI ausgelöst|No vehicle - RCD tripped|Pas de charge: disjoncteur déclenché
        Kein Strom: Sicherung ausgelöst|Not available: emergency stop pressed""",
    "SENSORS": "No charging: door open|Err No:12 Door open|Kein Laden: Tür offen|Nicht bereit: Tür offen",
    None: """
        No fault: RCD|RCD: not tripped|No error: door closed|Kein Fehler: FI nicht ausgelöst|Door not open: charging
        No alarm / charging|Charging: no fault|Not charging: RCD not tripped|Kein Laden: Tür geschlossen
        No vehicle: no RCD trip|Ladung nicht gestört: FI in Ordnung""",
}


@pytest.mark.parametrize("case", NOT_SO)
def test_what_does_not_come_about_denies_no_cause(point: ChargePoint, case: str | None) -> None:
    seconds = count()
    for info in NOT_SO[case].replace("\n        ", "|").strip("|\n ").split("|"):
        for status in ("SuspendedEVSE", "Unavailable"):
            say(point, fine(status=status, info=info.replace("\\n", "\n")), now=at(next(seconds)))
            assert open_cases(point) == ([case] if case else []), (info, status)
            say(point, fine(), now=at(next(seconds)))
            assert open_cases(point) == []


@pytest.mark.parametrize(
    ("code", "said", "was_open"),
    [
        *(("CX004", "Error {} resolved", was_open) for was_open in (False, True)),
        *((code, "Error {} resolved", True) for code in ("GroundFailure", "MREC4OverCurrentFailure", "rcd/E17")),
        *(("OverCurrentFailure", said, False) for said in ("{} resolved", "resolved")),
    ],
)
def test_named_end_of_a_code_that_rules_know_while_another_stands(
    point: ChargePoint, code: str, said: str, was_open: bool
) -> None:
    if was_open:
        say(point, fault("OtherError", vendorErrorCode=code))
    told = {"info": said.format(code), "vendorErrorCode": code}
    say(point, fault("HighTemperature", **told), now=at(1))
    assert open_cases(point) == ["SENSORS"]
    say(point, fault("OtherError", status="Charging", **told), now=at(2))
    assert open_cases(point) == []


@pytest.mark.parametrize("info", ["RCD tripped 0 times", "FI 0 mal ausgelöst", "fuse trips: 0 x"])
def test_what_happened_no_times_did_not(point: ChargePoint, info: str) -> None:
    say(point, fine(info=info))
    assert open_cases(point) == []


def test_no_error_in_words_is_no_code(point: ChargePoint) -> None:
    for status in ("Available", "Charging"):
        say(point, fault("OtherError"))
        say(point, fine(status=status, vendorErrorCode="No error."), now=at(1))
        assert open_cases(point) == []


def test_an_end_from_before_the_fault_is_warned_of(point: ChargePoint) -> None:
    say(point, fault("GroundFailure"), now=at(10))
    took = say(point, fine(), now=at(11), received_at=at(8).isoformat())
    assert ["did not end it" in sentence for _place, sentence in took.warnings] == [True]


def test_a_code_that_is_not_said_to_be_over_still_tells_its_case(point: ChargePoint) -> None:
    for number, said in enumerate(("Error CX004 not resolved", "CX004 must be reset", "CX004")):
        say(point, fault("HighTemperature", info=said, vendorErrorCode="CX004"), now=at(2 * number))
        assert "FUSE_TRIPPED" in open_cases(point), said
        say(point, fine(), now=at(2 * number + 1))


@pytest.mark.parametrize(
    ("code", "status", "info"),
    [
        ("PowerSwitchFailure", "Available", "DC relay K1 stuck closed"),
        ("PowerSwitchFailure", "Available", "Contactor welded closed"),
        ("PowerSwitchFailure", "Charging", "K1 welded (stuck closed)"),
        ("PowerSwitchFailure", "Available", "Relais klebt (geschlossen)"),
        ("PowerSwitchFailure", "Available", "Relay closed after open command"),
        ("OtherError", "Available", "Contactor closed unexpectedly"),
        ("InternalError", "Available", "Error 12: auto reset in 30 s"),
        ("ReaderFailure", "Available", "Press reset to continue"),
        ("ConnectorLockFailure", "Available", "Lock released by force"),
        ("InternalError", "Unavailable", "Please restart"),
        ("OtherError", "SuspendedEVSE", "Power module 3 restarted"),
    ],
)
def test_a_part_that_is_closed_and_an_end_that_is_asked_for_end_nothing(
    point: ChargePoint, code: str, status: str, info: str
) -> None:
    for minutes in (0, 1):
        say(point, fault(code, status=status, info=info), now=at(minutes * 60))
        assert len(open_cases(point)) == 1


def test_an_end_beside_what_is_broken_all_the_same_is_none_and_what_is_denied_is_not_broken(point: ChargePoint) -> None:
    broken = ["RCD reclosed 3 times, locked out", "Door closed sensor defect", "E-Stop released, manual reset required"]
    broken += ["restart required", "Neustart erforderlich", "Watchdog", "fusible réarmé, toujours en panne"]
    over = ["Overcurrent cleared, no reset required", "Fehler behoben, kein Neustart erforderlich", "Defect repaired"]
    over += ["RCD reset, no service needed", "Update completed, restart not required", "Firmware update required"]
    for number, info in enumerate((*broken, *over)):
        say(point, fault("OtherError", status="Available", info=info), now=at(number * 60))
        assert bool(open_cases(point)) is (info in broken), info
        say(point, fine(), now=at(number * 60 + 1))


def test_what_was_and_what_reads_zero_is_no_fault_beside_no_error(point: ChargePoint) -> None:
    calm = ["Emergency power mode", "Last stop: EmergencyStop", "Tilt 0", "EmergencyStop history: 2", "Smoke 0, Door 0"]
    for number, info in enumerate((*calm, "letzter Stopp: Not-Aus", "dernier arrêt : arrêt d'urgence")):
        say(point, fine(status="Charging", info=info), now=at(number * 60))
        assert open_cases(point) == [], info
    say(point, fine(status="Charging", info="Last stop: timeout; RCD tripped"), now=at(9_000))
    assert open_cases(point) == ["FUSE_TRIPPED"]
